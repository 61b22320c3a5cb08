"""The spiking network with synapses that advance in rows, against Brian2's own loop over synapses."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.brian import rows, simulation
from neurofwp.spiking import SpikingNetwork, conditions


def test_rows_and_brian2s_own_loop_make_the_same_spikes(
    stored_program: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In double precision, where the order of operations moves weights by their last digits only."""
    network = SpikingNetwork("error-correcting", cells_per_pool=1, backend="cpp_standalone", synapse_dtype=float)
    in_rows = network.record(stored_program, seed=3)
    monkeypatch.setattr(rows, "obstacle", lambda *_: "this test wants none")
    monkeypatch.setattr(simulation, "_source", lambda kind: "loop")
    in_a_loop = network.record(stored_program, seed=3)
    np.testing.assert_array_equal(in_rows["spikes/spike_time"], in_a_loop["spikes/spike_time"])
    np.testing.assert_allclose(in_rows["trace/weight"], in_a_loop["trace/weight"], rtol=0, atol=1e-6)
    assert abs(in_rows["trace/weight"]).max() > 0.1


def test_passing_over_idle_synapses_changes_no_spike_of_a_network(
    stored_program: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Episodes that differ in retention, and in what makes a synapse idle.

    Rows that sleep wake with calcium that is rounded otherwise, which moves weights by their last digits.
    """
    network = SpikingNetwork("error-correcting", cells_per_pool=1, backend="cpp_standalone")
    made = stored_program.copy(deep=True)
    made["retention"][1] = 0.8
    own = conditions.from_quantities(K_P=[0.564, 0.4])
    passing = network.record(made, seed=3, conditions=own)
    loops = rows._loops
    monkeypatch.setattr(rows, "_loops", lambda synapse, *, skip: loops(synapse, skip=False))
    monkeypatch.setattr(simulation, "_source", lambda kind: "every")
    every = network.record(made, seed=3, conditions=own)
    np.testing.assert_array_equal(passing["spikes/spike_time"], every["spikes/spike_time"])
    largest = float(abs(every["trace/weight"]).max())
    for name in ("trace/weight", "trace/conductance"):
        np.testing.assert_allclose(passing[name], every[name], rtol=0, atol=1e-6 * largest)
    assert (abs(passing["trace/weight"]).max(("event", "post", "pre")) > 0.1).all()
