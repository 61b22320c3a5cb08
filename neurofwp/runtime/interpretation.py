"""What an experiment asks, what its numbers answer, and how far that goes: read by people who did not write it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PLACE = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")  # {key} or {key:format}
VERDICT = "verdict"  # the key of a sentence that `identify` has said, which is an answer
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Interpretation:
    """Texts of an experiment; each may be left out.

    Parameters
    ----------
    question : which one the experiment asks, as a question.
    answer : a sentence in which ``{key}`` or ``{key:.2f}`` stands for a number of ``summary.json``. Where none of them
        was measured there is no answer. Without a sentence the verdict of the summary is the answer.
    shows : what one may conclude. does_not_show : what one may not.
    """

    question: str = ""
    answer: str = ""
    shows: str = ""
    does_not_show: str = ""

    def answer_from(self, summary: Mapping[str, Any]) -> str:
        """The answer with the numbers of a summary in it; empty where they say none."""
        keys = [found[1] for found in PLACE.finditer(self.answer)]
        if not self.answer or (keys and all(_is_missing(summary.get(key)) for key in keys)):
            return str(summary.get(VERDICT, ""))
        return PLACE.sub(lambda found: _write(summary.get(found[1]), found[2] or ""), self.answer)


def _is_missing(value: Any) -> bool:
    return value is None or value == [] or value == "" or value != value  # NaN is not itself


def _write(value: Any, form: str) -> str:
    if _is_missing(value):
        return NOT_MEASURED
    if isinstance(value, list):
        return ", ".join(_write(each, form) for each in value)
    text = format(value, form) if isinstance(value, (int, float)) else str(value).replace("_", " ")
    return text.replace("-", "\N{MINUS SIGN}") if isinstance(value, (int, float)) else text
