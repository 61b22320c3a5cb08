"""What `neurofwp run` left: opened again, its tables printed, its figures drawn."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import tyro
import xarray as xr
from rich.console import Console
from rich.table import Table

from neurofwp.cli import catalogue
from neurofwp.errors import InputError
from neurofwp.runtime import files, provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ROWS = 40  # of a table, on a terminal
NAMED = 28  # characters of its first column there, at least
RESULT = "result.nc"
SUMMARY = "summary.json"


@dataclass(frozen=True)
class _Compare:
    result: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RESULT")]
    """A results folder, or the result.nc in it."""


@dataclass(frozen=True)
class _Plot(_Compare):
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: beside the result)")] = None
    """Where the figures go."""


def compare(words: list[str]) -> int:
    """spiking against rate: recall, and the table of rules"""
    path = tyro.cli(_Compare, prog="neurofwp compare", description="Print the tables of a result.", args=words).result
    file, result = open_result(path)
    path = file.with_name(SUMMARY)
    summary = json.loads(path.read_text()) if path.is_file() else {}
    if not rule_tables(result) and recall_table(summary) is None:
        raise InputError(f"{str(file)!r} holds no recall and no rules: {result.attrs['experiment']} compares nothing")
    print_tables(result, summary)
    return 0


def plot(words: list[str]) -> int:
    """the figures again, from the saved data alone"""
    arguments = tyro.cli(_Plot, prog="neurofwp plot", description="Draw the figures of a result again.", args=words)
    file, result = open_result(arguments.result)
    module = catalogue.experiment(result.attrs["experiment"])
    folder = files.output_folder(arguments.out or file.parent)
    draw(module, result, folder)
    print(folder)
    return 0


def open_result(path: Path) -> tuple[Path, xr.DataTree]:
    """The file and the tree in it, given a results folder or the file itself.

    Raises
    ------
    InputError
        if there is none, or it is not the result of an experiment.
    """
    file = path / RESULT if path.is_dir() else path
    result = files.read_tree(file)
    if "experiment" not in result.attrs:
        raise InputError(f"{str(file)!r} is not the result of an experiment: it does not say of which")
    return file, result


def written(settings: Any) -> str:
    """The settings of an experiment, in JSON."""
    return json.dumps(asdict(settings), default=str, sort_keys=True)


def write(name: str, result: xr.DataTree, settings: Any, seed: int, device: str, folder: Path) -> None:
    """Write what an experiment measured, with all that is needed to measure it again."""
    result.attrs |= {
        "experiment": name,
        "settings": written(settings),
        "seed": seed,
        "device": device,
        "versions": json.dumps(provenance.versions(), sort_keys=True),
        "commit": provenance.commit(),
    }
    files.write_netcdf(result, folder / RESULT)


def draw(module: ModuleType, result: xr.DataTree, folder: Path) -> list[Path]:
    """Write each figure of the experiment as PNG (200 dpi) and PDF."""
    written = []
    for name, figure in module.plot(result).items():
        written += save_figure(figure, folder, name)
    return written


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG (200 dpi) and PDF, laid out once for both."""
    paths = [folder / f"{name}.{kind}" for kind in ("png", "pdf")]
    for path in paths:
        with files.replacing(path) as temporary:
            figure.savefig(temporary, dpi=200)
        figure.set_layout_engine("none")  # keeps the layout that it has; laying out takes a third of the time
    return paths


def write_tables(module: ModuleType, result: xr.DataTree, folder: Path) -> None:
    """Write each table of the experiment, if it has any, as CSV, and print as much of it as a terminal has room for."""
    if not hasattr(module, "tables"):
        return
    console = Console()
    for name, table in module.tables(result).items():
        path = folder / f"{name}.csv"
        with files.replacing(path) as temporary:
            table.to_csv(temporary, index=False)
        console.print(excerpt(table, name, path, console.width))


