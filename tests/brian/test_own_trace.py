"""A Brian2 network of one's own as Program and Trace: every weight is where and when the network had it."""

from __future__ import annotations

from collections.abc import Iterator

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms, nS, second

import neurofwp as nf
from neurofwp.errors import InputError

EVENTS = np.array([[[0, 50], [50, 100]], [[100, 150], [150, 200]]]) * ms


@pytest.fixture(scope="module")
def network() -> Iterator[dict[str, b2.BrianObject]]:
    """Four axons that fire at known times onto three cells; each spike adds 1 nS, weights are set back at 100 ms."""
    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    axon, time = np.array([0, 0, 1, 2, 0, 3, 3]), np.array([10, 20, 30, 60, 110, 160, 170])
    source, cells = b2.SpikeGeneratorGroup(4, axon, time * ms), b2.NeuronGroup(3, "v : 1", threshold="v > 1")
    own = b2.Synapses(source, cells, "weight : siemens\nother : siemens", on_pre="weight += 1*nS")
    own.connect(i=[0, 1, 2, 3, 0], j=[0, 0, 0, 2, 2])
    weights = b2.StateMonitor(own, ("weight", "other"), record=True, dt=5 * ms)
    heard, fired = b2.SpikeMonitor(source), b2.SpikeMonitor(cells)
    net = b2.Network(source, cells, own, weights, heard, fired)
    net.run(100 * ms)
    own.weight = 0 * nS
    net.run(100 * ms)
    yield {"weights": weights, "heard": heard, "fired": fired, "source": source, "own": own}
    b2.prefs.codegen.target = before


def test_weights_rates_and_gaps(network):
    taught = np.arange(12).reshape(2, 2, 3) / 12
    program, trace = nf.from_brian2(network["weights"], network["heard"], taught, EVENTS)
    assert trace["post"].values.tolist() == [0, 2]  # cell 1 has no synapse
    expected = np.full((2, 2, 2, 4), np.nan)
    expected[0, :, 0, :3] = [[2, 1, 0], [2, 1, 1]]  # axons 0 to 2 onto cell 0
    expected[1, :, 0, :3] = [[1, 0, 0], [1, 0, 0]]
    expected[0, :, 1, [0, 3]] = [[2, 2], [0, 0]]  # axons 0 and 3 onto cell 2
    expected[1, :, 1, [0, 3]] = [[1, 1], [0, 2]]
    np.testing.assert_allclose(trace["weight"], expected)
    np.testing.assert_array_equal(trace["initial_weight"], np.zeros((2, 2, 4)))  # set back before the second episode
    np.testing.assert_allclose(program["key"][0], np.array([[2, 1, 0, 0], [0, 0, 1, 0]]) / 2)  # 40 Hz is the peak
    np.testing.assert_allclose(program["value"], taught[:, :, [0, 2]])
    np.testing.assert_allclose(program["duration"], 50)
    assert trace["weight"].attrs["units"] == "nS"


def test_spikes_of_the_target_as_values(network):
    program, _ = nf.from_brian2(network["weights"], network["heard"], network["fired"], EVENTS[0], write_gate=0.5)
    assert program["value"].shape == (1, 2, 2)
    assert (program["value"] == 0).all()
    assert (program["write_gate"] == 0.5).all()


