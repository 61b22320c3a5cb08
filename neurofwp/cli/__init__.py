"""The command line: `neurofwp COMMAND ...`.

A command is a module of this package, its hyphens as underscores, with a function ``main(words) -> exit code``, and a
line in COMMANDS. It is imported when it is chosen, and imports what takes long when its flags are read: help and
refusals come at once.

Exit codes: 0 done; 1 something failed or is missing, and was said; 2 bad input; 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

import neurofwp
from neurofwp.cli import interrupts
from neurofwp.errors import InputError, unknown
from neurofwp.runtime import children

COMMANDS = {
    "run": "one experiment: data, tables, figures and log into a folder",
    "sweep": "one experiment at many settings, on all cores or on a cluster",
    "calibrate": "a synapse model, fitted to measurements, or a circuit of coupled cells",
    "train": "a slow net, meta-trained on a family of tasks",
    "identify": "which rule moved the weights of a recording, in NetCDF, CSV or NPY files, or of a run",
    "compare": "recall of both networks, and which rule explains the weights",
    "plot": "the figures of a result again, from the saved data alone",
    "show": "the equations of a synapse model with values and units, or what is known of a rule",
    "protocol-template": "a table for measurements of your own, and what was done to the cells, to be filled in",
    "list": "experiments, rules, synapse models, their parameters, slow nets, families of tasks",
    "rerun": "a result again, with the settings and the seed that it holds",
    "doctor": "compiler, GPU, versions, caches: what is there, and what to do about what is not",
    "cache": "the compiled networks that are kept for the next run: look, or clear",
}
COMPUTING = ("run", "sweep", "calibrate", "train", "identify", "rerun")  # which compile, or start other processes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; bad input becomes one sentence on stderr."""
    words = sys.argv[1:] if arguments is None else [*arguments]
    alone = arguments is None  # in this process
    if alone:
        _accept_any_letters()
    if alone and words and words[0] in COMPUTING:
        children.own_temporary_files()
    try:
        with interrupts.watch(alone=alone):
            code = _dispatch(words)
            if sys.stdout is not None:  # as where it is closed
                sys.stdout.flush()
            if alone:
                interrupts.leave(code)
            return code
    except InputError as error:
        print(f"neurofwp: {error}", file=sys.stderr)
        return 2
    except interrupts.Terminated:
        return interrupts.end(143, alone=alone)
    except KeyboardInterrupt:
        return interrupts.end(130, alone=alone)
    except OSError as error:
        _leave_output()
        broken = isinstance(error, BrokenPipeError)
        where = repr(str(error.filename)) if error.filename else "the output"
        said = (
            "nobody reads this output any more"
            if broken
            else f"cannot read or write {where}: {error.strerror or error}"
        )
        print(f"neurofwp: {said}", file=sys.stderr)
        return 1


def _accept_any_letters() -> None:
    """Let letters that this locale does not have be question marks, where they are shown and not used."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.argv = [word.encode(errors="replace").decode() for word in sys.argv]  # of which Brian2 makes a note in UTF-8


def _leave_output() -> None:
    """Let nothing more be written to standard output, or Python complains at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # one that is no file, or closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(words: Sequence[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_usage())
        return 0
    if words[0] == "--version":
        print(neurofwp.__version__)
        return 0
    name, *rest = words
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    code: int = import_module(f"{__name__}.{name.replace('-', '_')}").main(rest)
    return code


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}} {line}" for name, line in COMMANDS.items()]
    head = ["usage: neurofwp COMMAND ...", "", neurofwp.__doc__ or "", ""]
    return "\n".join([*head, *lines, "", "neurofwp COMMAND --help says more."])
