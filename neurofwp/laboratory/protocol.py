"""Protocol: what is done to the two cells of a synapse, as data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from neurofwp.errors import InputError
from neurofwp.runtime.lazy import np

Span = tuple[float, float]

# Kinds of protocol, each made by the function of that name in `neurofwp.laboratory.kinds`.
Kind = Literal[
    "spike-timing",
    "pairing-frequency",
    "triplets",
    "quadruplets",
    "voltage-pairing",
    "presynaptic-frequency",
    "poisson",
    "plateau-induction",
    "calcium-series",
]


MOST = 10_000_000  # spikes of a protocol


@dataclass(frozen=True)
class Protocol:
    """Trains of spikes, voltages and plateaus that repeat.

    Times are in ms from the onset of a train.

    Parameters
    ----------
    name : of the protocol. coordinates : what sets it apart from others of its kind, as dt in ms or frequency in Hz.
    pre, post : spike times of either cell within a train, rising.
    trains : how often the train is given. period : time between the onsets of trains, s.
    held : spans in which the postsynaptic cell is held at `voltage` (mV); its spikes change nothing then.
    plateaus : spans of dendritic plateau potentials.
    calcium : extracellular calcium, mM. initial : weight before, nS; None: what the model says.

    Raises
    ------
    InputError
        for times that are negative, not finite or do not rise, spans that end before they begin, trains below 1, or a
        period that is shorter than the train.
    """

    name: str
    pre: tuple[float, ...] = ()
    post: tuple[float, ...] = ()
    trains: int = 1
    period: float = 1.0
    held: tuple[Span, ...] = ()
    voltage: float | None = None
    plateaus: tuple[Span, ...] = ()
    calcium: float = 2.0
    initial: float | None = None
    coordinates: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cell in ("pre", "post"):
            times = getattr(self, cell)
            for index, time in enumerate(times):
                before = times[index - 1] if index else -math.inf
                if not (math.isfinite(time) and time >= 0 and time > before):
                    raise InputError(
                        f"{self.name}: {cell} spikes must be at rising times of 0 ms or more, "
                        f"but number {index + 1} is at {time:g} ms"
                    )
        for start, stop in (*self.plateaus, *self.held):
            if not 0 <= start < stop < math.inf:
                raise InputError(
                    f"{self.name}: a span must end after it begins, but goes from {start:g} to {stop:g} ms"
                )
        if bool(self.held) != (self.voltage is not None):
            raise InputError(f"{self.name}: spans in which the cell is held and a voltage (mV) go together")
        if type(self.trains) is not int or self.trains < 1:
            raise InputError(f"{self.name}: trains must be a whole number of 1 or more, not {self.trains!r}")
        if self.trains * (len(self.pre) + len(self.post)) > MOST:
            raise InputError(f"{self.name}: more than {MOST:,} spikes, in all trains, are too much for memory")
        if not (math.isfinite(self.period) and self.period * 1000 >= self.length):
            raise InputError(
                f"{self.name}: a train lasts {self.length:g} ms, which is longer than its period of {self.period:g} s"
            )
        if not (self.calcium > 0 and math.isfinite(self.calcium)):
            raise InputError(f"{self.name}: extracellular calcium must be above 0 mM, not {self.calcium:g}")

    @property
    def length(self) -> float:
        """Time from the onset of a train to its last spike or the end of its last span, ms."""
        ends = [stop for _, stop in (*self.plateaus, *self.held)]
        return max((*self.pre[-1:], *self.post[-1:], *ends), default=0.0)

    @property
    def duration(self) -> float:
        """Of the whole protocol, s: a period for every train."""
        return self.trains * self.period

    def seconds(self, times: Sequence[float]) -> np.ndarray:
        """When that happens (s) which is to happen at these times (ms) of every train."""
        onsets = np.arange(self.trains)[:, None] * self.period
        return np.asarray(np.sort(np.asarray(times, dtype=float)) / 1000 + onsets).ravel()
