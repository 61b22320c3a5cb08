"""A weight never leaves its bounds, whatever the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from brian2 import ms, nS, second
from hypothesis import given, settings, strategies as st

from neurofwp.errors import InputError
from neurofwp.synapses.stages.expression.calcium_control import CalciumControl

FUNCTIONS = {"int": lambda array: np.asarray(array, dtype=int)}


def advance(names: dict[str, Any], update: str, steps: int) -> np.ndarray:
    """Weights (nS) after each step, by the statements that Brian2 is given, in single precision as networks have it."""
    seen = []
    names = {name: np.float32(value) for name, value in names.items()} | FUNCTIONS
    for _ in range(steps):
        exec(update, names)
        seen.append(np.array(names["weight"]))
    return np.array(seen)


@settings(max_examples=500, deadline=None)
@given(
    rates=st.tuples(*[st.floats(-2, 6)] * 2), levels=st.tuples(*[st.floats(-6, 2)] * 2),
    removal=st.floats(-6, 3), highest=st.floats(-2, 3), exponents=st.tuples(*[st.sampled_from([1, 3, 8, 16])] * 2),
    calcium=st.lists(st.floats(0, 1e4), min_size=3, max_size=8),
)  # fmt: skip
def test_calcium_control_keeps_weights_between_0_and_w_max(rates, levels, removal, highest, exponents, calcium) -> None:
    P, D = (10.0**each * nS / second for each in rates)
    values = {"P": P, "D": D, "K_P": 10 ** levels[0], "K_D": 10 ** levels[1], "p": exponents[0], "q": exponents[1],
              "K_m": 10**removal * nS, "w_max": 10**highest * nS}  # fmt: skip
    stage = CalciumControl()
    try:
        constants = {**values, **stage.derive(values, 1 * ms)}
    except InputError:
        assert float(P * 1 * ms / values["w_max"]) > 1
        return
    plain = {name: float(np.asarray(number)) for name, number in constants.items()}
    for name in ("w_max", "K_m", "D_step"):
        plain[name] *= 1e9  # nS, of which single precision has as much as of S
    top = plain["w_max"]
    start = np.linspace(0, top, len(calcium), dtype=np.float32)
    with np.errstate(all="ignore"):
        seen = advance(plain | {"calcium": np.array(calcium), "weight": start}, stage.update(values), 50)
    assert np.isfinite(seen).all()
    assert (seen >= 0).all()
    assert (seen <= np.float32(top) * (1 + 1e-6)).all()


def test_a_step_that_would_overshoot_is_refused_with_the_longest_allowed() -> None:
    values = {"P": 1e12 * nS / second, "D": 0 * nS / second, "K_P": 1.0, "K_D": 1.0, "p": 4, "q": 4, "K_m": 1 * nS,
              "w_max": 50 * nS}  # fmt: skip
    with pytest.raises(InputError, match=r"past w_max, 50\. nS, .* the step may be 50\. ps at most"):
        CalciumControl().derive(values, 1 * ms)
