"""Degraded keys, and the closed form of a linear read of them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.transforms.degradation import DAMAGES, Damage, degrade, linear_read


@given(st.integers(1, 9), st.floats(0, 1), st.sampled_from(DAMAGES), st.integers(0, 99))
def test_the_share_of_active_cells_is_lost_and_swapping_keeps_their_number(
    active: int, share: float, damage: Damage, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    query = (rng.random((3, 20)).argsort(-1) < active).astype(float)
    hit = degrade(query, damage, share, rng)
    lost = round(share * active)
    np.testing.assert_array_equal((hit * query).sum(-1), active - lost)
    np.testing.assert_array_equal((hit * (1 - query)).sum(-1), lost if damage == "swapped" else 0)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_mean_and_variance_are_those_of_all_draws(damage: Damage, lost: int) -> None:
    weight = np.random.default_rng(3).standard_normal((2, 8))
    query = np.array([1.0, 0, 1, 0, 0, 1, 0, 0])
    on, off = np.flatnonzero(query), np.flatnonzero(query == 0)
    added = list(combinations(off, lost)) if damage == "swapped" else [()]
    reads = np.array(
        [weight[:, [*kept, *new]].sum(1) for kept in combinations(on, len(on) - lost) for new in added]
    )  # fmt: skip
    mean, variance = linear_read(weight, query, damage, lost / 3)
    np.testing.assert_allclose(mean, reads.mean(0), atol=1e-12)
    np.testing.assert_allclose(variance, reads.var(0), atol=1e-12)


def test_any_cell_may_be_hit() -> None:
    query = np.tile([1.0, 1, 0, 0, 1, 0], (4000, 1))
    hit = degrade(query, "swapped", 1 / 3, np.random.default_rng(1)).mean(0)
    np.testing.assert_allclose(hit, np.where(query[0] > 0, 2 / 3, 1 / 3), atol=0.03)


@pytest.mark.parametrize(
    ("query", "damage", "share", "message"),
    [
        ([1.0, 0], "silenced", 1.1, "share must be in"),
        ([1.0, 0.5], "silenced", 0.5, "only binary queries"),
        ([0.0, 0], "silenced", 0.5, "only binary queries"),
        ([1.0, 1, 1, 0], "swapped", 1.0, "3 cells cannot be swapped"),
        ([1.0, 0], "drowned", 1.0, "damage"),
    ],
)
def test_damage_that_cannot_be_done_is_named(query: list[float], damage: Damage, share: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        degrade(np.array(query), damage, share, np.random.default_rng(0))
