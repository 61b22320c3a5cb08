"""Synapses that spikes alone bring up to date, in the spiking network: against the closed form for the same spikes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import ms, nS

from neurofwp.synapses import model
from neurofwp.theory import graupner_brunel

from .conftest import pairs, record

NAME = "graupner-brunel-cortical-slice"
EXACT = {"sigma": 0.0, "bistable": 0.0, "pre_delay": 4.6 * ms}  # no noise, and a delay that the clock has


def written(**settings: Any) -> xr.Dataset:
    """One pair in each of two episodes."""
    return pairs(np.array([[[1.0, -0.5]], [[-1.0, 1.0]]]), pre=12, active=6, **settings)


def spikes(recording: xr.DataTree, episode: int, population: int, cell: int) -> np.ndarray:
    """Times, ms."""
    trace = recording["spikes"].to_dataset()
    own = (trace.spike_episode == episode) & (trace.spike_population == population) & (trace.spike_cell == cell)
    return np.sort(trace.spike_time.values[own.values])


def efficacies(recording: xr.DataTree, *, blocked: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Efficacies at the end of every event (episode, event, pre) of synapses onto the first ON cell: seen, exact."""
    trace, values = recording["trace"].to_dataset(), model.load(NAME).values | EXACT
    low, high = (float(values[name] / nS) for name in ("w0", "w1"))
    seen = trace["conductance"].isel(polarity=0, post=0).transpose("episode", "event", "pre").values
    slot = float(trace.read_start[1])  # the first event writes, the second one reads
    exact = np.empty(seen.shape)
    for episode, event, pre in np.ndindex(seen.shape):
        end = (event + 1) * slot
        before, after = (spikes(recording, episode, population, cell) for population, cell in ((0, pre), (1, 0)))
        given = () if blocked else before[before < end]
        exact[episode, event, pre] = graupner_brunel.moments(values, given, after[after < end], end=end)[0]
    return (seen - low) / (high - low), exact


@pytest.mark.parametrize(("precision", "error"), [(np.float64, 1e-6), (np.float32, 2e-5)])
def test_weights_at_events_are_those_of_the_closed_form(precision: type, error: float) -> None:
    network = {"parameters": EXACT, "synapse_dtype": precision, "key_cells": "poisson"}
    seen, exact = efficacies(record(written(), NAME, seed=3, **network))
    np.testing.assert_allclose(seen, exact, rtol=0, atol=error)
    assert exact.max() > 0.2


def test_a_closed_gate_keeps_presynaptic_calcium_out() -> None:
    closed = written(write_gate=0.0)
    network = {"parameters": EXACT, "synapse_dtype": float, "key_cells": "poisson", "gate": "conductance"}
    seen, exact = efficacies(record(closed, NAME, seed=3, **network), blocked=True)
    np.testing.assert_allclose(seen, exact, rtol=0, atol=1e-6)
    opened = record(written(write_gate=1.0), NAME, seed=3, **network)["trace"].to_dataset()
    assert (opened["conductance"][0, -1, 0, 0, :6].values > 1.2 * model.load(NAME).values["w0"] / nS).any()


def test_a_probe_sees_calcium_and_weight_between_spikes() -> None:
    recording = record(written(), NAME, seed=3, probes=[(0, "on", 0, 0)], parameters=EXACT, synapse_dtype=float)
    trace = recording["probes"].to_dataset()
    times, tau = trace["time"].values, 22.6936
    before, after = spikes(recording, 0, 0, 0) + 4.6, spikes(recording, 0, 1, 0)
    expected = np.zeros(len(times))
    for jump, own in ((0.5617539, before), (1.23964, after)):
        since = times[:, None] - own
        expected += (jump * np.exp(-since / tau) * (since >= 0)).sum(1)
    seen = trace["probe_calcium"].values[0]
    away = abs(times[:, None] - np.concatenate([before, after])).min(1) > 0.2  # not in the step of a jump
    np.testing.assert_allclose(seen[away], expected[away], atol=1e-6)
    assert "probe_nmda" not in trace
