"""Conditions run side by side: each is the network that its parameters or its Program make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, ms, nS, second

from neurofwp import plots, program, trace as traces
from neurofwp.errors import InputError
from neurofwp.spiking import SpikingNetwork, conditions

from .conftest import pairs

SETTINGS: dict[str, Any] = {"cells_per_pool": 2, "backend": "numpy", "key_cells": "poisson"}


def written(episodes: int = 1) -> xr.Dataset:
    values = np.random.default_rng(0).choice([-1.0, 1.0], (1, 1, 2)).repeat(episodes, axis=0)
    return pairs(values, pre=12, active=6, duration=300.0)


@pytest.mark.parametrize("synapse", ["error-correcting", "soft-bound"])
def test_each_condition_runs_with_its_own_parameters(synapse: str) -> None:
    own = {
        "g_gaba": np.array([0, 60]) * nS,  # of a connection
        "g_gate": np.array([10, 14]) * nS,  # of value cells
        "tau_nmda": np.array([50, 100]) * ms,  # of key cells
        "tau_turnover": np.array([1, 50]) * second,  # of synapses
        "P": np.array([4, 5]) * nS / second,  # of what follows from it
    }
    both = SpikingNetwork(synapse, **SETTINGS).run(written(), seed=3, conditions=conditions.from_quantities(**own))
    for number in range(2):
        parameters = {name: values[number] for name, values in own.items()}
        one = SpikingNetwork(synapse, parameters=parameters, **SETTINGS).run(written(), seed=3)
        np.testing.assert_allclose(both["conductance"][number], one["conductance"], rtol=1e-5)
    assert abs(both["conductance"][0] - both["conductance"][1]).max() > 0.01


def test_programs_that_differ_run_side_by_side_and_a_trace_has_labels_probes_and_spikes_of_each(tmp_path: Path) -> None:
    made = written(2)
    turned = xr.concat([made["value"], -made["value"]], dim="condition")
    made = made.assign(value=turned)  # all else is the same
    every = conditions.from_quantities(["as it is", "turned round"], g_gaba=[0, 0] * nS)
    probe = (1, "on", 1, 2)
    network = SpikingNetwork("additive", **SETTINGS)
    every = every.assign_coords(sign=("condition", [1, -1]))
    recording = network.record(made, seed=3, probes=[probe], conditions=every)
    traces.save(recording, tmp_path / "recording.nc")
    xr.testing.assert_identical(traces.load_recording(tmp_path / "recording.nc"), recording)
    both, probes = (recording[name].to_dataset() for name in ("trace", "probes"))
    assert len(both.to_dataframe()) == both["conductance"].size
    assert len(probes.to_dataframe()) == probes["probe_conductance"].size
    assert len(recording["spikes"].to_dataset().to_dataframe()) == recording["spikes"].sizes["spike"]
    assert both["weight"].dims == ("condition", "episode", "event", "post", "pre")
    assert both["sign"].values.tolist() == [1, -1]
    assert probes["probe_conductance"].dims == ("condition", "probe", "time")
    assert probes["probe_episode"].values.tolist() == [1]
    ends = probes["probe_conductance"].isel(probe=0, time=-1)
    # of one cell of the pool, whose mean the Trace holds
    pool = both["conductance"].isel(episode=1, event=-1, pre=2).sel(polarity="on").isel(post=1)
    np.testing.assert_allclose(ends, pool, rtol=0.5)
    for label in both["condition"].values:
        own = traces.of_condition(recording, label)
        one, spikes = (own[name].to_dataset() for name in ("trace", "spikes"))
        xr.testing.assert_identical(traces.of_condition(both, label), one)
        assert own["probes/probe_conductance"].dims == ("probe", "time")
        assert "spike_condition" not in spikes
        assert spikes["spike_episode"].values.max() == 1
        sent = (spikes["spike_population"].values == 0) & (spikes["spike_episode"].values == 1)
        write = (spikes["spike_time"].values < one["write_stop"].values[0]) & sent
        counted = np.bincount(spikes["spike_cell"].values[write], minlength=12) / 0.3
        np.testing.assert_allclose(one["pre_rate"].isel(episode=1, event=0), counted)
    taught = both["weight"].isel(event=0).mean(("episode", "pre"))
    assert (np.sign(taught[0]) == -np.sign(taught[1])).all()


@pytest.mark.parametrize("key_cells", ["lif", "poisson"])
def test_a_condition_alone_is_that_among_many_bit_for_bit(key_cells: str) -> None:
    """Compiled, with numbers of cells that are no multiples of what a vector instruction takes."""
    rng = np.random.default_rng(0)
    key = (rng.random((2, 2, 13)) < 0.4).astype(float)
    made = program.from_arrays(key, rng.choice([-1.0, 1.0], (2, 2, 3)), query=key[:, ::-1], duration=200.0)
    network = SpikingNetwork("error-correcting", cells_per_pool=3, backend="cpp_standalone", key_cells=key_cells)
    own = conditions.from_quantities(g_gaba=[2, 1.3, 2, 0, 0.5] * nS, seed=[4, 4, 5, 5, 6])
    many, alone = (network.record(made, seed=1, conditions=each) for each in (own, own.isel(condition=[2])))
    xr.testing.assert_equal(traces.of_condition(many, 2), traces.of_condition(alone, 0))
    assert alone["spikes"].sizes["spike"] > 500
    # the same noise where the seed is the same: key cells fire alike whatever happens beyond them
    first, second = (sent(many, number) for number in (0, 1))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, sent(many, 2))


def sent(recording: xr.DataTree, number: int) -> np.ndarray:
    """Times of the spikes of all key cells in a condition."""
    one = traces.of_condition(recording, number)["spikes"]
    return one["spike_time"].values[one["spike_population"].values == 0]


def test_a_seed_of_a_condition_is_that_of_a_run() -> None:
    network = SpikingNetwork("graupner-brunel-in-vivo", **SETTINGS)  # whose synapses are noisy
    both = network.run(written(), seed=1, conditions=conditions.from_quantities(seed=[7, 8]))
    for number, seed in enumerate((7, 8)):
        one, own = network.run(written(), seed=seed), traces.of_condition(both, number).drop_vars("seed")
        xr.testing.assert_equal(one, own)


def test_weights_begin_where_each_condition_says() -> None:
    network = SpikingNetwork("graupner-brunel-cortical-slice-nmda", **SETTINGS)
    quiet = written()
    quiet["key"][:] = 0
    quiet["query"][:] = 0
    quiet["write_gate"][:] = 0
    own = conditions.from_quantities(w0=np.array([0.1, 0.3]) * nS)
    run = network.run(quiet, conditions=own)
    np.testing.assert_allclose(run["initial_weight"], [0.1, 0.3])
    seen = run["conductance"].isel(event=0)
    np.testing.assert_allclose(seen.mean(("episode", "polarity", "post", "pre")), [0.1, 0.3], rtol=1e-3)


def test_without_conditions_a_trace_has_no_such_dimension() -> None:
    plain = SpikingNetwork("additive", **SETTINGS).run(written(), seed=3)
    assert "condition" not in plain.dims
    traces.only_condition(plain)
    with pytest.raises(InputError, match="no conditions to choose from"):
        traces.of_condition(plain, 0)


def test_a_figure_of_several_conditions_says_how_to_choose_one() -> None:
    own = conditions.from_quantities(["a", "b"], g_gaba=[0, 1] * nS)
    recording = SpikingNetwork("additive", **SETTINGS).record(written(), conditions=own)
    both, spikes = (recording[name].to_dataset() for name in ("trace", "spikes"))
    with pytest.raises(InputError, match=r"2 conditions, of which one can be shown.*of_condition\(trace, 'a'\)"):
        plots.raster(both, spikes)
    with pytest.raises(InputError, match="no condition 'c'; it has 'a', 'b'"):
        traces.of_condition(both, "c")


def parameter(name: str, values: Any, **attrs: str) -> xr.Dataset:
    return xr.Dataset({name: ("condition", values, attrs)})


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (lambda: conditions.from_quantities(g_gabba=np.ones(2) * nS), "g_gabba.*g_gaba"),
        (lambda: conditions.from_quantities(g_gaba=1 * nS), "one value for each condition, not shape"),
        (lambda: conditions.from_quantities(g_gaba=[1, 2] * nS, P=[1] * nS / second), "one value for each .*2.*1"),
        (lambda: conditions.from_quantities(["a"], g_gaba=[1, 2] * nS), "one value for each condition, .*labels"),
        (lambda: conditions.from_quantities(g_gaba=np.ones(2) * Hz), "g_gaba of condition 0 .* a unit like 'nS'"),
        (lambda: conditions.from_quantities(g_gaba=np.array([1, -1]) * nS), "g_gaba of condition 1 is -1 nS"),
        (lambda: conditions.from_quantities(p=[2.0, 4.0]), "p shapes the code"),
        (lambda: conditions.from_quantities(pause=[100, 200] * ms), "pause sets the times of events"),
        (lambda: parameter("P2", [1.0, 2.0], units="Hz"), "unknown parameter 'P2'"),
        (lambda: parameter("g_gaba", [1.0, 2.0]), r"g_gaba of the conditions has no attrs\['units'\]"),
        (lambda: parameter("g_gaba", [1.0, 2.0], units="mV"), "g_gaba of condition 0 .* a unit like 'nS'"),
        (lambda: parameter("g_gaba", [1.0, 2.0], units="apples"), "'apples' is not a unit"),
        (lambda: conditions.from_quantities(seed=[1, -1]), r"whole numbers of at least 0, not \[1, -1\]"),
        (lambda: conditions.from_quantities(seed=np.array([1.5, 2])), "whole numbers of at least 0"),
        (lambda: {"g_gaba": [1, 2]}, "a Dataset over 'condition' alone, .* not dict"),
        (lambda: xr.Dataset({"g_gaba": ("episode", [1.0])}), "a Dataset over 'condition' alone.*episode"),
    ],
)
def test_what_cannot_differ_is_refused(own: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SpikingNetwork("error-correcting", **SETTINGS).run(written(), conditions=own())


def test_a_program_and_conditions_that_disagree_are_refused() -> None:
    made = xr.concat([written()] * 3, dim="condition", combine_attrs="override")
    network = SpikingNetwork("error-correcting", **SETTINGS)
    two = conditions.from_quantities(["a", "b"], g_gaba=[1, 2] * nS)
    with pytest.raises(InputError, match="needs the same conditions, but has 2 and 3"):
        network.run(made, conditions=two)
    labelled = made.isel(condition=[0, 1]).assign_coords(condition=["a", "c"])
    with pytest.raises(InputError, match=r"needs the same conditions, but has \['a', 'c'\] and \['a', 'b'\]"):
        network.run(labelled, conditions=two)
