"""The spiking network: what is written, what is not, and what it answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import Clock, Hz, mM, ms, mV, nS

import neurofwp.models
from neurofwp import program, spike_trains, trace
from neurofwp.errors import InputError
from neurofwp.runtime import provenance
from neurofwp.spiking import SpikingNetwork

from .conftest import PROBES, pairs, record, silent_without_key, simulate

ACTIVE, SILENT = slice(0, 10), slice(20, 40)  # key cells of the first pair; cells of none


def one_write(*, values: Any = ((1.0, -1.0),), **settings: Any) -> xr.Dataset:
    """One event: (episode, post) values are written from the first 10 of 40 key cells."""
    values = np.asarray(values)
    key = np.zeros((len(values), 1, 40))
    key[..., ACTIVE] = 1
    return program.from_arrays(key, values[:, np.newaxis], **{"duration": 400.0, **settings})


def edited_model(folder: Path, *replacements: tuple[str, str]) -> Path:
    """The additive synapse with other numbers."""
    text = Path(next(iter(neurofwp.models.__path__)), "synapses", "additive.toml").read_text()
    for old, new in replacements:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = folder / "edited.toml"
    path.write_text(text)
    return path


def spikes(recording: xr.DataTree, population: int, episode: int, cell: int) -> np.ndarray:
    every = recording["spikes"].to_dataset()
    chosen = every["spike_population"] == population
    chosen &= (every["spike_episode"] == episode) & (every["spike_cell"] == cell)
    return np.sort(every["spike_time"].values[chosen.values])


# What a run leaves


def test_trace_is_valid_with_units_provenance_and_survives_netcdf(
    stored: xr.Dataset, recorded: xr.DataTree, tmp_path: Path
) -> None:
    trace.check(stored)
    units = {
        "weight": "nS",
        "conductance": "nS",
        "recall": "Hz",
        "pre_rate": "Hz",
        "post_rate": "Hz",
        "dendrite": "mV",
    }
    assert {name: stored[name].attrs["units"] for name in units} == units
    units = {"probe_conductance": "nS", "probe_dendrite": "mV", "probe_calcium": "uM", "probe_nmda": "1", "time": "ms"}
    assert {name: recorded["probes"][name].attrs["units"] for name in units} == units
    spike_trains.check(recorded["spikes"].to_dataset())
    assert len(stored.to_dataframe()) == stored["conductance"].size
    spikes, probes = (recorded[name].to_dataset() for name in ("spikes", "probes"))
    assert len(spikes.to_dataframe()) == spikes["spike_time"].size
    assert len(probes.to_dataframe()) == probes["probe_calcium"].size
    config = json.loads(stored.attrs["config"])
    assert (config["synapse"], config["cells_per_pool"], config["membrane_step"]) == ("additive", 1, "0.1 ms")
    assert config["circuit_parameters"]["v_threshold"] == "-50 mV"
    assert json.loads(stored.attrs["seed"]) == 3
    assert json.loads(stored.attrs["versions"]) == provenance.versions()
    assert stored.attrs["commit"] == provenance.commit()
    assert (stored.attrs["backend"], stored.attrs["backend_reason"]) == ("numpy", "asked for")
    assert stored.attrs["synapse_loop"].startswith("Brian2's own: only compiled programs")
    path = trace.save(recorded, tmp_path / "recording.nc")
    xr.testing.assert_identical(trace.load(path), stored)
    xr.testing.assert_identical(trace.load_recording(path), recorded)
    xr.testing.assert_identical(trace.load(trace.save(stored, tmp_path / "trace.nc")), stored)


def test_conductances_and_rates_are_finite_and_not_negative(stored: xr.Dataset) -> None:
    assert np.isfinite(stored["conductance"].values).all()
    assert (stored["conductance"].values >= 0).all()
    np.testing.assert_allclose(stored["weight"], stored["conductance"][:, :, 0] - stored["conductance"][:, :, 1])
    for name, phase in (("pre_rate", "write_start"), ("post_rate", "read_start")):
        there = np.isfinite(stored[phase].values)
        assert (stored[name].values[:, there] >= 0).all()
        assert np.isnan(stored[name].values[:, ~there]).all()
        assert there.tolist() == ([True, True, False, False] if name == "pre_rate" else [False, True, True, True])


def test_rates_and_recall_are_those_of_the_spikes(stored: xr.Dataset, recorded: xr.DataTree) -> None:
    """Counted again, cell by cell, with one cell per pool: value cell 2*polarity + post."""
    for episode in range(2):
        for event in (0, 1):
            start, stop = stored["write_start"].values[event], stored["write_stop"].values[event]
            for cell in range(40):
                times = spikes(recorded, 0, episode, cell)
                rate = ((times >= start) & (times < stop)).sum() / (stop - start) * 1000
                assert stored["pre_rate"].values[episode, event, cell] == pytest.approx(rate)
        for event in (1, 2, 3):
            start, stop = stored["read_start"].values[event], stored["read_stop"].values[event]
            of_cells = [spikes(recorded, 1, episode, cell) for cell in range(4)]
            on_0, on_1, off_0, off_1 = (((t >= start) & (t < stop)).sum() / (stop - start) * 1000 for t in of_cells)
            np.testing.assert_allclose(stored["recall"].values[episode, event], [on_0 - off_0, on_1 - off_1])
    assert np.isnan(stored["recall"].values[:, 0]).all()
    counts = [int((recorded["spikes"]["spike_population"] == population).sum()) for population in range(3)]
    assert min(counts) > 20  # all three populations fire


def test_dendritic_voltage_is_that_of_probes_while_the_gate_is_open(stored: xr.Dataset, recorded: xr.DataTree) -> None:
    delay = float(SpikingNetwork().circuit["gate_delay"] / ms)
    probes = recorded["probes"].to_dataset()
    for i, (episode, polarity, post, _) in enumerate(PROBES):
        for event in range(2):
            start, stop = stored["write_start"].values[event] + delay, stored["write_stop"].values[event]
            seen = float(probes["probe_dendrite"].isel(probe=i).sel(time=slice(start, stop)).mean())
            own = float(stored["dendrite"].isel(episode=episode, event=event, post=post).sel(polarity=polarity))
            assert own == pytest.approx(seen, abs=0.2)
    assert np.isnan(stored["dendrite"].values[:, 2:]).all()


def test_probes_end_every_event_at_its_conductance(stored: xr.Dataset, recorded: xr.DataTree) -> None:
    probes = recorded["probes"].to_dataset()
    pause = stored["read_start"].values[1] - stored["write_stop"].values[1]
    slot = 2 * (350 + pause)  # of the second event, which writes and reads
    for i, (episode, polarity, post, pre) in enumerate(PROBES):
        for event in range(3):
            now = probes["probe_conductance"].isel(probe=i).sel(time=(event + 1) * slot)
            then = stored["conductance"].isel(episode=episode, event=event, post=post, pre=pre).sel(polarity=polarity)
            assert np.float32(now) == np.float32(then)
    assert (probes["probe_nmda"].values >= 0).all()
    assert (probes["probe_nmda"].values <= 1).all()
    assert probes["probe_calcium"].attrs["potentiation_threshold"] > 0
    opened = probes["probe_dendrite"].isel(probe=0).sel(time=slice(150, 400)).mean()
    assert float(opened) > float(probes["probe_dendrite"].isel(probe=0).sel(time=slice(550, slot)).mean()) + 10


def test_reading_answers_with_the_sign_that_was_written() -> None:
    """20 key cells suffice to drive the soma after one write."""
    values = np.array([[[1.0, -1.0, 1.0, -1.0]], [[-1.0, 1.0, 1.0, -1.0]]])
    run = simulate(pairs(values, active=20, duration=500.0), cells_per_pool=2)
    answer = run["recall"].values[:, 1]
    assert np.corrcoef(answer.ravel(), values.ravel())[0, 1] > 0.7


# Chance


# cython compiles each of some twenty code objects on its own, for minutes where none is cached
BACKENDS = ["numpy", "cpp_standalone", pytest.param("cython", marks=pytest.mark.slow)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_seed_repeats_bit_for_bit(backend: str) -> None:
    first, again = (record(one_write(duration=150.0), seed=1, backend=backend) for _ in range(2))
    xr.testing.assert_identical(first, again)
    assert first["trace/conductance"].values.max() > 0


def test_another_seed_does_not() -> None:
    first, other = (record(one_write(duration=150.0), seed=seed) for seed in (1, 2))
    assert not np.array_equal(first["trace/conductance"], other["trace/conductance"])
    assert not np.array_equal(first["spikes/spike_time"], other["spikes/spike_time"])


def test_poisson_keys_fire_as_asked_and_integrate_and_fire_keys_more_regularly() -> None:
    """Rates at key = 0, 0.5 and 1 after the onset, and the variation of the intervals between spikes."""
    key = np.repeat([0.0, 0.5, 1.0], 30)[np.newaxis, np.newaxis]
    long = program.from_arrays(key, np.zeros((1, 1, 1)), duration=2500.0)
    variation = {}
    for kind in ("lif", "poisson"):
        run = record(long, key_cells=kind)
        trains = [spikes(run, 0, 0, cell) for cell in range(90)]
        rates = [((t > 100) & (t < 2500)).sum() / 2.4 for t in trains]
        rest, half, peak = np.reshape(rates, (3, 30)).mean(axis=1)
        assert rest < 0.3
        assert peak == pytest.approx(60, abs=4)
        assert 5 < half < 45
        if kind == "poisson":
            assert half == pytest.approx(30, abs=3)
        intervals = [np.diff(t[(t > 100) & (t < 2500)]) for t in trains[60:]]
        variation[kind] = np.mean([i.std() / i.mean() for i in intervals])
    assert 0.85 < variation["poisson"] < 1.1
    assert variation["lif"] < 0.5


# What is written


def test_an_episode_without_keys_stays_at_zero_beside_one_that_writes() -> None:
    """Exactly: no synapse crosses from one replica to another."""
    both = one_write(values=[[1.0, -1.0], [1.0, -1.0], [1.0, -1.0]])
    both["key"][1] = 0
    recording = record(both, **silent_without_key())
    run, sent = (recording[name].to_dataset() for name in ("trace", "spikes"))
    assert (run["conductance"].values[1] == 0).all()
    assert not (sent["spike_episode"].values[sent["spike_population"].values == 0] == 1).any()
    assert (run["conductance"].values[[0, 2]][..., SILENT] == 0).all()  # and none between key cells
    assert (run["conductance"].values[[0, 2]][:, :, [0, 1], [0, 1], ACTIVE] > 0.01).all()


def test_weights_of_an_episode_do_not_depend_on_the_other_episodes() -> None:
    """Sixteen replicas of one episode, beside others that write the same or the opposite, agree within their errors."""
    values = np.tile([1.0, -1.0], (32, 1))
    means = []
    for beside in (1, -1):
        values[16:] = [beside, -beside]
        run = simulate(one_write(values=values), **silent_without_key())
        means.append(run["conductance"].values[:16, 0, ..., ACTIVE].mean(axis=(1, 2, 3)))
    error = np.hypot(*(m.std(ddof=1) / 4 for m in means))
    assert abs(means[0].mean() - means[1].mean()) < 3 * error
    assert error < 0.05 * means[0].mean()


@pytest.mark.parametrize("gate", ["dendrite", "conductance"])
def test_only_an_open_gate_writes(gate: str) -> None:
    """Open, half open and closed, in three episodes."""
    run = simulate(
        one_write(values=[[1.0, 0.0]] * 3, write_gate=[[1.0], [0.5], [0.0]]), gate=gate, **silent_without_key()
    )
    opened, half, closed = run["conductance"].values[:, 0, 0, 0, ACTIVE].mean(axis=-1)
    assert opened > 0.05
    assert 0.01 * opened < half < 0.9 * opened
    assert closed < 0.01 * opened
    if gate == "conductance":
        assert closed == 0


def test_the_teaching_signal_is_written_and_its_opposite_swaps_on_and_off() -> None:
    """Pools with five teaching signals, averaged over 16 episodes of each sign."""
    values = np.array([1.0, 0.5, 0.0, -0.5, -1.0])
    run = simulate(one_write(values=np.repeat([values, -values], 16, axis=0)), **silent_without_key())
    conductance = run["conductance"].values[:, 0, ..., ACTIVE].mean(axis=-1).reshape(2, 16, 2, 5).mean(axis=1)
    on, off = conductance[0].ravel(), conductance[1, ::-1].ravel()
    assert np.corrcoef(on, off)[0, 1] > 0.99
    assert on.mean() == pytest.approx(off.mean(), rel=0.03)
    assert (np.diff(conductance[0, 0]) < 0).all()  # ON pools follow the value, OFF pools its opposite
    assert (np.diff(conductance[0, 1]) > 0).all()


@pytest.mark.parametrize(
    ("replacement", "most"),
    [
        (("alpha_nmda = { value = 0.5", "alpha_nmda = { value = 0"), 0.0),  # no receptor opens
        (("Mg = { value = 1,", "Mg = { value = 1000,"), 1e-6),  # all are blocked
    ],
)
def test_without_nmda_current_nothing_is_written(replacement: tuple[str, str], most: float, tmp_path: Path) -> None:
    blocked = simulate(one_write(), edited_model(tmp_path, replacement))
    assert blocked["conductance"].values.max() <= most
    assert blocked["pre_rate"].values[..., ACTIVE].min() > 10  # although the keys fire


def test_reads_leave_weights_alone_unless_the_gate_stays_open() -> None:
    """One write, then five reads: mean conductance of the synapses that were written."""
    key, query = np.zeros((2, 1, 6, 40))
    key[0, 0, ACTIVE], query[0, 1:, ACTIVE] = 1, 1
    value = np.zeros((1, 6, 4))
    value[0, 0] = [1, -1, 1, -1]
    reads = program.from_arrays(key, value, query=query, duration=300.0)
    change = {}
    for gate in (0.0, 1.0):
        written = simulate(reads, read_gate=gate)["conductance"].values[0, ..., ACTIVE].mean(axis=(1, 2, 3))
        change[gate] = abs(written[-1] / written[0] - 1)
    assert change[0.0] < 0.01
    assert change[1.0] > 0.1


def test_retention_multiplies_what_lies_idle() -> None:
    """Two episodes write in event 0 and are idle after; each forgets by its own share, event by event."""
    key = np.zeros((2, 4, 40))
    key[:, 0, ACTIVE] = 1
    retention = [[1.0, 0.5, 1.0, 0.8], [1.0, 0.9, 0.0, 1.0]]
    made = program.from_arrays(key, np.ones((2, 4, 1)), retention=retention, duration=200.0)
    run = simulate(made, **silent_without_key())
    kept = run["conductance"].values[:, 1:, 0, 0, ACTIVE] / run["conductance"].values[:, :1, 0, 0, ACTIVE]
    expected = np.cumprod(np.maximum(retention, 1e-6), axis=1)[:, 1:, np.newaxis]
    np.testing.assert_allclose(kept, np.broadcast_to(expected, kept.shape), rtol=1e-3)


def test_interneurons_hold_the_dendrite_down() -> None:
    """Written again and again, a weight grows less where interneurons bring the soma's answer back."""
    key = np.zeros((4, 4, 40))
    key[..., :20] = 1
    made = program.from_arrays(key, np.ones((4, 4, 1)), duration=400.0)
    grown = {}
    for inhibition in (0, 2):
        run = simulate(made, "error-correcting", parameters={"g_gaba": inhibition * nS}, cells_per_pool=2)
        grown[inhibition] = run["conductance"].values[:, -1, 0, 0, :20].mean()
    assert grown[2] < 0.7 * grown[0]


