"""Synapses in a network of one's own: the same numbers as on our bench, and cells that lack something are told."""

from __future__ import annotations

from collections.abc import Iterator

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms, nS

import neurofwp as nf
from neurofwp.brian import backends
from neurofwp.errors import InputError
from neurofwp.synapses import model

CELLS = """
    dv/dt = (-70*mV - v + 20*mV*sin(2*pi*3*Hz*t))/(10*ms) : volt
    dg_e/dt = -g_e/(5*ms) : siemens
"""
STEPS = 400


@pytest.fixture
def on_numpy() -> Iterator[None]:
    """Where nothing is asked of compiled code, which takes long to compile."""
    with backends.use_backend("numpy"):
        yield


def driven(name: str = "target", count: int = 4) -> b2.NeuronGroup:
    """Cells whose voltage goes up and down, and which fire at its peaks."""
    return b2.NeuronGroup(
        count, CELLS, threshold="v > -58*mV", refractory=30 * ms, method="exponential_euler", dt=1 * ms, name=name
    )


def trains(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of four cells: cell and step of each."""
    rng = np.random.default_rng(seed)
    cell, step = np.nonzero(rng.random((4, STEPS)) < 0.05)
    return cell, step


def by_hand(synapse: model.SynapseModel) -> dict[str, np.ndarray]:
    """The same synapse as our networks build it, with variables in key and value cells, on the same spikes."""
    cell, step = trains()
    table = np.zeros((STEPS + 2, 4))
    table[step, cell] = 1
    names = {**synapse.constants(1 * ms), "train": b2.TimedArray(table, dt=1 * ms)}
    key = b2.NeuronGroup(4, f"silent : 1\n{synapse.text('presynaptic')}", threshold="train(t, i) > 0",
                         reset=synapse.text("presynaptic_spike") or "silent = 0", method="exponential_euler", dt=1 * ms,
                         namespace=names)  # fmt: skip
    given = "v_dendrite = v : volt\nnmda_gain : 1\nforgetting : Hz\ncalcium_outside : mmolar\n"
    cells = CELLS.replace("dg_e/dt = -g_e/(5*ms) : siemens", "") + given + synapse.text("postsynaptic")
    value = b2.NeuronGroup(4, cells,
                           threshold="v > -58*mV", refractory=30 * ms, reset=synapse.text("postsynaptic_spike"),
                           method="exponential_euler", dt=1 * ms, namespace=names)  # fmt: skip
    value.nmda_gain, value.calcium_outside = 1, 2 * b2.mmolar
    parts = {"on_pre": synapse.text("spike"), "on_post": synapse.text("spike_post")}
    states = "\n".join({"weight : siemens", *synapse.text("synaptic").splitlines()})
    events = {each: text for each, text in parts.items() if text}
    plastic = b2.Synapses(key, value, states, dt=1 * ms, namespace=names, **events)
    plastic.connect()
    if update := synapse.text("postsynaptic_update"):
        value.run_regularly(update, dt=1 * ms)
    if synapse.update:
        plastic.run_regularly(synapse.update, dt=1 * ms, order=1)
    plastic.weight = 0.2 * nS
    b2.Network(key, value, plastic).run(STEPS * ms, namespace={})
    return {"weight": np.array(plastic.weight / nS), "g": np.array(value.g_ampa / nS)}


MODELS = (
    "error-correcting",
    "triplet-visual-cortex",
    "thresholds",
    "shouval-2002",
    "omega",
    "clopath-visual-cortex",
    "finite-pool",
)


# one model of each kind is enough to compile
@pytest.mark.parametrize(
    ("name", "target"), [*((name, "numpy") for name in MODELS), *((name, "cython") for name in MODELS[:2])]
)
def test_the_numbers_are_those_of_our_networks(name: str, target: str) -> None:
    synapse = nf.synapse(name)
    with backends.use_backend("numpy"):
        expected = by_hand(synapse)
    with backends.use_backend(target):
        cell, step = trains()
        source = b2.SpikeGeneratorGroup(4, cell, step * ms, dt=1 * ms)
        cells = driven()
        plastic = synapse.connect(source, cells, dendrite="v", conductance="g_e")
        plastic.weight = 0.2 * nS
        b2.Network(source, cells, plastic).run(STEPS * ms, namespace={})
    assert np.ptp(expected["weight"]) > 1e-3
    np.testing.assert_allclose(plastic.weight / nS, expected["weight"], rtol=1e-9)
    np.testing.assert_allclose(cells.g_e / nS, expected["g"], rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS[:5])
def test_the_numbers_are_those_of_our_networks_in_standalone_mode(name: str) -> None:
    with backends.use_backend("numpy"):
        expected = by_hand(model.load(name))
    with backends.use_backend("cpp_standalone") as folder:
        cell, step = trains()
        source = b2.SpikeGeneratorGroup(4, cell, step * ms, dt=1 * ms)
        cells = driven()
        plastic = nf.synapse(name).connect(source, cells, dendrite="v", conductance="g_e")
        plastic.weight = 0.2 * nS
        b2.Network(source, cells, plastic).run(STEPS * ms, namespace={})
        b2.get_device().build(directory=str(folder), compile=True, run=True)
        np.testing.assert_allclose(plastic.weight / nS, expected["weight"], rtol=1e-9)
        np.testing.assert_allclose(cells.g_e / nS, expected["g"], rtol=1e-9)


@pytest.mark.usefixtures("on_numpy")
def test_sparse_synapses_with_delays_are_recorded_by_brian2_beside_another_model() -> None:
    source = b2.PoissonGroup(20, 50 * Hz)
    cells = driven(count=10)
    one = nf.synapse("error-correcting").connect(source, cells, p=0.3, delay=2 * ms, dendrite="v", conductance="g_e")
    other = nf.synapse("decay").connect(source, cells, i=[0, 0, 3], j=[1, 1, 2], dendrite="v", conductance="g_e")
    monitor = b2.StateMonitor(one, ("weight", "calcium"), record=True, dt=1 * ms)
    b2.seed(0)
    b2.Network(source, cells, one, other, monitor).run(300 * ms)
    assert 20 < len(one) < 100
    assert monitor.calcium.max() > 0
    assert len(other) == 3
    assert other.weight[0] == other.weight[1] != 0 * nS  # a pair that comes twice is two synapses
    assert one.now.delay == 2 * ms


@pytest.mark.usefixtures("on_numpy")
def test_recurrent_synapses_of_a_network_that_spikes() -> None:
    cells = driven(count=6)
    recurrent = nf.synapse("triplet-visual-cortex").connect(
        cells, cells, condition="i != j", dendrite="v", conductance="g_e"
    )
    recurrent.weight = 0.1 * nS
    b2.Network(cells, recurrent).run(700 * ms)
    assert len(recurrent) == 30
    assert np.ptp(recurrent.weight / nS) == pytest.approx(0, abs=1e-12)  # all cells fire together
    assert recurrent.weight[0] != 0.1 * nS


@pytest.mark.parametrize(
    ("name", "equations", "how", "message"),
    [
        ("error-correcting", "v : volt\ng_e : siemens", {}, "needs 'g_ampa' in its target cells, the conductance"),
        ("error-correcting", "v : volt\ng_ampa : siemens", {}, "needs 'v_dendrite'.*dendrite='...'"),
        ("error-correcting", "v : 1\ng_ampa : siemens", {"dendrite": "v"}, "'v' of the target cells must be in V"),
        ("btsp-network", "v_dendrite : volt\ng_ampa : siemens", {}, "waits for plateaus"),
    ],
)
def test_cells_that_lack_something_are_told(name: str, equations: str, how: dict[str, str], message: str) -> None:
    source, cells = b2.PoissonGroup(2, 1 * Hz), b2.NeuronGroup(2, equations)
    with pytest.raises(InputError, match=message):
        nf.synapse(name).connect(source, cells, **how)


@pytest.mark.usefixtures("on_numpy")
def test_part_of_a_group_is_like_a_group() -> None:
    """What stands beside the cells is that of the cells that are connected, also where these are in the middle."""
    weights = []
    for whole in (True, False):
        cell, step = trains()
        source = b2.SpikeGeneratorGroup(4, cell, step * ms, dt=1 * ms)
        cells = driven(name="target*", count=4 if whole else 9)
        if not whole:
            cells.v = -70 * b2.mV + np.array([9, 9, 9, 0, 0, 0, 0, 9, 9]) * b2.mV
        else:
            cells.v = -70 * b2.mV
        plastic = nf.synapse("error-correcting").connect(
            source, cells if whole else cells[3:7], dendrite="v", conductance="g_e"
        )
        plastic.weight = 0.2 * nS
        b2.Network(source, cells, plastic).run(100 * ms, namespace={})
        weights.append(np.array(plastic.weight / nS))
        assert np.asarray(plastic.unblocked[:]).shape == (16,)  # one of each synapse
    assert np.ptp(weights[0]) > 1e-4
    np.testing.assert_array_equal(*weights)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.usefixtures("on_numpy")
def test_a_network_stops_when_a_weight_is_no_longer_finite() -> None:
    cell, step = trains()
    source = b2.SpikeGeneratorGroup(4, cell, step * ms, dt=1 * ms)
    cells = driven()
    overflows = nf.synapse("linear", parameters={"g_calcium": "1e300 1/mV", "eta": "1e20 nS/s"})
    plastic = overflows.connect(source, cells, dendrite="v", conductance="g_e", name="written")
    with pytest.raises(
        InputError,
        match=r"weight of the synapse of 'written' from cell \d to cell \d became (inf|nan) within the 100. ms "
        r"before 0\.[1-4] s(; so are .*)?: parameters make numbers overflow, or a time step is too long",
    ):
        b2.Network(source, cells, plastic).run(STEPS * ms, namespace={})
