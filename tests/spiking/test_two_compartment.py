"""The coupled circuit: without coupling it is the other one; its gate is spikes; its dendrite drives its soma."""

from __future__ import annotations

import brian2 as b2
import numpy as np
import pytest
import xarray as xr
from brian2 import ms, mV, nS

from neurofwp.brian.connect import begin, connect
from neurofwp.errors import InputError
from neurofwp.spiking import SpikingNetwork, circuits
from neurofwp.synapses import model

from .conftest import pairs

UNCOUPLED = {
    "g_coupling": 0 * nS, "g_nmda_dendrite": 0 * nS, "g_perisomatic": 0 * nS, "backpropagation": 0 * mV,
    "soma_exc_mean": 3.5 * nS, "g_gate": 3 * nS, "g_teach": 3 * nS, "g_gaba": 2 * nS,
}  # fmt: skip


@pytest.fixture(scope="module")
def program() -> xr.Dataset:
    return pairs(np.array([[[1.0, -1.0], [-0.5, 0.5]]]), active=20, duration=300.0)


def test_without_coupling_and_current_it_is_the_other_circuit(program: xr.Dataset) -> None:
    one = SpikingNetwork(cells_per_pool=2, backend="numpy").record(program, seed=3)
    circuit = "two-compartment-by-number"
    other = SpikingNetwork(circuit=circuit, parameters=UNCOUPLED, cells_per_pool=2, backend="numpy").record(
        program, seed=3
    )
    for name in ("spike_time", "spike_cell", "spike_population"):
        np.testing.assert_array_equal(other["spikes"][name], one["spikes"][name])
    np.testing.assert_allclose(other["trace/conductance"], one["trace/conductance"], rtol=1e-5, atol=1e-9)


def rates(recording: xr.DataTree, start: float, stop: float) -> dict[str, float]:
    """Hz, of each population, between two times (ms)."""
    run = recording["spikes"].to_dataset()
    flags = run["spike_population"].attrs
    during = (run["spike_time"] >= start) & (run["spike_time"] < stop)
    found = {}
    for number, name in enumerate(flags["flag_meanings"].split()):
        own = run["spike_cell"][during & (run["spike_population"] == number)]
        found[name] = len(own) / max(1, len(np.unique(run["spike_cell"][run["spike_population"] == number])))
    return {name: 1000 * count / (stop - start) for name, count in found.items()}


def test_vip_cells_open_the_gate_and_somatostatin_cells_close_it(program: xr.Dataset) -> None:
    network = SpikingNetwork(circuit="two-compartment", cells_per_pool=2, backend="numpy")
    recording = network.record(program, seed=3)
    run = recording["trace"]
    som, pv = (float(network.circuit[name]) for name in ("som_rate", "pv_rate"))
    start, stop = (float(run[f"write_{end}"][0]) for end in ("start", "stop"))
    opened = rates(recording, start + 150, stop)  # the gate opens 100 ms after the write begins
    closed = rates(recording, start + 20, start + 100)
    assert opened["vip"] > 50 > 2 > closed["vip"]
    assert opened["somatostatin"] < 1
    assert closed["somatostatin"] == pytest.approx(som, rel=0.15)
    assert closed["parvalbumin"] < 1
    assert opened["parvalbumin"] == pytest.approx(pv, rel=0.15)


@pytest.mark.parametrize("circuit", ["two-compartment", "two-compartment-by-number"])
def test_the_dendrite_is_near_the_crossover_while_the_gate_is_open(circuit: str) -> None:
    """Of a pool that is taught nothing and told nothing, with as many keys as the closed form is for."""
    given = pairs(np.array([[[-1.0]]]), active=20, duration=400.0)
    parameters = {"backpropagation": 0 * mV, "g_gate": 3.127 * nS}
    network = SpikingNetwork(
        "additive", circuit=circuit, parameters=parameters, cells_per_pool=4, key_cells="poisson", backend="numpy"
    )
    run = network.run(given, seed=1)
    assert float(run["dendrite"].sel(polarity="on").isel(event=0).mean()) == pytest.approx(-44, abs=2)


def test_a_dendrite_that_is_driven_makes_its_soma_fire(program: xr.Dataset) -> None:
    """Nothing but the coupling tells the soma of the teacher: an additive synapse gets no feedback."""
    fired = {}
    for coupling in (0, 10):
        network = SpikingNetwork("additive", circuit="two-compartment-by-number", cells_per_pool=2, backend="numpy",
                                 parameters={"g_coupling": coupling * nS, "g_perisomatic": 0 * nS})  # fmt: skip
        recording = network.record(program, seed=2)
        run = recording["trace"]
        fired[coupling] = rates(recording, *(float(run[f"write_{end}"][0]) for end in ("start", "stop")))["value"]
    assert fired[10] > fired[0] + 10


@pytest.mark.parametrize("name", ["error-correcting", "shouval-2002"])
def test_open_channels_are_summed_over_synapses(name: str) -> None:
    """nmda_open of a value cell is the sum of s_nmda of its keys, at any time."""
    synapse = model.load(name)
    values = {"namespace": synapse.values, "method": "exponential_euler"}
    key = b2.NeuronGroup(4, f"{synapse.text('presynaptic')}\nrate : Hz", threshold="rand() < rate*dt",
                         reset=synapse.text("presynaptic_spike"), name="key", **values)  # fmt: skip
    cells = "v_dendrite : volt\nnmda_gain : 1\nforgetting : Hz\ncalcium_outside : mmolar"
    value = b2.NeuronGroup(2, "\n".join((cells, synapse.text("postsynaptic"), synapse.text("summed"))), name="value",
                           **values)  # fmt: skip
    i, j = (index.ravel() for index in np.indices((4, 2)))
    plastic = connect(synapse, key, value, i, j, clock=key.clock, plasticity=b2.Clock(1 * ms, name="plasticity_clock"))
    begin(synapse, plastic, 1 * ms)
    key.rate = [0, 20, 60, 100] * b2.Hz
    b2.seed(1)
    b2.Network(key, value, plastic).run(200 * ms)
    total = float(np.sum(key.s_nmda))
    assert total > 0.5
    np.testing.assert_allclose(value.nmda_open, total, rtol=1e-3)


def test_a_table_of_the_circuits_own_form_takes_the_place_of_the_general_one() -> None:
    number = {"value": 1, "unit": "nS"}
    _, general = circuits.load(
        "apical-feedback", {"g_gaba": number, "two-compartment": {"feedback": {"value": 1, "unit": "1"}}}
    )
    assert general["g_gaba"] == 1 * nS
    _, own = circuits.load(
        "two-compartment", {"g_gaba": number, "two-compartment": {"feedback": {"value": 1, "unit": "1"}}}
    )
    assert own["feedback"] == 1
    assert own["g_gaba"] > 3 * nS
    with pytest.raises(InputError, match=r"unknown parameter in \[circuit.two-compartment\]"):
        circuits.load("two-compartment", {"two-compartment": {"g_gabba": number}})


def test_synapses_without_nmda_receptors_carry_no_current(program: xr.Dataset) -> None:
    network = SpikingNetwork(
        "triplet-visual-cortex", circuit="two-compartment-by-number", cells_per_pool=2, backend="numpy"
    )
    network.run(program, seed=1)
    assert "nmda_open" not in network.synapse.text("summed")
