"""Tables of experiments: as CSV files, and as much of them as a terminal has room for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from neurofwp.cli import text
from neurofwp.runtime import files, migrations
from neurofwp.runtime.tables import frame

if TYPE_CHECKING:
    import xarray as xr

ROWS = 40  # of a table, on a terminal
NAMED = 28  # characters of its first column there, at least


def write(tables: Mapping[str, xr.Dataset], folder: Path, *, excerpts: bool = True) -> None:
    """Write each table as CSV, with units in its headings, and print excerpts of them where they are wanted."""
    console = Console()
    for name, table in tables.items():
        rows = frame(table)
        rows.attrs |= {"caption": table.attrs["caption"]} if "caption" in table.attrs else {}
        path = folder / f"{name}.csv"
        headings = [_with_unit(str(each), rows) for each in rows]
        with files.replace_file(path) as temporary:
            rows.to_csv(temporary, index=False, header=headings)
        if excerpts:
            console.print(excerpt(rows, name, path, console.width))


def _with_unit(heading: str, rows: pd.DataFrame, column: str | None = None) -> str:
    """A heading with the unit of a column, by default that of its name, where it has one."""
    unit = rows.attrs.get("units", {}).get(column or heading, "1")
    return heading if unit in ("1", "") else f"{heading} ({unit})"


def excerpt(table: pd.DataFrame, name: str, path: Path, width: int) -> Table:
    """The first rows of a table, and its first columns as far as they go into `width` characters.

    A column that is empty is left out, and NAME_sem is shown as the standard error of NAME, beside it. Below comes the
    table's ``attrs["caption"]``, if it has one, and where all of it is, if this is not all.
    """
    columns = text_columns(table.head(ROWS).reset_index(drop=True))
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
    return text.table(name, list(shown), zip(*shown.values(), strict=True), "\n".join(lines) or None)


def text_columns(table: pd.DataFrame) -> dict[str, list[str]]:
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
        heading = f"{name} ± SEM" if error in filled else name
        columns[_with_unit(heading, table, name)] = cells
    return columns


def _empty(value: Any) -> bool:
    # pandas' own missing value, of columns of whole numbers, is equal to nothing, not even to be compared
    return type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))


def _cell(value: Any) -> str:
    """Numbers with three digits, a dash where there is none."""
    if _empty(value):
        return "–"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def show(result: xr.DataTree, summary: dict[str, Any]) -> None:
    """Print the recall of each network, and for each set of fits the rules ranked."""
    console = Console()
    for table in (recall(summary), *rules(result)):
        if table is not None:
            console.print(table)


def recall(summary: dict[str, Any]) -> Table | None:
    """The keys recall.<network>.<measure> of a summary as networks by measures; None where there are none.

    The summary may be of any version of the format.
    """
    now = {migrations.name(key): number for key, number in summary.items()}
    cells = {tuple(key.split(".")[1:]): number for key, number in now.items() if key.startswith("recall.")}
    pairs = [cell for cell in cells if len(cell) == 2]
    if not pairs:
        return None
    networks, measures = (list(dict.fromkeys(names)) for names in zip(*pairs, strict=True))
    rows = [[n, *(_number(cells.get((n, m))) for m in measures)] for n in networks]
    return text.table("recall", ["network", *measures], rows)


def rules(result: xr.DataTree) -> list[Table]:
    """One table for each Dataset of fits at or below the group /fits."""
    groups = result["fits"].subtree if "fits" in result.children else ()
    return [_rule_table(group.path, group.to_dataset()) for group in groups if "feve" in group]


def _rule_table(path: str, fits: xr.Dataset) -> Table:
    drive = f"{fits.attrs['driven_by']}\n" if "driven_by" in fits.attrs else ""
    ceiling, sem = (_number(fits[name].item()) for name in ("noise_ceiling", "noise_ceiling_sem"))
    sentence = f"{fits['sentence'].item()}\n" if "sentence" in fits else ""
    unit, count = fits.attrs.get("unit", "episode"), fits.sizes.get("unit", fits.sizes.get("episode", 0))
    ranked = fits.sortby("r2", ascending=False)
    rows = []
    for i in range(ranked.sizes["rule"]):
        rule = ranked.isel(rule=i)
        r2, share, low, high = (_number(rule[name].item()) for name in ("r2", "feve", "low", "high"))
        best = "*" if rule["best"].item() else ""
        rows.append((rule["rule"].item(), f"{share} [{low}, {high}]", r2, best))
    rows += _others(fits)
    header = ("rule", "FEVE [95 %]", "held-out R²", "best")
    return text.table(
        f"{path.removeprefix('/')}: which rule",
        header,
        rows,
        caption=f"{drive}{sentence}noise ceiling {ceiling} ± {sem} (SEM), n = {count} held-out {unit}s",
    )


def _others(fits: xr.Dataset) -> list[tuple[str, str, str, str]]:
    """Rows of the best null model and of the flexible rules, which fits of older formats lack."""
    if "unexplained" not in fits or fits.attrs["adequacy"] == "unknown":
        return []
    left = [fits[f"unexplained{end}"].isel(measure=0).to_series() for end in ("", "_high", "_low")]
    nulls, references = ([name for name in left[0].index if name.startswith(kind)] for kind in ("null", "reference"))
    rows = []
    for name in [left[0][nulls].idxmin(), *references]:
        share, low, high = (_number(1 - each[name]) for each in left)
        rows.append((str(name), f"{share} [{low}, {high}]", "", ""))
    return rows


def parameters(fits: xr.Dataset) -> Table:
    """The parameters of the best supported rules with their 95 % intervals, which fits of older formats lack."""
    rows = []
    for rule in fits["rule"].values[fits["best"].values.astype(bool)]:
        own = fits.sel(rule=rule).dropna("parameter", subset=["parameter_value"])
        for name in own["parameter"].values:
            each = own.sel(parameter=name)
            value, low, high = (
                f"{each[f'parameter_{key}'].item():.3g}" if f"parameter_{key}" in each else "–"
                for key in ("value", "low", "high")
            )
            rows.append((str(rule), str(name), f"{value} [{low}, {high}]"))
    unit = fits["parameter_value"].attrs.get("units", "powers of 1")
    heading = "value [95 %]" if unit.endswith(" 1") else f"value [95 %] ({unit})"
    return text.table("parameters of the best supported rules", ("rule", "parameter", heading), rows)


def _number(value: float | None, digits: int = 3) -> str:
    """A dash where there is none: no repeat, no ceiling."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"
