"""The timeline: which millisecond belongs to which phase, and what the tables say there."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from neurofwp import program
from neurofwp.errors import InputError
from neurofwp.spiking.timeline import schedule


@st.composite
def programs(draw: st.DrawFn) -> xr.Dataset:
    episodes, events, pre, post = (draw(st.integers(1, n)) for n in (3, 5, 4, 3))
    sparse = arrays(float, (episodes, events, pre), elements=st.sampled_from([0.0, 0.0, 0.5, 1.0]))
    unit = arrays(float, (episodes, events), elements=st.floats(0, 1))
    return program.from_arrays(
        draw(sparse),
        draw(arrays(float, (episodes, events, post), elements=st.floats(-1, 1))),
        query=draw(sparse),
        write_gate=draw(unit),
        retention=draw(unit),
        duration=draw(arrays(float, events, elements=st.integers(51, 120))),
    )


@given(programs(), st.integers(0, 50), st.integers(0, 30), st.floats(0, 1))
def test_every_millisecond_shows_what_its_phase_says(
    made: xr.Dataset, gate_delay: int, pause: int, read_gate: float
) -> None:
    """An independent loop over milliseconds: where the starts and stops lie, and what the circuit then looks up."""
    timeline = schedule(made, gate_delay=gate_delay, pause=pause, read_gate=read_gate)
    episodes, events, pre = made["key"].shape
    slot, duration = timeline.slot, made["duration"].values[0]
    assert len(timeline.phase) == slot * events
    on_off = np.stack([(1 + made["value"].values) / 2, (1 - made["value"].values) / 2], axis=2)
    for event in range(events):
        key, query = made["key"].values[:, event], made["query"].values[:, event]
        written = key.any(axis=1)
        starts = {name: getattr(timeline, f"{name}_start")[event] for name in ("write", "read")}
        stops = {name: getattr(timeline, f"{name}_stop")[event] for name in ("write", "read")}
        assert np.isnan(starts["write"]) == (not key.any())
        assert np.isnan(starts["read"]) == (not query.any())
        for name in ("write", "read"):
            if np.isfinite(starts[name]):
                assert stops[name] - starts[name] == duration[event]
                assert event * slot <= starts[name]
                assert stops[name] + pause <= (event + 1) * slot
        if key.any() and query.any():
            assert starts["read"] == stops["write"] + pause
        for ms in range(event * slot, (event + 1) * slot):
            row = timeline.phase[ms]
            active, taught, gate = np.zeros((episodes, pre)), np.zeros_like(on_off[:, 0]), np.zeros(episodes)
            if starts["write"] <= ms < stops["write"]:
                active, taught = key, on_off[:, event] * written[:, np.newaxis, np.newaxis]
                if ms >= starts["write"] + gate_delay:
                    gate = made["write_gate"].values[:, event] * written
            elif starts["read"] <= ms < stops["read"]:
                active, gate = query, np.full(episodes, read_gate)
            np.testing.assert_array_equal(timeline.key[row], active.ravel())
            np.testing.assert_array_equal(timeline.teach[row], taught.ravel())
            np.testing.assert_array_equal(timeline.gate[row], gate)


@given(programs())
def test_the_slot_is_as_short_as_the_longest_event_allows(made: xr.Dataset) -> None:
    timeline = schedule(made, gate_delay=10, pause=20)
    ends = np.fmax(timeline.write_stop, timeline.read_stop) - np.arange(made.sizes["event"]) * timeline.slot
    idle = made["duration"].values[0].max()
    assert timeline.slot == 20 + max(np.nanmax([*ends, 0]), idle)


@pytest.mark.parametrize(
    ("duration", "message"),
    [
        ([[300, 400], [300, 401]], "event 1 needs one duration"),
        ([300, 100], "event 1 lasts 100 ms, but the gate opens 100 ms after onset: make it longer"),
    ],
)
def test_durations_that_do_not_fit(duration: list[float], message: str) -> None:
    made = program.from_arrays(np.ones((2, 2, 3)), np.zeros((2, 2, 1)), duration=duration)
    with pytest.raises(InputError, match=message):
        schedule(made, gate_delay=100, pause=50)


@pytest.mark.parametrize("name", ["key", "query"])
def test_keys_above_peak_rate_are_refused(name: str) -> None:
    key = np.ones((2, 2, 3))
    asked = {"key": key, "query": key} | {name: np.where(np.arange(3) == 1, 5.0, key)}
    made = program.from_arrays(asked["key"], np.zeros((2, 2, 1)), query=asked["query"])
    with pytest.raises(InputError, match=rf"{name} is 5 at episode 0, event 0, pre 1, .* peak rate at 1"):
        schedule(made, gate_delay=100, pause=50)
