"""Circuits: one file each, checked when they are made; a second one runs beside the first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurofwp.models
from neurofwp.errors import InputError
from neurofwp.spiking import SpikingNetwork, circuits
from neurofwp.spiking.circuits import Connection, Population
from neurofwp.spiking.circuits.apical_feedback import CIRCUIT
from neurofwp.spiking.circuits.circuit import Sizes, pools, within_pools
from neurofwp.synapses.parameters import Parameter

from .conftest import pairs

WATCHERS = Population(
    "watcher", pools, "dv/dt = -v/watcher_tau : 1", threshold="v > 1", reset="v = 0"
)  # of value cells: each spike of one makes its own watcher spike
WATCHED = replace(
    CIRCUIT,
    name="watched",
    parameters=(*CIRCUIT.parameters, Parameter("watcher_tau", "ms", "time constant of a watcher", low=0.1)),
    others=(*CIRCUIT.others, WATCHERS),
    connections=(
        *CIRCUIT.connections,
        Connection("watching", "value", "watcher", "v_post += 2", lambda sizes: 2 * (np.arange(sizes.cells),)),
    ),
)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The parameter file of a second circuit, which is known."""
    monkeypatch.setitem(circuits.REGISTRY._registered, WATCHED.name, WATCHED)
    shipped = Path(neurofwp.models.__path__[0], "circuits", "apical-feedback.toml").read_text()
    own = shipped.replace('form = "apical-feedback"', 'form = "watched"')
    path = tmp_path / "watched.toml"
    path.write_text(f'{own}\nwatcher_tau = {{ value = 1, unit = "ms", source = "here" }}\n')
    return path


def test_a_second_circuit_runs_from_its_file(watched: Path) -> None:
    program = pairs(np.array([[[1.0, -1.0]]]), active=30, duration=250.0)
    network = SpikingNetwork("additive", circuit=watched, cells_per_pool=2, backend="numpy")
    recording = network.record(program, seed=3)
    run = recording["spikes"].to_dataset()
    names = run["spike_population"].attrs["flag_meanings"].split()
    assert names == ["key", "value", "interneuron", "watcher"]
    fired = [np.bincount(run["spike_cell"][run["spike_population"] == kind], minlength=8) for kind in (1, 3)]
    np.testing.assert_array_equal(*fired)
    assert fired[0].sum() > 5
    # who watches changes nothing: each population has random numbers of its own
    plain = SpikingNetwork("additive", cells_per_pool=2, backend="numpy").record(program, seed=3)
    kept = run["spike_population"].values < 3
    for name in ("spike_time", "spike_cell", "spike_population"):
        np.testing.assert_array_equal(run[name].values[kept], plain["spikes"][name])
    np.testing.assert_array_equal(recording["trace/conductance"], plain["trace/conductance"])


def test_pairs_within_pools_are_all_to_all() -> None:
    sizes = Sizes(pre=5, post=2, per_pool=3)
    i, j = within_pools(sizes)
    assert sorted(zip(i, j, strict=True)) == [(a, b) for a in range(12) for b in range(12) if a // 3 == b // 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parameters": CIRCUIT.parameters[:-1]}, "'broken' lacks the parameter 'pause': the silence"),
        ({"value": replace(CIRCUIT.value, equations="v : volt")}, "lacks the variable 'v_dendrite' of its value cells"),
        ({"key": {}}, "'broken' lacks key cells"),
        ({"key": {"lif": WATCHERS}}, "names its lif 'watcher': synapses look for 'key'"),
        ({"others": (WATCHERS, WATCHERS)}, "two groups of the name 'watcher'"),
        ({"others": ()}, "connection 'relay' of circuit 'broken' has no cells 'interneuron'"),
        (
            {"others": (*CIRCUIT.others, replace(WATCHERS, refractory="watcher_refractory"))},
            "'watcher' of circuit 'broken' needs 'watcher_refractory'",
        ),
    ],
)
def test_what_is_missing_is_said(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(CIRCUIT, name="broken", **change)


def test_an_unknown_form_offers_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown form of circuit 'apical-fedback'; did you mean 'apical-feedback'"):
        circuits.get("apical-fedback")
