"""Bounds of the search, and places between them."""

from __future__ import annotations

import numpy as np
import pytest
from brian2 import nS
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from neurofwp import SpikingNetwork
from neurofwp.calibration.space import BOUNDS, WEIGHT, Space
from neurofwp.errors import InputError

SOFT = Space("soft-bound")


@given(arrays(float, (3, len(BOUNDS)), elements=st.floats(0, 1)))
def test_every_place_is_a_network_within_bounds(places: np.ndarray) -> None:
    quantities = SOFT.quantities(places)
    assert set(quantities) == set(BOUNDS)
    for name, values in quantities.items():
        numbers = np.asarray(values / SOFT.unit(name))
        assert (numbers >= BOUNDS[name].low * (1 - 1e-12)).all()
        assert (numbers <= BOUNDS[name].high * (1 + 1e-12)).all()
    SpikingNetwork("soft-bound", parameters={name: values[0] for name, values in quantities.items()})


@pytest.mark.parametrize("start", ["soft-bound", "thresholds", "error-correcting"])
def test_the_origin_is_the_start_where_that_lies_within_bounds(start: str) -> None:
    space = Space(start)
    found = space.quantities(space.origin[np.newaxis])
    inside = 0
    for name, bounds in BOUNDS.items():
        own = float(space.own[name] / space.unit(name))
        if bounds.low <= own <= bounds.high:
            assert float(found[name][0] / space.unit(name)) == pytest.approx(own, rel=1e-9)
            inside += 1
    assert inside >= 8


def test_removal_of_a_typical_weight_does_not_change_with_its_saturation() -> None:
    """D w/(w + K_m) at `WEIGHT` is what a place stands for."""
    places = np.full((9, len(BOUNDS)), 0.3)
    places[:, list(BOUNDS).index("K_m")] = np.linspace(0, 1, 9)
    found = SOFT.quantities(places)
    removal = np.asarray(found["D"] * (WEIGHT / (WEIGHT + found["K_m"])))
    np.testing.assert_allclose(removal, removal[0], rtol=1e-9)
    assert np.ptp(np.asarray(found["D"] / nS)) > 0


@pytest.mark.parametrize("start", ["omega", "btsp-network", "graupner-brunel-dpd"])
def test_a_start_without_the_parameters_is_refused(start: str) -> None:
    with pytest.raises(InputError, match="has no parameter"):
        Space(start)
