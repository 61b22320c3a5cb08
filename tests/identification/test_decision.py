"""What can be said, and where nothing can: verdicts on series whose truth is known."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from neurofwp.identification.decision import EXACT, NONE, decide
from neurofwp.identification.products import Products


def series(seed: int, episodes: int = 8, entries: int = 400) -> tuple[np.ndarray, ...]:
    """Independent normal numbers (episode, entry), as many as are wanted."""
    return tuple(np.random.default_rng(seed).normal(size=(12, episodes, entries)))


def products(run: np.ndarray, repeat: np.ndarray, **models: np.ndarray) -> Products:
    rows = np.stack([run, repeat, np.ones_like(run), *models.values()], axis=1)
    return Products(tuple(models), rows @ rows.transpose(0, 2, 1))


def test_where_nothing_repeats_nothing_is_said() -> None:
    said = []
    for seed in range(60):
        run, repeat, one, other, *_ = series(seed)
        said.append(decide(products(run, repeat, one=0.3 * one, other=0.2 * other), ["one", "other"]).kind)
    assert said.count("undecided") >= 55  # a denominator that is above 0 by luck: 2.5 %
    assert "mixture" not in said
    assert "rule" not in said


def test_a_stated_noise_that_is_too_large_is_found_out() -> None:
    truth, noise, strange, *_ = series(1)
    run = truth + 0.3 * noise
    made = products(run, run, right=truth, wrong=truth + 0.5 * strange)
    made.values[:, 0, 1] -= 0.8**2 * run.shape[1]  # as `measure` takes a stated noise off
    made.values[:, 1, 0] = made.values[:, 0, 1]
    said = decide(made, ["right", "wrong"])
    assert said.kind == "undecided"
    assert "the stated noise is too large" in said.sentence


def test_a_rule_that_diverges_where_it_judges_is_out_and_the_others_are_judged() -> None:
    truth, first, second, strange, *_ = series(2)
    diverges = truth.copy()
    diverges[3] = np.inf
    with np.errstate(invalid="ignore"):
        made = products(truth + 0.1 * first, truth + 0.1 * second, diverges=diverges, right=truth, wrong=strange)
    said = decide(made, ["diverges", "right", "wrong"])
    assert (said.kind, said.rules) == ("rule", ("right",))
    assert "2 other rules are rejected" in said.sentence
    alone = decide(made, ["diverges"])
    assert (alone.kind, alone.rules) == ("none", ())


def test_noise_is_no_effective_description() -> None:
    """The truth itself, under noise as large as it is."""
    said = []
    for seed in range(100):
        truth, first, second, *_ = series(seed)
        said.append(decide(products(truth + first, truth + second, right=truth), ["right"]).kind)
    assert said.count("effective description") + said.count("none") <= 7  # 2.5 % are below by luck


@pytest.mark.parametrize(("misfit", "kind"), [(0.0, "rule"), (0.03, "effective description"), (0.2, "none")])
def test_how_much_is_left_decides_what_is_said(misfit: float, kind: str) -> None:
    truth, first, second, strange, other, *_ = series(3, episodes=12, entries=4000)
    expected = truth + misfit**0.5 * strange
    made = products(expected + 0.2 * first, expected + 0.2 * second, right=truth, other=truth + 0.7 * other)
    said = decide(made, ["right", "other"])
    assert said.kind == kind
    assert said.rules[0] == "right"
    assert said.unexplained == pytest.approx(misfit / (1 + misfit), abs=0.005)
    assert (said.low > EXACT, said.low > NONE) == (kind != "rule", kind == "none")


@pytest.mark.parametrize(("misfit", "kind"), [(0.0, "mixture"), (0.03, "effective description"), (0.2, "none")])
def test_a_mixture_is_named_where_it_fits(misfit: float, kind: str) -> None:
    truth, first, second, strange, other, *_ = series(4, episodes=12, entries=4000)
    beside = truth + 0.25 * other  # half of it is far enough for 1 % of u, and near enough for 5 %
    expected = (truth + beside) / 2 + misfit**0.5 * strange
    made = products(expected + 0.2 * first, expected + 0.2 * second, one=truth, two=beside)
    said = decide(made, ["one", "two"])
    assert said.mixture is not None
    assert said.mixture.share == pytest.approx(0.5, abs=0.05)
    assert said.kind == kind


def test_sentences_give_the_reason_first_and_a_handful_of_rules() -> None:
    truth, first, second, *others = series(5, episodes=4, entries=4000)
    names = [f"rule_{number}" for number in range(8)]
    expected = {name: truth + 1e-4 * other for name, other in zip(names, others, strict=False)}
    alike = decide(products(truth + 2 * first, truth + 2 * second, **expected), names).sentence
    assert alike.startswith("undecided: noise leaves open whether any rule fits; 8 rules remain, rule ")
    assert alike.count("rule ") == 5  # four by name, and the word itself
    assert " and 4 others; the best of them leaves " in alike
    same = decide(products(truth + 0.1 * first, truth + 0.1 * second, **expected), names).sentence
    assert re.fullmatch(
        r"rule \d, rule \d, rule \d, rule \d or 4 others, which predict the same: the best of them leaves -?0\.\d % of "
        r"what repeats unexplained \(95 % interval -?0\.\d to 0\.\d %\)",
        same,
    )
    only = decide(products(truth + 0.1 * first, truth + 0.1 * second, right=truth), ["right"]).sentence
    assert re.match(r"right: it leaves -?0\.\d % of what repeats unexplained", only)
    lone = products(truth + 0.1 * first, truth + 0.1 * second, right=truth, wrong=others[0])
    silent = decide(replace(lone, repeated=False), ["right", "wrong"]).sentence
    assert silent == (
        "how well rules fit is unknown without a repeat or a stated noise; right predicts best; "
        "one other rule is rejected"
    )
