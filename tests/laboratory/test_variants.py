"""Many variants on one bench give the numbers that each gives alone."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from brian2 import ms

from neurofwp.errors import InputError
from neurofwp.laboratory.bench import Bench
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.prediction import predict, replace_values
from neurofwp.laboratory.protocol import Protocol
from neurofwp.laboratory.variants import change_variants, declared_values, variants
from neurofwp.synapses.model import SynapseModel, load

STEP = 0.5 * ms


def protocols() -> list[Protocol]:
    """Of different lengths; in the first, calcium of one spike meets that of the next."""
    pre, post = (tuple(start + 20.0 * number for number in range(4)) for start in (5.0, 10.0))
    return [Protocol("burst", pre, post, trains=2, period=0.2), Protocol("late", post[:2], pre[:1], period=0.3)]


def quiet(name: str) -> SynapseModel:
    """A model without noise."""
    model = load(name)
    return replace_values(model, {"sigma": 0.0}) if "sigma" in model.values else model


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("shouval-2002", {"g_calcium": [0.1, 0.14], "tau_nmda_fast": [50, 40], "P1": [0.1, 0.01], "w_scale": [1, 2]}),
        ("chindemi-2022", {"gamma_p": [3e5, 1e5], "U": [0.46, 0.7], "post_in_p": [0.2, 1.5], "w1": [2, 3]}),
        ("graupner-brunel-cortical-slice", {"pre_delay": [4.6, 11.6], "tau_rho": [1, 2], "down_share": [0.5, 0.2]}),
    ],
)
def test_variants_change_as_each_does_alone(name: str, numbers: dict[str, list[float]]) -> None:
    """Parameters of either cell, of the synapse, of its delay, and of where synapses are before."""
    model = quiet(name)
    together = change_variants(model, numbers, protocols(), step=STEP, backend="numpy")["ratio"].values
    for index, ratios in enumerate(together):
        alone = replace_values(model, {each: values[index] for each, values in numbers.items()})
        expected = Laboratory(alone, step=STEP, backend="numpy").change(protocols())["ratio"]
        np.testing.assert_allclose(ratios, expected, rtol=1e-12)
    assert not np.allclose(together[0], 1)
    assert not np.allclose(together[0], together[1])


def test_a_bench_of_variants_is_compiled_once_for_all_numbers() -> None:
    """And noise averages to what the closed form says; delays differ too."""
    model = replace_values(load("graupner-brunel-cortical-slice"), {"tau_rho": 5.0, "bistable": 0.0})
    change_variants(model, {"pre_delay": [4.6, 8.0], "gamma_d": [300, 500]}, protocols(), repeats=150)
    numbers = {"pre_delay": [12.0, 3.0], "gamma_d": [350, 200]}
    with patch.object(Bench, "_compile", side_effect=AssertionError("compiled again")):
        found = change_variants(model, numbers, protocols(), repeats=150, seed=3)
    for index in range(2):
        own = replace_values(model, {name: values[index] for name, values in numbers.items()})
        z = (found["ratio"][index] - predict(own, protocols())) / found["sem"][index]
        assert (abs(z) < 3.5).all()


def test_what_cannot_vary_is_refused() -> None:
    model = load("thresholds")
    with pytest.raises(InputError, match="p of thresholds is part of the code"):
        variants(model, {"p": [8, 4]})
    with pytest.raises(InputError, match="did you mean 'K_D'"):
        variants(model, {"K_DD": [1, 2]})
    with pytest.raises(InputError, match=r"must be in \[0, inf\]"):
        variants(model, {"P": [1, -2]})
    with pytest.raises(InputError, match="synapses of thresholds have no weight before"):
        change_variants(model, {"P": [6]}, protocols(), step=STEP, backend="numpy")


def test_numbers_are_in_declared_units() -> None:
    model = load("shouval-2002")
    (same,) = variants(model, {name: [value] for name, value in declared_values(model).items() if name != "tau_ampa"})
    for name, value in model.values.items():
        assert float(same.values[name]) == pytest.approx(float(value), rel=1e-12)
