"""Gates that are shuffled, closed or open for some writes, and the targets that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st

from neurofwp import metrics, program
from neurofwp.errors import InputError
from neurofwp.rate import RateNetwork
from neurofwp.transforms import gates

PAIRS, POST = 4, 6
READS = slice(2 * PAIRS, None)


def written_twice(seed: int, gate: float | np.ndarray = 1.0) -> xr.Dataset:
    """Four orthogonal keys, each shown twice with different values, then asked for once."""
    rng = np.random.default_rng(seed)
    order = np.concatenate([np.arange(PAIRS), rng.permutation(PAIRS), rng.permutation(PAIRS)])
    code = np.eye(PAIRS)[np.tile(order, (3, 1))]
    write = np.arange(3 * PAIRS) < 2 * PAIRS
    value = rng.uniform(-1, 1, (3, 3 * PAIRS, POST)) * write[:, None]
    target = np.where(write[:, None], np.nan, np.zeros_like(value))
    return gates.retarget(
        program.from_arrays(
            code * write[:, None], value, query=code * ~write[:, None], target=target, write_gate=gate * write
        )
    )


def test_shuffled_gates_are_the_same_gates_at_other_writes() -> None:
    before = written_twice(0, np.random.default_rng(1).random(3 * PAIRS))
    after = gates.shuffle(before, np.random.default_rng(2))["write_gate"].values
    assert not after[:, READS].any()
    np.testing.assert_array_equal(np.sort(after, axis=1), np.sort(before["write_gate"].values, axis=1))
    assert (after != before["write_gate"].values).any(axis=1).all()


def test_gates_open_at_every_write_or_at_none() -> None:
    before, rng = written_twice(0, 0.5), np.random.default_rng(0)
    write = np.tile(np.arange(3 * PAIRS) < 2 * PAIRS, (3, 1))
    np.testing.assert_array_equal(gates.open_all(before, rng)["write_gate"].values, write)
    assert not gates.close(before, rng)["write_gate"].any()
    xr.testing.assert_identical(gates.keep(before, rng), before)


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_what_is_let_pass_is_not_what_a_memory_of_open_gates_returns(seed: int, share: float) -> None:
    """Orthogonal keys and the delta rule with unit rate: a read is exactly the value last written."""
    made = gates.close_reassignments(written_twice(seed), share, np.random.default_rng(seed))
    trace = RateNetwork("delta", parameters={"rate": 1.0}, on_off=False).run(made)
    np.testing.assert_allclose(trace["recall"][:, READS], made["target"][:, READS], atol=1e-6)
    passed = round(share * PAIRS)
    assert (made["write_gate"].values[:, :PAIRS] == 1).all()
    np.testing.assert_array_equal((made["write_gate"] == 0).values[:, PAIRS : 2 * PAIRS].sum(1), passed)
    np.testing.assert_array_equal(made["reassigned"].sum("event"), PAIRS - passed)


def test_a_key_whose_gate_never_opened_has_no_target() -> None:
    gate = np.ones(3 * PAIRS)
    gate[:PAIRS] = 0
    gate[PAIRS] = 0
    made = written_twice(5, gate)
    assert int(made["target"].isnull().all("post")[:, READS].sum()) == 3  # one key in each of three episodes
    assert not made["reassigned"].any()
    assert float(metrics.chance_r2(made)) < 1


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be in \[0, 1\], not 1.5"):
        gates.close_reassignments(written_twice(0), 1.5, np.random.default_rng(0))
    with pytest.raises(InputError, match="no targets"):
        gates.retarget(written_twice(0).drop_vars("target"))
