"""Reports of runs: what `neurofwp.report` lays out, taken from a result."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofwp.cli import experiment_settings, printing
from neurofwp.cli.figures import Drawn
from neurofwp.report.page import Page, Setting, Table, render
from neurofwp.runtime import files
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.interpretation import Interpretation
from neurofwp.runtime.tables import flat, frame

if TYPE_CHECKING:
    import xarray as xr

REPORT = "report.html"
FITS = Interpretation(
    question="Which update rule moved these weights?",
    shows="Which rules predict weights that they were not fitted to, as a share of what repeats where noise is known.",
    does_not_show="A rule that is not in the list: a verdict names only rules that were fitted. Without a repeat or a "
    "stated noise nothing says how well a rule could do.",
)
ROWS = 300  # of a table
ABOUT = ("seed", "device", "commit", "versions")  # attributes of a result that say how to make it again


def write(page: Page, folder: Path) -> str:
    """Write a report into a folder; the name of the file."""
    files.write_bytes(render(page).encode(), folder / REPORT)
    return REPORT


def of_run(experiment: Experiment, result: xr.DataTree, tables: Mapping[str, xr.Dataset], drawn: Drawn) -> Page:
    """What is told of a run, from its result alone."""
    about = {str(name): value for name, value in result.attrs.items()}
    settings = json.loads(about["settings"])
    title, *done = _paragraphs(experiment.text) or [experiment.name]  # optimised Python has no docstrings
    meant = experiment.interpretation
    return Page(
        title=title,
        command=experiment_settings.command(experiment, settings, int(about["seed"]), str(about["device"])),
        question=meant.question,
        answer=meant.answer_from(flat(tables)),
        about=done,
        shows=meant.shows,
        does_not_show=meant.does_not_show,
        reading=_paragraphs(inspect.getdoc(experiment.tables) or ""),
        warnings=_failed(drawn),
        pictures=drawn.pictures,
        tables=[table_of(name, table) for name, table in tables.items()],
        settings=settings_of(experiment.settings, settings),
        provenance=[("experiment", experiment.name), *provenance(about)],
    )


def of_fits(
    fits: xr.Dataset, tables: Mapping[str, xr.Dataset], drawn: Drawn, flags: Mapping[str, Any], kind: type
) -> Page:
    """What `identify` tells of weights in a file; flags : of the command, whose fields are those of `kind`."""
    given = json.loads(json.dumps(dict(flags), default=str))
    file = Path(str(given.pop("file"))).name  # where it lies is of this machine
    words = ["neurofwp", "identify", file, *experiment_settings.flags(given, kind)]
    return Page(
        title=f"Which rule moved the weights of {file}?",
        command=shlex.join(words),
        question=FITS.question,
        answer=str(fits["sentence"].item()),
        shows=FITS.shows,
        does_not_show=FITS.does_not_show,
        warnings=_failed(drawn),
        pictures=drawn.pictures,
        tables=[table_of(name, table) for name, table in tables.items() if name != "summary"],
        settings=settings_of(kind, given),
        provenance=list(provenance({str(name): value for name, value in fits.attrs.items()})),
    )


def of_training(
    name: str,
    kinds: Sequence[type],
    settings: Mapping[str, Any],
    numbers: Mapping[str, float],
    history: xr.Dataset,
    drawn: Drawn,
    *,
    seed: int,
    device: str,
) -> Page:
    """What is told of a slow net that was trained; kinds : of the settings, of its family and of training."""
    plain = json.loads(json.dumps(dict(settings), default=str))
    parts = [{each: plain[each] for each in experiment_settings.defaults(kind)} for kind in kinds]
    words = [each for part, kind in zip(parts, kinds, strict=True) for each in experiment_settings.flags(part, kind)]
    measures = [key.removeprefix("after.") for key in numbers if key.startswith("after.")]
    rows = [[each, *(f"{numbers[f'{when}.{each}']:.4g}" for when in ("before", "after"))] for each in measures]
    about = {str(key): value for key, value in history.attrs.items()} | {"seed": seed, "device": device}
    return Page(
        title=f"A slow net, trained on {name}",
        command=shlex.join(["neurofwp", "train", name, "--seed", str(seed), "--device", device, *words]),
        question="Does the slow net write programs that solve tasks that it has not seen?",
        answer=f"{'; '.join(f'{each} {after}, before training {before}' for each, before, after in rows)}.",
        shows="What training changed, on held-out episodes of the family that it was trained on.",
        does_not_show="How the net does on other tasks, or on spiking synapses (`neurofwp run slow-net-to-spikes`).",
        warnings=_failed(drawn),
        pictures=drawn.pictures,
        tables=[Table("held_out", ["measure", "before", "after"], rows, "Means over held-out episodes.")],
        settings=[each for part, kind in zip(parts, kinds, strict=True) for each in settings_of(kind, part)],
        provenance=[("family", name), *provenance(about)],
    )


def _failed(drawn: Drawn) -> list[str]:
    return [f"Could not be drawn: {', '.join(drawn.failed)}."] if drawn.failed else []


def table_of(name: str, table: xr.Dataset) -> Table:
    """A table as it is printed, with units in its headings; of a long one the first rows."""
    rows = frame(table)
    columns = printing.text_columns(rows.head(ROWS).reset_index(drop=True))
    notes = [table.attrs["caption"]] if "caption" in table.attrs else []
    notes += [f"{ROWS} of {len(rows)} rows; all are in {name}.csv."] if len(rows) > ROWS else []
    return Table(name, list(columns), list(zip(*columns.values(), strict=True)), " ".join(notes))


def settings_of(kind: type, settings: Mapping[str, Any]) -> list[Setting]:
    """All settings in the order of their definition, with defaults and what they mean."""
    by_default = experiment_settings.defaults(kind)
    meanings = experiment_settings.meanings(kind)
    ordered = [
        *(name for name in by_default if name in settings),
        *(name for name in settings if name not in by_default),
    ]
    return [
        Setting(
            name.replace("_", "-"),
            _words(settings[name]),
            _words(by_default[name]) if name in by_default else None,
            meanings.get(name, ""),
        )
        for name in ordered
    ]


def provenance(about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Seed, device, commit and versions, from the attributes of a result."""
    for name in ABOUT:
        if name == "versions":
            yield from (json.loads(str(about.get(name, "{}")))).items()
        elif name in about:
            yield name, str(about[name])


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_words, value)) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else "none" if value is None else str(value)


def _paragraphs(text: str) -> list[str]:
    """Of a docstring, with the signs that it writes in letters."""
    from neurofwp.plots.captions import paragraphs

    return paragraphs(text)
