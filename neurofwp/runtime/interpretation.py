"""What an experiment asks, what its numbers answer, and how far that goes: read by people who did not write it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from neurofwp.errors import InputError, unknown
from neurofwp.runtime.toml import parse_toml

PLACE = re.compile(r"\{([^{}:|]+)(?::([^{}|]*))?(?:\|([^{}]*))?\}")  # {key}, {key:format} or {key:format|otherwise}
CLAUSE = re.compile(r"(?<=[.;]) ")  # between two
VERDICT = "verdict"  # the key of a sentence that `identify` has said, which is an answer
NOT_MEASURED = "not measured"
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Interpretation:
    """Texts of an experiment; each may be left out.

    Parameters
    ----------
    question : which one the experiment asks, as a question.
    answer : sentences in which ``{key}`` or ``{key:.2f}`` stands for a number of ``summary.json``, ``{a.*.b}`` for the
        range of all numbers whose keys fit, and ``{key|none}`` for what is to be said where there is no number. Parts
        between full stops and semicolons in which no number was measured are left out. Where nothing is left the
        answer is the verdict of the summary.
    shows : what one may conclude. does_not_show : what one may not.
    """

    question: str = ""
    answer: str = ""
    shows: str = ""
    does_not_show: str = ""

    @property
    def keys(self) -> list[str]:
        """Numbers that the answer names."""
        return [place[1] for place in PLACE.finditer(self.answer)]

    def answer_from(self, summary: Mapping[str, Any]) -> str:
        """The answer with the numbers of a summary in it; empty where they say none."""
        said: list[str] = []
        measured = False
        for clause in CLAUSE.split(self.answer):
            places = list(PLACE.finditer(clause))
            there = any(_found(summary, place[1]) or place[3] for place in places)
            measured |= there
            if there or not places:
                said.append(PLACE.sub(lambda place: _write(summary, place), clause))
        if not measured:
            return str(summary.get(VERDICT, ""))
        text = " ".join(said).rstrip(";.")
        return f"{text[:1].upper() if text[:1].isascii() else text[:1]}{text[1:]}."


def _found(summary: Mapping[str, Any], key: str) -> list[Any]:
    """What is there under a key, or under all keys that fit: of numbers the least and the largest."""
    values = [summary[key]] if key in summary else [own for name, own in summary.items() if fnmatchcase(name, key)]
    every = [each for value in values for each in (value if isinstance(value, list) else [value])]
    there = [each for each in every if each is not None and each != "" and each == each]  # NaN is not itself
    if "*" in key and len(there) > 1 and all(isinstance(each, (int, float)) for each in there):
        return [min(there), max(there)]
    return list(dict.fromkeys(there))


def _write(summary: Mapping[str, Any], place: re.Match[str]) -> str:
    """What stands in a place; a range of two numbers that look the same is one."""
    values, form = _found(summary, place[1]), place[2] or ""
    numbers = all(isinstance(each, (int, float)) for each in values)
    words = [format(each, form).replace("-", MINUS) if numbers else str(each).replace("_", " ") for each in values]
    words = list(dict.fromkeys(words)) or [place[3] or NOT_MEASURED]
    return (" to " if numbers and len(words) == 2 else ", ").join(words)


def read_interpretation(path: Path) -> Interpretation:
    """The texts in a TOML file; none where there is no file.

    Raises
    ------
    InputError
        if it is no TOML, or has other keys than those of `Interpretation`, or what is no text.
    """
    if not path.is_file():
        return Interpretation()
    texts = parse_toml(path.read_bytes(), path)
    known = [each.name for each in fields(Interpretation)]
    for name, text in texts.items():
        if name not in known:
            raise unknown(f"text, in {str(path)!r},", name, known)
        if not isinstance(text, str):
            raise InputError(f"{name} in {str(path)!r} must be text, not {text!r}")
    return Interpretation(**texts)
