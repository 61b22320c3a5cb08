"""What a run needs is estimated from below, and refused where it is not there."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp import program
from neurofwp.errors import InputError
from neurofwp.runtime import room
from neurofwp.spiking import SpikingNetwork, jobs, room_needed

GIB = 2**30


def large(events: int = 200) -> xr.Dataset:
    """10^6 pairs of cells."""
    key = np.zeros((4, events, 1000))
    key[..., :50] = 1
    return program.from_arrays(key, np.zeros((4, events, 125)), duration=500.0)


def test_needs_are_below_what_a_run_leaves(stored_program: xr.Dataset, recorded: xr.DataTree) -> None:
    network = SpikingNetwork("additive", cells_per_pool=1, backend="numpy")
    needed = room_needed.needed(network, stored_program, None, recorded["probes"].sizes["probe"])
    assert 0.5 * recorded["trace"].nbytes < needed.trace <= recorded["trace"].nbytes
    assert 0.2 * recorded["probes"].nbytes < needed.probes <= recorded["probes"].nbytes


def test_needs_grow_with_conditions_events_and_cells() -> None:
    network = SpikingNetwork("error-correcting", cells_per_pool=4)
    one = room_needed.needed(network, large(), None, 10)
    synapses = 4 * 1000 * 250 * 4
    assert one.network == synapses * (2 * 4 + 8)  # calcium and weight, and between which cells it is
    assert one.files == synapses * 201 * 4
    assert one.trace == 4 * 200 * 1000 * 375 * 4
    many = room_needed.needed(network, large(), xr.Dataset(coords={"condition": range(3)}), 10)
    assert (many.network, many.trace, many.probes) == tuple(3 * each for each in (one.network, one.trace, one.probes))


def test_what_does_not_fit_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_memory", lambda: GIB)
    says = (
        r"^this run needs 1\.\d+ GiB of memory \(.* for Traces.*\), and 1 GiB are free: take fewer episodes, conditions"
    )
    with pytest.raises(InputError, match=says):
        SpikingNetwork("error-correcting").run(large())
    job = jobs.Job("one", large(100))
    with (
        pytest.raises(InputError, match=r"^2 simulations together need "),
        jobs.start([job, jobs.Job("two", large(100))]),
    ):
        pass


def test_files_count_where_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "free_memory", lambda: None)
    monkeypatch.setattr(room, "free_disk", lambda folder: GIB)
    with pytest.raises(InputError, match=r"needs 3 GiB of disk \(.* for weights of all synapses after every event"):
        SpikingNetwork("error-correcting").run(large())