def excerpt(table: pd.DataFrame, name: str, path: Path, width: int) -> Table:
    """The first rows of a table, and its first columns as far as they go into `width` characters.

    A column that is empty is left out, and NAME_sem is shown as the standard error of NAME, beside it. Below comes the
    table's ``attrs["caption"]``, if it has one, and where all of it is, if this is not all.
    """
    columns = _cells(table.head(ROWS).reset_index(drop=True))
    shown: dict[str, list[str]] = {}
    room = width - 1
    for heading, cells in columns.items():
        needed = max(map(len, (heading, *cells))) + 3
        if not shown:
            needed = min(NAMED + 3, needed)  # the first column says what a row is; where it is wider, it is folded
        elif needed > room:
            break
        shown[heading] = cells
        room -= needed
    lines = [table.attrs["caption"]] if "caption" in table.attrs else []
    cut = [f"{ROWS} of {len(table)} rows"] if len(table) > ROWS else []
    cut += [f"{len(shown)} of {len(columns)} columns"] if len(shown) < len(columns) else []
    if cut:
        lines.append(f"{', '.join(cut)}; all are in {path}")
    return catalogue.table(name, list(shown), zip(*shown.values(), strict=True), "\n".join(lines) or None)


def _cells(table: pd.DataFrame) -> dict[str, list[str]]:
    """Columns as they are printed, by heading."""
    columns: dict[str, list[str]] = {}
    filled = [str(name) for name in table.columns if table[name].notna().any() and (table[name] != "").any()]
    for name in filled:
        if name.endswith("_sem") and name.removesuffix("_sem") in filled:
            continue
        cells = [_cell(value) for value in table[name]]
        if (error := f"{name}_sem") in filled:
            cells = [
                cell if _empty(sem) else f"{cell} ± {_cell(sem)}" for cell, sem in zip(cells, table[error], strict=True)
            ]
            name += " ± SEM"
        columns[name] = cells
    return columns


def _empty(value: Any) -> bool:
    # pandas' own missing value, of columns of whole numbers, is equal to nothing, not even to be compared
    return type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))


def _cell(value: Any) -> str:
    """Numbers with three digits, a dash where there is none."""
    if _empty(value):
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def print_tables(result: xr.DataTree, summary: dict[str, Any]) -> None:
    """Recall of each network, and for each set of fits the rules ranked."""
    console = Console()
    recalls = recall_table(summary)
    if recalls is not None:
        console.print(recalls)
    for fitted in rule_tables(result):
        console.print(fitted)


def recall_table(summary: dict[str, Any]) -> Table | None:
    """The keys recall.<network>.<measure> of a summary as networks by measures; None where there are none."""
    cells = {tuple(key.split(".")[1:]): number for key, number in summary.items() if key.startswith("recall.")}
    pairs = [cell for cell in cells if len(cell) == 2]
    if not pairs:
        return None
    networks, measures = (list(dict.fromkeys(names)) for names in zip(*pairs, strict=True))
    rows = [[n, *(_number(cells.get((n, m))) for m in measures)] for n in networks]
    return catalogue.table("recall", ["network", *measures], rows)


def rule_tables(result: xr.DataTree) -> list[Table]:
    """One table for each Dataset of fits at or below the group /fits."""
    groups = result["fits"].subtree if "fits" in result.children else ()
    return [_rule_table(group.path, group.to_dataset()) for group in groups if "explained_share" in group]


def _rule_table(path: str, fits: xr.Dataset) -> Table:
    drive = f"{fits.attrs['driven_by']}\n" if "driven_by" in fits.attrs else ""
    ceiling, sem = (_number(fits[name].item()) for name in ("noise_ceiling", "noise_ceiling_sem"))
    ranked = fits.sortby("r2", ascending=False)
    rows = []
    for i in range(ranked.sizes["rule"]):
        rule = ranked.isel(rule=i)
        r2, share, low, high = (_number(rule[name].item()) for name in ("r2", "explained_share", "low", "high"))
        best = "*" if rule["best"].item() else ""
        rows.append((rule["rule"].item(), r2, f"{share} [{low}, {high}]", _number(rule["bic"].item(), digits=1), best))
    header = ("rule", "held-out R²", "explained share [95 %]", "BIC", "best")
    return catalogue.table(
        f"{path.removeprefix('/')}: which rule",
        header,
        rows,
        caption=f"{drive}noise ceiling {ceiling} ± {sem} (SEM), n = {fits.sizes.get('episode', 0)} held-out episodes",
    )


def _number(value: float | None, digits: int = 3) -> str:
    """A dash where there is none: no repeat, no ceiling."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"