def test_the_rule_of_a_network_is_named():
    """Synapses that add what axons and teacher say are Hebbian."""
    rng = np.random.default_rng(0)
    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    active, taught = rng.random((48, 12)) < 0.4, rng.uniform(-1, 1, (48, 5))
    names = {"rate": b2.TimedArray(active * 500 * Hz, dt=20 * ms), "teaching": b2.TimedArray(taught, dt=20 * ms)}
    axons = b2.PoissonGroup(12, rates="rate(t, i)", dt=1 * ms, namespace=names)
    cells = b2.NeuronGroup(5, "taught = teaching(t, i) : 1", threshold="taught > 2", dt=1 * ms, namespace=names)
    own = b2.Synapses(axons, cells, "weight : siemens", on_pre="weight += 0.1*nS*taught_post", namespace=names)
    own.connect()
    weights, heard = b2.StateMonitor(own, "weight", record=True, dt=1 * ms), b2.SpikeMonitor(axons)
    net = b2.Network(axons, cells, own, weights, heard)
    net.store()
    events = (np.arange(48)[:, None] + [0, 1]).reshape(6, 8, 2) * 20 * ms
    found = []
    for number in range(2):
        net.restore()
        b2.seed(number)
        for _ in range(6):
            own.weight = 0 * nS
            net.run(160 * ms)
        found.append(nf.from_brian2(weights, heard, taught.reshape(6, 8, 5), events))
    b2.prefs.codegen.target = before
    (program, trace), (_, again) = found
    fits = nf.identify(program, trace, ["hebbian", "delta", "outstar"], repeat=again, unit_keys=False, references=False)
    verdict = nf.identification.verdict(fits)
    assert "hebbian" in verdict.rules  # with those that contain it
    assert float(fits["feve"].sel(rule="hebbian")) > 0.98


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": EVENTS / second}, "events must be times"),
        ({"events": EVENTS[0, 0]}, r"events must be \(event, 2\)"),
        ({"events": EVENTS[..., ::-1]}, "an event ends at 0 s, not after its begin at 0.05 s"),
        ({"events": EVENTS + 1 * second}, "there is no sample of weights in the event from 1 s to 1.05 s"),
        ({"weights": "heard"}, "must be a StateMonitor of the variable 'weight'"),
    ],
)
def test_what_is_no_recording_of_weights(network, change, message):
    given = {"weights": network["weights"], "pre": network["heard"], "value": network["fired"], "events": EVENTS}
    given |= {name: network[each] if isinstance(each, str) else each for name, each in change.items()}
    with pytest.raises(InputError, match=message):
        nf.from_brian2(**given)


def test_pairs_with_two_synapses_are_refused():
    source, cells = b2.PoissonGroup(2, 1 * Hz), b2.NeuronGroup(2, "v : 1", threshold="v > 1")
    own = b2.Synapses(source, cells, "weight : siemens")
    own.connect(i=[0, 0], j=[1, 1])
    weights, heard = b2.StateMonitor(own, "weight", record=True), b2.SpikeMonitor(source)
    with pytest.raises(InputError, match="cells 0 and 1 have 2 recorded synapses, .*: record one of each pair"):
        nf.from_brian2(weights, heard, np.zeros((2, 2)), EVENTS[0])
    one = b2.StateMonitor(own, "weight", record=[0])
    net = b2.Network(source, cells, own, one, heard)
    net.run(100 * ms)
    _, trace = nf.from_brian2(one, heard, np.zeros((2, 2)), EVENTS[0])
    assert np.isfinite(trace["weight"]).sum() == 2  # one synapse, after both events


def test_monitors_of_whole_groups_and_of_others() -> None:
    """Of subgroups that are connected, the rates are theirs, whichever monitor has them; other cells are refused."""
    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"

    def firing(count: int, cell: list[int]) -> b2.NeuronGroup:
        table = np.zeros((6, count))
        table[[1, 2, 3, 4], cell] = 1  # at 10, 20, 30 and 40 ms
        names = {"fires": b2.TimedArray(table, dt=10 * ms)}
        return b2.NeuronGroup(count, "v : 1", threshold="fires(t, i) > 0", dt=10 * ms, namespace=names)

    source, cells = firing(6, [1, 4, 5, 5]), firing(8, [0, 6, 7, 7])
    own = b2.Synapses(source[4:], cells[5:8], "weight : siemens", on_pre="weight += 1*nS")
    own.connect()
    weights = b2.StateMonitor(own, "weight", record=True, dt=5 * ms)
    heard, fired, part = b2.SpikeMonitor(source), b2.SpikeMonitor(cells), b2.SpikeMonitor(cells[:2])
    b2.Network(source, cells, own, weights, heard, fired, part).run(60 * ms)
    b2.prefs.codegen.target = before
    event = np.array([[0, 50]]) * ms
    program, trace = nf.from_brian2(weights, heard, fired, event)
    np.testing.assert_allclose(program["key"], [[[0.5, 1]]])
    np.testing.assert_allclose(program["value"], [[[0, 0.5, 1]]])
    np.testing.assert_allclose(trace["weight"][0, 0], [[1, 2]] * 3)
    for pre, value, message in (
        (heard, part, "value monitors .* the target of these synapses"),
        (fired, fired, "pre monitors .* the source of these synapses"),
        (heard, np.zeros((1, 8)), "value is of 8 cells, but the target of these synapses has 3"),
        (weights, fired, "pre must be a SpikeMonitor, not StateMonitor"),
    ):
        with pytest.raises(InputError, match=message):
            nf.from_brian2(weights, pre, value, event)
