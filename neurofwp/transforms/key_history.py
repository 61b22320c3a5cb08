"""What was written so far, and under which key: one walk through the events of an episode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class KeyHistory:
    """Values written until now, by the very key that they were written under."""

    def __init__(self) -> None:
        self._under: dict[bytes, list[Floats]] = {}
        self._different: dict[bytes, Floats] = {}

    def write(self, key: Floats, value: Floats) -> None:
        """One more value (post,) under a key (pre,)."""
        self._under.setdefault(key.tobytes(), []).append(value)
        self._different.setdefault(value.tobytes(), value)

    def under(self, key: Floats) -> list[Floats]:
        """All values written under a key, in order; none for a key that was not written."""
        return self._under.get(key.tobytes(), [])

    @property
    def last_values(self) -> Floats:
        """The value last written under each key (key, post), in the order in which the keys came."""
        return np.array([values[-1] for values in self._under.values()])

    @property
    def different(self) -> Floats:
        """All different values written (value, post), replaced ones too, in the order in which they came."""
        return np.array(list(self._different.values()))


def walk(key: Floats, value: Floats, write: NDArray[np.bool_]) -> Iterator[tuple[int, KeyHistory]]:
    """Every event of an episode, and what was written until then, by this event too.

    Parameters
    ----------
    key : (event, pre). value : (event, post). write : (event,) whether an event writes.
    """
    history = KeyHistory()
    for event in range(len(write)):
        if write[event]:
            history.write(key[event], value[event])
        yield event, history
