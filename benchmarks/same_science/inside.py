"""Run by `checkouts.run` in the checkout that is looked at: writes a dump, or the numbers of many seeds."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(words: list[str]) -> None:
    """`dump OUT SETTINGS` or `measure OUT SETTINGS`, settings in JSON."""
    what, out, text = words
    settings = json.loads(text)
    if what == "dump":
        from benchmarks.same_science import arrays, cases

        arrays.save(cases.dump(**settings), Path(out))
    else:
        from benchmarks.same_science import arrays, seeds

        arrays.save(seeds.measure(**settings), Path(out))


if __name__ == "__main__":
    main(sys.argv[1:])
