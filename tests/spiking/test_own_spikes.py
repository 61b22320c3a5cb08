"""Networks driven by spike trains of one's own."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, ms, nS

from neurofwp import program, spike_trains
from neurofwp.errors import InputError
from neurofwp.spiking import SpikingNetwork, choose_probes, conditions
from neurofwp.spiking.recording import check_probe
from tests.spiking.conftest import pairs, record

QUICK = {"gate_delay": 10 * ms, "pause": 0 * ms}  # events are as short as they can be


def key_spikes(recording: xr.DataTree) -> xr.Dataset:
    return spike_trains.of_population(recording["spikes"].to_dataset(), "key")


@pytest.fixture(scope="module")
def short() -> xr.Dataset:
    """Two episodes of one write and one read: 100 ms."""
    return pairs(np.ones((2, 1, 2)), pre=8, active=4, duration=50.0)


def trains(*cells: list[float], episodes: int = 2) -> xr.Dataset:
    """The same in every episode, in ms; of eight cells."""
    one = spike_trains.from_arrays(dict(enumerate(cells)), units="ms", cells=8)
    return spike_trains.as_episodes([one] * episodes)


def test_a_network_that_is_told_its_own_spikes_does_the_same_again(short: xr.Dataset) -> None:
    """Bit for bit: all noise but that of key cells is drawn as before."""
    stored = record(short, seed=3, parameters=QUICK)
    assert not {"given_spikes", "largest_spike_shift_ms"} & stored["trace"].attrs.keys()
    network = SpikingNetwork("additive", cells_per_pool=1, backend="numpy", parameters=QUICK)
    again = network.record(short, seed=3, spikes=stored["spikes"].to_dataset())
    for name in ("weight", "recall", "conductance", "dendrite", "pre_rate"):
        np.testing.assert_array_equal(again["trace"][name], stored["trace"][name])
    for name in ("spike_time", "spike_cell"):
        np.testing.assert_array_equal(again["spikes"][name], stored["spikes"][name])
    assert again["trace"].attrs["largest_spike_shift_ms"] == 0
    assert again["trace"].attrs["given_spikes"] == "key"
    with pytest.raises(InputError, match="a Trace holds no spikes: those of a network are SpikingNetwork.record"):
        network.run(short, spikes=stored["trace"].to_dataset())


def test_spikes_fall_into_the_nearest_step_and_the_largest_shift_is_said(
    short: xr.Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    samples = [30 * 20 + 1, 30 * 40 + 2, 30 * 60]  # at 30 kHz: 20.033, 40.067 and 60 ms
    given = trains([sample / 30 for sample in samples])
    with caplog.at_level(logging.WARNING, "neurofwp"):
        moved = simulate_told(short, given)
    assert "spikes were moved by up to 0.0333 ms, to the nearest of steps of 0.1 ms; give membrane_step" in caplog.text
    assert moved["trace"].attrs["largest_spike_shift_ms"] == pytest.approx(1 / 30)
    own = key_spikes(moved)
    np.testing.assert_allclose(own["spike_time"][own["spike_episode"] == 1], [20, 40.1, 60], atol=1e-9)
    caplog.clear()
    exact = simulate_told(short, given, membrane_step=ms / 30)
    assert exact["trace"].attrs["largest_spike_shift_ms"] == 0
    assert "spikes were moved" not in caplog.text
    np.testing.assert_allclose(np.unique(key_spikes(exact)["spike_time"]), np.array(samples) / 30, rtol=1e-12)


def simulate_told(what: xr.Dataset, spikes: xr.Dataset, **settings: Any) -> xr.DataTree:
    network = SpikingNetwork("additive", **{"cells_per_pool": 1, "backend": "numpy", "parameters": QUICK, **settings})
    return network.record(what, spikes=spikes)


def test_every_condition_is_told_the_same(short: xr.Dataset) -> None:
    given = trains([10.0, 90.0], [], [50.0])
    both = conditions.from_quantities(["without", "with"], g_gaba=[0, 2] * nS)
    network = SpikingNetwork("additive", cells_per_pool=1, backend="numpy", parameters=QUICK)
    run = network.record(short, spikes=given, conditions=both)
    own = key_spikes(run)
    for condition in range(2):
        for episode in range(2):
            here = (own["spike_condition"] == condition) & (own["spike_episode"] == episode)
            np.testing.assert_allclose(np.sort(own["spike_time"][here]), [10, 50, 90])


def test_windows_of_a_recording_drive_the_events_of_their_program() -> None:
    """Spikes come in the write and the read of each event, as often as in the recording."""
    rng = np.random.default_rng(0)
    recording = spike_trains.from_arrays([np.sort(rng.integers(0, 1000, 20)) / 10 for _ in range(8)], units="ms")
    made, cut = spike_trains.to_program(recording, [[1.0], [-1.0]], write=([0, 50], [50, 90]), read=([50, 0], [90, 50]))
    keep = ~_doubled(cut)
    run = simulate_told(made, cut.isel(spike=np.flatnonzero(keep)))
    own = key_spikes(run)
    assert len(own["spike_time"]) == keep.sum()
    for phase, name in enumerate(("write", "read")):
        for event in range(2):
            start, stop = (run["trace"][f"{name}_{edge}"].values[event] for edge in ("start", "stop"))
            here = (own["spike_time"] >= start - 1e-6) & (own["spike_time"] < stop)
            said = keep & (cut["spike_event"].values == event) & (cut["spike_phase"].values == phase)
            counted, expected = (
                np.bincount(cell, minlength=8)
                for cell in (own["spike_cell"].values[here], cut["spike_cell"].values[said])
            )
            np.testing.assert_array_equal(counted, expected)


def _doubled(cut: xr.Dataset) -> np.ndarray:
    """Spikes at the time of another one of the same cell in the same phase."""
    labels = np.stack([cut[name] for name in ("spike_event", "spike_phase", "spike_cell")])
    seen = np.vstack([labels, np.rint(cut["spike_time"].values * 1e4)])
    _, first = np.unique(seen, axis=1, return_index=True)
    doubled = np.ones(seen.shape[1], bool)
    doubled[first] = False
    return doubled


def test_teaching_axons_excite_dendrites_as_values_do() -> None:
    """At the peak rate like a value of 1, within four standard errors of 2200 spikes; silent like a value of -1."""
    one = np.ones((1, 2))
    key = np.ones((1, 2, 4))
    told, plain = (program.from_arrays(key, value, duration=150.0) for value in (np.zeros((1, 2, 1)), one[..., None]))
    axons, rate = 200, 40.0
    rng = np.random.default_rng(0)
    steps = [np.sort(rng.choice(3000, int(rate * 0.3), replace=False)) / 10 for _ in range(axons)]
    teaching = spike_trains.from_arrays(dict(enumerate(steps)), units="ms", cells=2 * axons)
    settings = {"parameters": QUICK | {"key_peak_rate": rate * Hz}, "cells_per_pool": 5, "key_cells": "poisson"}
    network = SpikingNetwork("additive", backend="numpy", **settings)
    recording, reference = network.record(told, teaching=teaching), network.run(plain)
    taught = recording["trace"].to_dataset()
    difference = (taught["dendrite"] - reference["dendrite"]).mean(["episode", "event", "post"])
    span = float((reference["dendrite"].sel(polarity="on") - reference["dendrite"].sel(polarity="off")).mean())
    assert span > 5
    assert abs(float(difference.sel(polarity="on"))) < 4 / 2200**0.5 * span
    assert float(difference.sel(polarity="off")) == 0
    assert recording["spikes/spike_population"].attrs["sizes"][-1] == 2 * axons


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (trains([-1.0]), "key cell 0 of episode 0 fires at -0.001 s: times count from the beginning of the run, which"),
        (trains([], [1000.0]), r"key cell 1 of episode 0 fires at 1 s: .* of the run, which lasts 0.1 s"),
        (trains([1.0], episodes=3), "there are spikes of episode 2, but the Program has 2, numbered from 0"),
        (
            trains([1.0, 1.04]),
            r"key cell 0 of episode 0 has two spikes at 0.001 s, in one step of 0.1 ms: give",
        ),
        (
            spike_trains.from_arrays({8: [1.0]}, units="ms"),
            "there are spikes of key cell 8, but the network has 8, numbered from 0",
        ),
    ],
)
def test_spikes_that_do_not_fit_are_refused(short: xr.Dataset, given: xr.Dataset, says: str) -> None:
    with pytest.raises(InputError, match=says):
        simulate_told(short, given)


def test_teaching_needs_trains_for_every_pool(short: xr.Dataset) -> None:
    network = SpikingNetwork("additive", cells_per_pool=1, backend="numpy", parameters=QUICK)
    with pytest.raises(InputError, match="as many trains for each of 4 pools .ON pools, then OFF pools., but has 6"):
        network.run(short, teaching=spike_trains.from_arrays({5: [1.0]}, units="ms"))


def test_events_that_the_program_lacks_are_refused(short: xr.Dataset) -> None:
    given = trains([1.0]).assign(
        spike_event=("spike", [0, 0], {"units": "1"}), spike_phase=("spike", [0, 1], {"units": "1"})
    )
    with pytest.raises(InputError, match="there are spikes in the read of event 0, which has no read"):
        simulate_told(short, given)
    with pytest.raises(InputError, match="there are spikes of event 7, but the Program has 2, from 0 on"):
        simulate_told(short, given.assign(spike_event=given["spike_event"] + 7))


def test_probes_of_a_share_are_that_many_synapses_drawn_by_the_seed(short: xr.Dataset) -> None:
    every = choose_probes(short, 1.0)
    assert len(set(every)) == len(every) == 2 * 2 * 2 * 8
    quarter = choose_probes(short, 0.25, seed=1)
    assert set(quarter) < set(every)
    assert len(quarter) == 16
    assert quarter == choose_probes(short, 0.25, seed=1) != choose_probes(short, 0.25, seed=2)
    for probe in every:
        check_probe(probe, short.sizes)
    for share in (0.0, 1.1):
        with pytest.raises(InputError, match="share must be above 0 and at most 1, not"):
            choose_probes(short, share)
