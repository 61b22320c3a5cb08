"""The first word after a command: which experiment, or which family of tasks."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from neurofwp.errors import InputError

WIDTH = 80


def choose(
    command: str, kind: str, words: Sequence[str], known: Mapping[str, str], flags: str
) -> tuple[str, list[str]] | None:
    """The name of what was chosen and the words after it; None where help was asked for, which is printed.

    Parameters
    ----------
    kind : what is chosen, in words, such as "family of tasks". known : what there is, and the line that describes it.
    flags : those of the command, for its help.

    Raises
    ------
    InputError
        if no name comes first.
    """
    name, *rest = words or [""]
    if name in ("-h", "--help"):
        print(_usage(command, kind.split()[0].upper(), known, flags))
        return None
    if not name or name.startswith("-"):
        article = "an" if kind[0] in "aeiou" else "a"
        raise InputError(f"{command} needs {article} {kind} before any flag, one of: {', '.join(known)}")
    return name, rest


def _usage(command: str, what: str, known: Mapping[str, str], flags: str) -> str:
    head = f"usage: neurofwp {command} {what} "
    usage = textwrap.fill(f"{head}[settings] {flags}", WIDTH, subsequent_indent=" " * len(head), break_on_hyphens=False)
    column = 2 + max(map(len, known), default=0) + 2
    lines = [
        textwrap.fill(line, WIDTH, initial_indent=f"  {name}".ljust(column), subsequent_indent=" " * column)
        for name, line in known.items()
    ]
    return "\n".join([usage, "", *lines, "", f"neurofwp {command} {what} --help shows its settings."])
