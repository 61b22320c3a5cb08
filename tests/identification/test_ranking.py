"""How rules are left standing, and how the resamples of the held-out episodes vote on them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from neurofwp.identification.competing import candidates
from neurofwp.identification.ranking import choose, support
from neurofwp.rules import get

CANDIDATES = candidates()
RULES = [get(name) for name in ("hebbian", "fixed_decay", "delta", "gated_delta")]
ALWAYS_KEPT: Any = SimpleNamespace(retention=torch.ones(2, 1, 3))


def test_each_resample_votes_for_the_simplest_rule_that_will_do() -> None:
    resampled = np.array(
        [
            [0.900, 0.903, 0.5, 0.904],  # all but delta are tied, and the others contain hebbian
            [0.900, 0.990, 0.5, 0.993],  # fixed decay will do
            [0.500, 0.900, 0.9, 0.900],  # so will either, but neither contains the other: half a vote each
            [0.500, 0.900, 0.9, 0.990],  # nothing else will do
        ]
    )
    np.testing.assert_allclose(support(RULES, resampled, ALWAYS_KEPT) * 8, [2, 3, 1, 2])


scores = st.floats(0.97, 0.99).map(lambda score: round(score, 4))  # near ties, and clear of rounding at the limit


@given(arrays(float, (5, len(CANDIDATES)), elements=scores))
def test_votes_are_shares_of_one(resampled: np.ndarray) -> None:
    votes = support(CANDIDATES, resampled, ALWAYS_KEPT)
    assert votes.min() >= 0
    assert votes.sum() == pytest.approx(1)


@given(arrays(int, len(CANDIDATES), elements=st.integers(0, 9)))
def test_resamples_that_agree_vote_for_what_is_chosen_where_bic_has_no_say(steps: np.ndarray) -> None:
    score = 0.9 + 0.002 * steps  # no two of them differ by just the limit of a tie
    every = np.tile(score, (40, 1))
    chosen = choose(CANDIDATES, score, every, np.zeros(len(CANDIDATES)), ALWAYS_KEPT)
    np.testing.assert_allclose(support(CANDIDATES, every, ALWAYS_KEPT), chosen / chosen.sum())
