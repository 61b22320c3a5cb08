"""Messages for bad input: what was wrong, where, and what would be right."""

from __future__ import annotations

import logging
import sys
import warnings
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


def warn(message: str) -> None:
    """Warn of input that is suspicious, at the line of the user's own code that led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals["__name__"].partition(".")[0] == __name__.partition(".")[0]:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


class _NotOfBrian2(logging.Filter):
    """In a script that imports Brian2, its hook for exceptions that nobody caught asks to report each as a bug of
    Brian2. Of ours, Python's own traceback is shown; all others stay Brian2's, whichever of the two was imported first.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.exc_info or not isinstance(record.exc_info[1], InputError):
            return True
        from brian2.utils.logger import UNHANDLED_ERROR_MESSAGE

        if not record.getMessage().startswith(UNHANDLED_ERROR_MESSAGE):
            return True
        error = record.exc_info[1]
        sys.__excepthook__(type(error), error, error.__traceback__)
        return False


logging.getLogger("brian2").addFilter(_NotOfBrian2())
