"""When things happen: from the events of a Program to tables that the circuit looks up while it runs.

Every event takes the same slot, so that weights are recorded at regular times::

    |<------------------------------- slot ------------------------------->|
    | onset | write (gate open) | pause |       read        | pause | rest |

The write phase exists where any episode has a key, the read phase where any has a query. Phases are numbered
(rest, onset, write and read of each event); tables are indexed by phase, not by time, and so stay small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofwp import program as programs
from neurofwp.errors import InputError

PHASES = ("rest", "onset", "write", "read")


@dataclass(frozen=True)
class Timeline:
    """Times in ms; one table row per phase.

    phase : (ms,) phase number in each millisecond.
    key : (phase, episode * pre); teach : (phase, episode * polarity * post), in [0, 1]; gate : (phase, episode).
    forgetting : (phase, episode) in Hz.
    write_start, write_stop, read_start, read_stop : (event,) NaN where the phase does not exist.
    """

    slot: int
    phase: np.ndarray
    key: np.ndarray
    teach: np.ndarray
    gate: np.ndarray
    forgetting: np.ndarray
    write_start: np.ndarray
    write_stop: np.ndarray
    read_start: np.ndarray
    read_stop: np.ndarray

    @property
    def tables(self) -> dict[str, np.ndarray]:
        """As the circuit names them: the phase of each millisecond, and what is looked up by phase."""
        return {
            "phase_at": self.phase.astype(float),
            "key_table": self.key,
            "teach_table": self.teach,
            "gate_table": self.gate,
            "forgetting_table": self.forgetting,
        }


def schedule(program: xr.Dataset, *, gate_delay: float, pause: float, read_gate: float = 0.0) -> Timeline:
    """Lay the events of `program` out in time.

    Parameters
    ----------
    gate_delay, pause : ms.
    read_gate : how far the gate stays open while reading; 0 but for ablations.

    Raises
    ------
    InputError
        if an event has different durations in different episodes, or does not last longer than the gate's delay, or if
        a key or query is above 1, where key cells fire at their peak rate.
    """
    gate_delay, pause = round(gate_delay), round(pause)
    duration = _durations(program, gate_delay)
    key, query = program["key"].values, program["query"].values
    writes, reads = (np.asarray((x > 0).any(axis=(0, 2))) for x in (key, query))
    lengths = (writes * 1 + reads * 1) * (duration + pause)
    slot = int(max(lengths.max(), duration.max() + pause))
    episodes, events = key.shape[:2]

    teach = programs.on_off(program).values.reshape(episodes, events, -1)
    gate = program["write_gate"].values
    rows = len(PHASES) * events
    key_table = np.zeros((rows, episodes, key.shape[2]))
    teach_table = np.zeros((rows, episodes, teach.shape[2]))
    gate_table = np.zeros((rows, episodes))
    phase = np.repeat(np.arange(events) * len(PHASES), slot)
    times = {name: np.full(events, np.nan) for name in ("write_start", "write_stop", "read_start", "read_stop")}
    for event in range(events):
        onset, write, read = (event * len(PHASES) + PHASES.index(name) for name in PHASES[1:])
        start = event * slot
        if writes[event]:
            stop = start + duration[event]
            phase[start : start + gate_delay] = onset
            phase[start + gate_delay : stop] = write
            times["write_start"][event], times["write_stop"][event] = start, stop
            start = stop + pause
        if reads[event]:
            stop = start + duration[event]
            phase[start:stop] = read
            times["read_start"][event], times["read_stop"][event] = start, stop
        # an episode without a key in this event sees no teaching and no gate
        written = np.asarray(key[:, event].any(axis=1))
        key_table[[onset, write]], key_table[read] = key[:, event], query[:, event]
        teach_table[[onset, write]] = teach[:, event] * written[:, np.newaxis]
        gate_table[write], gate_table[read] = gate[:, event] * written, read_gate
    # A retention of 0 would need an infinite rate; a millionth of a weight is as good as none.
    forgetting = -np.log(np.clip(program["retention"].values, 1e-6, 1.0)).T / (slot / 1000)
    forgetting = np.repeat(forgetting, len(PHASES), axis=0)
    key_table, teach_table = key_table.reshape(rows, -1), teach_table.reshape(rows, -1)
    return Timeline(slot, phase, key_table, teach_table, gate_table, forgetting, **times)


def _durations(program: xr.Dataset, gate_delay: int) -> np.ndarray:
    """Duration (event,) in whole ms, after all that this network asks of a Program."""
    for name in ("key", "query"):
        if (above := np.argwhere(program[name].values > 1)).size:
            where = ", ".join(f"{dim} {i}" for dim, i in zip(programs.SCHEMA.dims[name], above[0], strict=True))
            number = program[name].values[tuple(above[0])]
            raise InputError(
                f"{name} is {number:g} at {where}, but a key cell fires at its peak rate at 1: scale keys to [0, 1]"
            )
    durations = np.round(program["duration"].values).astype(int)
    if (durations != durations[:1]).any():
        event = int(np.argwhere((durations != durations[:1]).any(axis=0))[0, 0])
        raise InputError(
            f"the spiking network runs all episodes side by side: event {event} needs one duration in all of them"
        )
    duration: np.ndarray = durations[0]
    if duration.min() <= gate_delay:
        event = int(duration.argmin())
        raise InputError(
            f"event {event} lasts {duration[event]} ms, but the gate opens {gate_delay} ms after onset: make it longer"
        )
    return duration
