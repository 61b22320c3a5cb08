"""Messages for bad input: what was wrong, where, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input from the user. The command line prints its one sentence and nothing else."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a name that nobody knows: offers the nearest one, or lists them all."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "known: " + ", ".join(names)
    return InputError(f"unknown {kind} {name!r}; {hint}")
