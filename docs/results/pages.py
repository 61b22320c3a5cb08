"""Pages of results, made from what runs have left.

    python docs/results/pages.py keep results/key-overlap/...    # takes a run's tables into docs/results
    python docs/results/pages.py keep results/fit-synapse/...=fit-omega    # under a name of its own
    python docs/results/pages.py write                           # writes a page for each, and the index

A run is kept as its tables (CSV, but those of more than `KEPT` rows), one figure, and `run.json`: settings, seed,
versions, commit, the time that it took, and the caption. Pages are made of these alone, and of `notes.md` beside them,
what is to be read out of the tables. Where notes show figures of their own, no other is kept.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RUN = "run.json"
ROWS = 60  # of a table on a page
KEPT = 500  # of a table that is kept
NOTES = "notes.md"
FIGURE = "figure.png"
WIDTH, COLOURS = 1100, 200  # of a figure that is kept, pixels: some 70 kB
SHOWN = {
    "hetero-associative": "overview",
    "plasticity-protocols": "ratio_against_frequency",
}  # that stands for it, if not the first


def keep(folder: Path, name: str = "") -> Path:
    """Take the tables of a run, and how it was made, into a folder of this name, by default that of its experiment."""
    import xarray as xr

    with xr.open_datatree(folder / "result.nc", engine="h5netcdf") as tree:
        attrs = dict(tree.attrs)
    place = HERE / (name or str(attrs["experiment"]))
    place.mkdir(exist_ok=True)
    for old in [*place.glob("*.csv"), *place.glob(RUN), *place.glob(FIGURE)]:
        old.unlink()
    for table in sorted(folder.glob("*.csv")):
        if len(table.read_text().splitlines()) <= KEPT:
            shutil.copy(table, place)
    about = {name: _plain(attrs[name]) for name in ("experiment", "settings", "seed", "versions", "commit")}
    about["seconds"] = _seconds(folder / "log.txt")
    about["answer"] = _answer(str(attrs["experiment"]), folder / "summary.json")
    if not _has_figures(place / NOTES):
        about["caption"] = _keep_figure(folder, str(attrs["experiment"]), place / FIGURE)
    (place / RUN).write_text(json.dumps(about, indent=2, sort_keys=True) + "\n")
    return place


def _seconds(log: Path) -> int:
    """How long it took to measure, as the log of a run says."""
    times = re.findall(r"measured in (\d+) s", log.read_text())
    if not times:
        sys.exit(f"{log} does not say how long the run took: keep a run that was not resumed")
    return int(times[-1])


def _answer(experiment: str, summary: Path) -> str:
    """What the numbers of a run answer, as its report says it."""
    from neurofwp.cli import catalogue

    return catalogue.experiment(experiment).interpretation.answer_from(json.loads(summary.read_text()))


def _has_figures(notes: Path) -> bool:
    return notes.is_file() and "![" in notes.read_text()


def _keep_figure(folder: Path, experiment: str, place: Path) -> str:
    """Copy a run's figure, small; its caption."""
    from PIL import Image

    from neurofwp.cli import catalogue, results

    _, result = results.open_result(folder)
    name = SHOWN.get(experiment) or next(iter(catalogue.experiment(experiment).plot(result)))
    with Image.open(folder / f"{name}.png") as picture:
        caption = str(picture.info.get("Description", ""))
        small = picture.convert("RGB")
        small.thumbnail((WIDTH, picture.height), Image.Resampling.LANCZOS)
        small.quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(place, optimize=True)
    return caption


def write() -> list[Path]:
    """A page for each run that is kept, and the index of all pages."""
    pages = []
    for run in sorted(HERE.glob(f"*/{RUN}")):
        about = json.loads(run.read_text())
        page = HERE / f"{run.parent.name}.md"
        notes = run.parent / NOTES
        said = notes.read_text().strip() if notes.is_file() else ""
        page.write_text(_page(run.parent.name, about, said, sorted(run.parent.glob("*.csv"))))
        pages.append(page)
    lines = [f"- [{page.stem}]({page.name})" for page in pages]
    others = [page for page in sorted(HERE.glob("*.md")) if page not in pages and page.name != "README.md"]
    lines += [f"- [{page.read_text().splitlines()[0].removeprefix('# ')}]({page.name})" for page in others]
    head = (
        "# Results\n\nEach page names the command that made it. `python docs/results/pages.py write` writes them.\n\n"
    )
    (HERE / "README.md").write_text(head + "\n".join(lines) + "\n")
    return pages


def command(about: dict[str, Any]) -> str:
    """The command that makes this run again: with flags for all settings that are not those by default."""
    from neurofwp.cli import catalogue, experiment_settings

    experiment = catalogue.experiment(about["experiment"])
    return experiment_settings.command(experiment, about["settings"], about["seed"])


def _page(name: str, about: dict[str, Any], said: str, tables: list[Path]) -> str:
    parts = [f"# {name}", f"```\n{command(about)}\n```"]
    if "seconds" in about:
        parts.append(f"It took {duration(about['seconds'])} on two cores that others used as well.")
    if about.get("answer"):
        parts.append(plain_line(about["answer"]))
    parts += [said] if said else []
    if "caption" in about:
        parts.append(f"![{name}]({name}/{FIGURE})\n\n*{plain_line(about['caption'])}*")
    for table in tables:
        with table.open(newline="") as file:
            header, *rows = list(csv.reader(file))
        cut = (
            f"\n\n{ROWS} of {len(rows)} rows; all are in `{table.parent.name}/{table.name}`."
            if len(rows) > ROWS
            else ""
        )
        lines = [header, ["---"] * len(header), *([_cell(cell) for cell in row] for row in rows[:ROWS])]
        parts.append(f"## {table.stem}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + cut)
    settings = "; ".join(f"{name} {value}" for name, value in about["settings"].items())
    versions = ", ".join(f"{name} {value}" for name, value in about["versions"].items())
    parts.append(f"Settings: {settings}.\n\nCommit {about['commit']}; {versions}.")
    return "\n\n".join(parts) + "\n"


def duration(seconds: int) -> str:
    """A time as one says it."""
    minutes = round(seconds / 60)
    return f"{seconds} seconds" if seconds < 90 else f"{minutes} minutes"


def plain_line(caption: str) -> str:
    """A caption as text of a page, where stars and underscores are signs."""
    return re.sub(r"([*_|\\])", r"\\\1", " ".join(caption.split()))


def _cell(text: str) -> str:
    """Numbers with four digits."""
    try:
        number = float(text)
    except ValueError:
        return text
    return text if number.is_integer() and "." not in text else f"{number:.4g}"


def _plain(value: object) -> object:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return getattr(value, "item", lambda: value)()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["keep", *folders] if folders:
            for each in folders:
                print(keep(Path(each.partition("=")[0]), each.partition("=")[2]))
        case ["write"]:
            print(*write(), sep="\n")
        case _:
            sys.exit(__doc__)
