"""The command line of same_science."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tyro

from benchmarks.same_science import arrays, checkouts, comparison, renames, report
from benchmarks.same_science.cases import check_areas

INSIDE = "benchmarks.same_science.inside"


def dump(
    out: tyro.conf.Positional[Path],
    checkout: Path = Path("."),
    only: tuple[str, ...] = (),
    matching: str = "*",
    processes: int = 2,
) -> int:
    """Dump the numbers of a checkout.

    Args:
        out: The file.
        checkout: Folder of the checkout.
        only: Areas (experiments, fits, training, synapses, rules, closed-forms); by default all.
        matching: Pattern of the names of cases in them.
        processes: Cases that run side by side.
    """
    failed = _dump(checkout, out, only, matching, processes).failed
    for case, error in failed.items():
        print(f"{case} failed: {error}", file=sys.stderr)
    return 1 if failed else 0


def compare(
    base: tyro.conf.Positional[Path],
    here: tyro.conf.Positional[Path] = Path("."),
    only: tuple[str, ...] = (),
    matching: str = "*",
    processes: int = 2,
    allowed: Path = comparison.FILE,
    also: tuple[Path, ...] = (),
    every: bool = False,
) -> int:
    """Compare two checkouts, or dumps of them, array by array.

    Args:
        base: Checkout or dump that is right.
        here: Checkout or dump that should be the same.
        only: Areas; by default all.
        matching: Pattern of the names of cases in them.
        processes: Cases that run side by side.
        allowed: What may differ, and why.
        also: More of what may differ, as keyed_noise/allowed.toml.
        every: List every array that differs.
    """
    margins = [each for path in (allowed, *also) for each in comparison.allowances(path)]
    with tempfile.TemporaryDirectory(prefix="same-science-") as folder:
        first, second = (
            _select(arrays.load(each), only, matching)
            if each.is_file()
            else _dump(each, Path(folder, f"{number}.npz"), only, matching, processes)
            for number, each in enumerate((base, here))
        )
    for name in sorted(first.made_with.keys() | second.made_with.keys()):
        one, other = (each.made_with.get(name) for each in (first, second))
        if one != other:
            print(f"{name} differs ({one}; {other}): to compare bits, dump both again", file=sys.stderr)
    rows = comparison.compare(first, second, renames.load(), margins)
    return 0 if report.show(rows, every=every) else 1


def means(
    base: tyro.conf.Positional[Path],
    here: tyro.conf.Positional[Path] = Path("."),
    seeds: int = 50,
    processes: int = 2,
    limit: float = 4.0,
) -> int:
    """Compare means over seeds of two checkouts, or files of them, where random numbers are drawn otherwise.

    Args:
        base: Checkout, or file of an earlier `measure`.
        here: The same, of what should be the same on average.
        seeds: How many.
        processes: Networks that run side by side.
        limit: Standard errors by which a mean may differ.
    """
    from benchmarks.same_science import seeds as over_seeds

    with tempfile.TemporaryDirectory(prefix="same-science-") as folder:
        first, second = (
            arrays.load(each) if each.is_file() else _measure(each, Path(folder, f"{number}.npz"), seeds, processes)
            for number, each in enumerate((base, here))
        )
    rows = over_seeds.differences(first, second)
    return 0 if over_seeds.show(rows, limit) else 1


def measure(out: tyro.conf.Positional[Path], checkout: Path = Path("."), seeds: int = 50, processes: int = 2) -> int:
    """Leave the numbers of many seeds of a checkout in a file, for `means`.

    Args:
        out: The file.
        checkout: Folder of the checkout.
        seeds: How many.
        processes: Networks that run side by side.
    """
    return 1 if _measure(checkout, out, seeds, processes).failed else 0


def _dump(checkout: Path, out: Path, only: tuple[str, ...], matching: str, processes: int) -> arrays.Dump:
    settings = {"areas": check_areas(only), "matching": matching, "processes": processes}
    return _inside("dump", checkout, out, settings)


def _measure(checkout: Path, out: Path, seeds: int, processes: int) -> arrays.Dump:
    return _inside("measure", checkout, out, {"seeds": seeds, "processes": processes})


def _inside(what: str, checkout: Path, out: Path, settings: dict[str, Any]) -> arrays.Dump:
    """What the checkout leaves in a file."""
    print(f"{what} of {checkout.resolve()}", file=sys.stderr)
    checkouts.run(checkout, INSIDE, [what, str(out.resolve()), json.dumps(settings)])
    return arrays.load(out)


def _select(whole: arrays.Dump, only: tuple[str, ...], matching: str) -> arrays.Dump:
    """The part of a dump that was asked for."""
    areas = check_areas(only)

    def is_asked(key: str) -> bool:
        area, name = report.case_of(key).split("/")
        return area in areas and arrays.matches(name, matching)

    return arrays.Dump(
        {key: each for key, each in whole.arrays.items() if is_asked(key)},
        {case: error for case, error in whole.failed.items() if is_asked(case)},
        whole.seconds,
        whole.made_with,
    )


def main() -> int:
    """Run the command that is asked for."""
    commands: dict[str, Any] = {"dump": dump, "compare": compare, "means": means, "measure": measure}
    try:
        code: int = tyro.extras.subcommand_cli_from_dict(commands, prog="python -m benchmarks.same_science")
        return code
    except (ValueError, FileNotFoundError) as error:
        print(f"same_science: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"same_science: the checkout stopped with code {error.returncode}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
