"""Write speeds: the same change of weight in a time that is shorter or longer by the factor."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import Hz, Quantity, ms, nS, siemens

from neurofwp.errors import InputError
from neurofwp.synapses.model import load
from neurofwp.synapses.write_speed import at_speed


def after(model: str, parameters: dict, calcium: float, weight: float, time: float) -> float:
    """Weight (nS) that a calcium level, or overlap of traces, held for `time` (ms) makes of `weight`, in 1000 steps."""
    loaded = load(model)
    loaded.values.update(parameters)
    step = time / 1000 * ms
    expression = next(stage for stage in loaded.stages if stage.stage == "expression")
    code = "\n".join(line.strip() for line in expression.update(loaded.values).splitlines())
    names = {name: getattr(np, name) for name in ("exp", "expm1", "clip", "inf")}
    names |= {"Hz": Hz, "siemens": siemens, "nS": nS, "calcium": calcium, "eligibility_pre": calcium}
    names |= {"instructive_post": 1.0, "weight": weight * nS, **loaded.constants(step)}
    for _ in range(1000):
        exec(code, names)
    return float(names["weight"] / nS)


@pytest.mark.parametrize("model", ["error-correcting", "thresholds", "soft-bound", "omega", "btsp-network", "linear"])
@pytest.mark.parametrize("calcium", [0.25, 0.9])
def test_twice_the_speed_does_in_half_the_time_what_half_of_it_does_in_twice(model: str, calcium: float) -> None:
    slow = after(model, at_speed(model, 0.5), calcium, 0.5, 400)
    assert after(model, at_speed(model, 2), calcium, 0.5, 100) == pytest.approx(slow, rel=1e-6)
    assert after(model, {}, calcium, 0.5, 200) == pytest.approx(slow, rel=1e-6)


def test_speeds_of_several_episodes_keep_their_unit() -> None:
    for name, values in at_speed("soft-bound", [1.0, 0.25]).items():
        assert isinstance(values, Quantity)
        np.testing.assert_allclose(values / load("soft-bound").values[name], [1, 0.25])


def test_a_form_without_a_known_rate_is_named() -> None:
    with pytest.raises(InputError, match="form of expression with a write speed"):
        at_speed("chindemi-2022", 0.5)