# Bad input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"synapse": "aditive"}, "unknown synapse model 'aditive'; did you mean 'additive'"),
        ({"circuit": "apical-feedbak"}, "unknown circuit 'apical-feedbak'; did you mean 'apical-feedback'"),
        ({"parameters": {"g_gabba": 1 * nS}}, "unknown parameter 'g_gabba'; did you mean 'g_gaba'"),
        ({"parameters": {"g_gaba": 1 * mV}}, "g_gaba is 1. mV, but needs a unit like 'nS'"),
        ({"parameters": {"g_gaba": 1}}, "g_gaba is 1, but needs a unit like 'nS'"),
        ({"parameters": {"g_gaba": "1 mV"}}, "g_gaba is 1 mV, but needs a unit like nS"),
        ({"parameters": {"g_gaba": -1 * nS}}, r"g_gaba is -1 nS, but must be in \[0, inf\]"),
        ({"parameters": {"key_peak_rate": float("nan") * Hz}}, r"key_peak_rate is nan Hz, but must be in \[0, inf\]"),
        ({"synapse": "additive", "parameters": {"alpha_nmda": 2}}, r"alpha_nmda is 2 1, but must be in \[0, 1\]"),
        ({"cells_per_pool": 0}, "cells_per_pool must be at least 1, not 0"),
        ({"key_cells": "binary"}, "key_cells must be one of lif, poisson, not 'binary'"),
        ({"gate": "soma"}, "gate must be one of dendrite, conductance, not 'soma'"),
        ({"read_gate": 1.5}, r"read_gate must be in \[0, 1\], not 1.5"),
        ({"read_gate": float("nan")}, r"read_gate must be in \[0, 1\], not nan"),
        ({"backend": "gpu"}, "unknown backend 'gpu'; known: auto, cpp_standalone, cython, numpy"),
        ({"membrane_step": 0.1}, r"membrane_step must be a time above 0, like 0.1\*ms, not 0.1"),
        ({"plasticity_step": 1 * mM}, "plasticity_step must be a time above 0"),
        ({"membrane_step": 0 * ms}, "membrane_step must be a time above 0"),
        ({"plasticity_step": 0.25 * ms}, "must be a whole multiple of membrane_step, but is 2.5 times as long"),
        ({"membrane_step": 2 * ms}, "must be a whole multiple of membrane_step, but is 0.5 times as long"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SpikingNetwork(**settings)


@pytest.mark.parametrize(
    "probe", [(2, "on", 0, 0), (0, "up", 0, 0), (0, "off", 2, 0), (0, "on", 0, 40), (-1, "on", 0, 0)]
)
def test_a_probe_outside_the_program(probe: tuple[int, str, int, int]) -> None:
    with pytest.raises(InputError, match=r"there is no synapse .* episode < 1, polarity on or off, post < 2, pre < 40"):
        record(one_write(), probes=[probe])


def test_a_program_or_a_seed_that_cannot_run() -> None:
    with pytest.raises(InputError, match="key is 5 at episode 0, event 0, pre 0, .* peak rate at 1"):
        simulate(program.from_arrays(np.full((1, 3), 5.0), np.zeros((1, 2))))
    with pytest.raises(InputError, match="seed must be at least 0, not -1"):
        simulate(one_write(), seed=-1)
    with pytest.raises(InputError, match="a Program is an xarray.Dataset, not a ndarray"):
        simulate(np.zeros((1, 1, 2)))


@pytest.mark.parametrize("duration", [1.0, 600.0, 2600.0, 30_000.0])
def test_a_run_ends_clearly_after_the_last_weights_are_recorded(duration: float) -> None:
    """Within the tolerance in which Brian2's clocks tie, the last record would be a matter of luck."""
    beyond = SpikingNetwork("additive", backend="numpy")._beyond(duration * ms)
    assert beyond >= 0.1 * ms
    assert 1.5 * Clock.epsilon_dt < float(beyond / (duration * ms)) <= 0.1
    assert float(beyond / (0.1 * ms)) == pytest.approx(round(float(beyond / (0.1 * ms))))
