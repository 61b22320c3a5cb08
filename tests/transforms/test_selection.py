"""Parts of a Program do what the whole does."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from neurofwp import program
from neurofwp.rate import RateNetwork
from neurofwp.transforms.selection import keep_most_varied, without_silent_cells


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 6), st.integers(0, 5))
def test_cells_that_have_no_part_can_be_left_out(seed: int, episodes: int, pre: int, silent: int) -> None:
    """Reads of any rule stay what they are, and every cell says which it was."""
    rng = np.random.default_rng(seed)
    key, query = (
        rng.random((episodes, 4, pre + silent)) * (rng.random((episodes, 1, pre + silent)) < 0.5) for _ in "kq"
    )
    whole = program.from_arrays(
        key, rng.uniform(-1, 1, (episodes, 4, 3)), query=query, write_gate=rng.random((episodes, 4))
    )
    small = without_silent_cells(whole)
    used = (key + query).any(axis=1)
    assert small.sizes["pre"] == max(1, used.sum(axis=1).max())
    for name in ("key", "query"):
        back = np.zeros_like(key)
        for episode in range(episodes):
            back[episode][:, small["cell"].values[episode]] = small[name].values[episode]
        np.testing.assert_array_equal(back, whole[name])
    network = RateNetwork("delta")
    np.testing.assert_allclose(network.run(small)["recall"], network.run(whole)["recall"], rtol=1e-12, atol=1e-14)


def test_the_dimensions_that_vary_most_over_writes_stay_in_their_order() -> None:
    value = np.outer([1.0, -1.0, 1.0, -1.0], [0.3, 0.1, 0.9, 0.2])
    value[3, 1] = 1.0  # not written
    made = program.from_arrays(np.ones((4, 2)), value, write_gate=[1.0, 1.0, 1.0, 0.0])
    np.testing.assert_array_equal(keep_most_varied(made, 2)["value"], value[np.newaxis][..., [0, 2]])
