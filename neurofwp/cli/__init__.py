"""The command line: `neurofwp COMMAND ...`.

Exit codes: 0 done; 1 something failed or is missing, and was said; 2 bad input; 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import neurofwp
from neurofwp.cli import cache, catalogue, doctor, results, run, sweep, train
from neurofwp.errors import InputError, unknown

COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": run.run,
    "sweep": sweep.sweep_all,
    "train": train.train,
    "compare": results.compare,
    "plot": results.plot,
    "list": catalogue.list_all,
    "cache": cache.cache,
    "doctor": doctor.doctor,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; bad input becomes one sentence on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(words)
    except InputError as error:
        print(f"neurofwp: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("neurofwp: interrupted; no half-written file is left behind", file=sys.stderr)
        return 130


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_usage())
        return 0
    if words[0] == "--version":
        print(neurofwp.__version__)
        return 0
    name, *rest = words
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    return COMMANDS[name](rest)


def _usage() -> str:
    lines = [f"  {name:<9} {(command.__doc__ or '').splitlines()[0]}" for name, command in COMMANDS.items()]
    head = ["usage: neurofwp COMMAND ...", "", neurofwp.__doc__ or "", ""]
    return "\n".join([*head, *lines, "", "neurofwp COMMAND --help says more."])
