"""The contest with other simulators: the same network, and no ratio where weights differ."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.cases import MEMBRANE_STEP, Case, table
from benchmarks.peers.contest import differences, measure, same_spikes, summary


def test_key_cells_fire_at_their_rates():
    """Within five standard deviations of a Poisson count."""
    case = Case("", 1000, 1, 2.0, rate=40, share=0.05, rest=1)
    counts = np.array([len(each) for each in case.key_spikes()])
    for own, rate in ((counts[:50], 40), (counts[50:], 1)):
        expected = 2.0 * rate * len(own)
        assert abs(own.sum() - expected) < 5 * np.sqrt(expected)


def test_a_table_holds_every_spike_once_and_ends_with_a_time_never_reached():
    case = Case("", 20, 1, 1.0, rate=10)
    spikes, times = case.key_spikes(), table(case.key_spikes())
    for cell, steps in enumerate(spikes):
        np.testing.assert_allclose(times[: len(steps), cell], steps * MEMBRANE_STEP)
        assert (times[len(steps) :, cell] > case.seconds).all()


def test_weights_that_differ_are_no_contest():
    ours = np.array([1e-9, 2e-9])
    assert differences({"ours": ours, "other": ours * (1 + 1e-6)})["other"] == pytest.approx(1e-6)
    with pytest.raises(RuntimeError, match="weights of other"):
        differences({"ours": ours, "other": ours * 1.01})


def test_spikes_that_differ_are_no_contest():
    same_spikes({"ours": 1000, "other": 1005})
    with pytest.raises(RuntimeError, match="fire 900 spikes"):
        same_spikes({"ours": 1000, "other": 900})


def test_ratios_are_those_of_a_round():
    told = summary(np.array([4.0, 6.0, 20.0]), np.array([1.0, 2.0, 4.0]))
    assert told["ratio"] == pytest.approx(4)
    assert told["quartiles"] == pytest.approx([3.5, 4.5])


def test_a_simulator_that_is_not_installed_is_named_and_left_out(capsys, monkeypatch):
    class Absent:
        def __init__(self, module, *_):
            missing = {"missing": "No module named 'brainpy'"}
            self.told = missing if module == "brainpy_jax" else {"imports": 0.0, "start": 0.0}

        def run(self):
            return {"seconds": 1.0, "fired": 0.0, "mebibytes": 1.0}

        def end(self):
            pass

        place = None

    monkeypatch.setattr("benchmarks.peers.contest.Worker", Absent)
    monkeypatch.setattr("benchmarks.peers.contest.np.load", lambda _: np.ones(2))
    found = measure(Case("", 2, 1, 1.0, rate=10), ("ours", "brainpy_jax"), 2)
    assert list(found) == ["ours"]
    assert "pip install neurofwp[peers]" in capsys.readouterr().err


@pytest.mark.slow
def test_ours_and_skilful_brian2_change_weights_alike():
    found = measure(Case("", 400, 32, 0.5, rate=40), ("ours", "brian2_skilful"), 1)
    assert found["brian2_skilful"]["weights_apart"] < 1e-4
    assert found["brian2_skilful"]["spikes"] == pytest.approx(found["ours"]["spikes"], rel=0.01)
    assert found["ours"]["spikes"] > 0


@pytest.mark.slow
def test_traces_of_cells_and_of_synapses_are_one_triplet_rule():
    found = measure(Case("", 60, 32, 0.5, rate=20, network="triplet"), ("triplet_ours", "triplet_brian2"), 1)
    assert found["triplet_brian2"]["weights_apart"] < 1e-5
