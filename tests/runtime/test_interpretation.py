"""What an experiment answers, from its numbers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from neurofwp.cli import catalogue
from neurofwp.errors import InputError
from neurofwp.runtime.interpretation import Interpretation, read_interpretation

SUMMARY = {"r2": 0.8765, "gone": None, "nan": math.nan, "best": ["delta", "gated_delta"], "a.1.z": -2.5, "a.2.z": 3.0}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("R² is {r2:.2f}.", "R² is 0.88."),
        ("Best: {best}.", "Best: delta, gated delta."),
        ("z is {a.*.z:.1f}.", "Z is \N{MINUS SIGN}2.5 to 3.0."),
        ("z is {a.1*.z:.1f}.", "Z is \N{MINUS SIGN}2.5."),
        ("R² is {r2:.1f}; the other is {nan:.1f}.", "R² is 0.9."),
        ("The other is {gone}. here {r2:.1f}.", "Here 0.9."),
        ("It is ahead from {nan:.2f|nowhere}.", "It is ahead from nowhere."),
        ("Both: {r2:.1f} and {gone}.", "Both: 0.9 and not measured."),
    ],
)
def test_numbers_stand_in_the_answer_and_what_was_not_measured_is_left_out(answer: str, said: str) -> None:
    assert Interpretation(answer=answer).answer_from(SUMMARY) == said


def test_without_numbers_the_verdict_is_the_answer() -> None:
    for answer in ("", "It is {unknown}."):
        assert Interpretation(answer=answer).answer_from({"verdict": "delta fits"}) == "delta fits"
        assert Interpretation(answer=answer).answer_from({}) == ""


def test_texts_are_read_and_faults_named(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    assert read_interpretation(file) == Interpretation()
    file.write_text('question = "Why?"')
    assert read_interpretation(file) == Interpretation(question="Why?")
    for text, sentence in (
        ('questoin = "Why?"', "did you mean 'question'"),
        ("question = 3", "question in .* must be text, not 3"),
        ("question", "is not TOML"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=sentence):
            read_interpretation(file)


@pytest.mark.parametrize("name", catalogue.experiments())
def test_every_experiment_says_what_it_asks_and_how_far_it_goes(name: str) -> None:
    file = Path(__file__).parents[2] / "experiments" / f"{name.replace('-', '_')}.toml"
    meant = read_interpretation(file)
    assert meant.question.endswith("?")
    assert meant.answer.endswith((".", "}"))
    assert meant.shows.endswith(".")
    assert meant.does_not_show.endswith(".")
