"""Compiled cells that look for spikes many at a time, against Brian2's own loop over cells."""

from __future__ import annotations

import numpy as np
import pytest

from neurofwp.brian import simulation
from neurofwp.spiking import SpikingNetwork, populations

from ..spiking.conftest import pairs


def test_many_cells_at_a_time_make_the_same_spikes(monkeypatch: pytest.MonkeyPatch) -> None:
    """More cells than are compared at once, the last ones fewer; all three populations fire, refractory cells too."""
    made = pairs(np.array([[[1.0, -1.0]], [[-1.0, 1.0]]]), pre=150, active=60, duration=300.0)
    network = SpikingNetwork("error-correcting", cells_per_pool=4, backend="cpp_standalone")
    many = network.record(made, seed=3)
    monkeypatch.setattr(populations, "ManyCells", None)
    monkeypatch.setattr(simulation, "_source", lambda kind: "one by one")
    single = network.record(made, seed=3)
    for name in ("spikes/spike_time", "spikes/spike_cell", "spikes/spike_population", "trace/conductance"):
        np.testing.assert_array_equal(many[name], single[name])
    assert many["spikes"].sizes["spike"] > 1000
