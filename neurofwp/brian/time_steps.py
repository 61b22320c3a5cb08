"""From times to steps of a clock: each to the nearest, and by how much the one that is moved furthest."""

from __future__ import annotations

import numpy as np
from brian2 import Quantity, ms
from numpy.typing import NDArray

SAME = 1e-6  # of a step: what numbers in double precision differ by anyway


def nearest_steps(seconds: NDArray[np.float64], step: Quantity) -> NDArray[np.int64]:
    """The number of the step that is nearest to each time (s)."""
    return np.rint(seconds / float(step)).astype(np.int64)


def largest_shift(seconds: NDArray[np.float64], step: Quantity) -> float:
    """By how much (ms) `nearest_steps` moves the time that it moves furthest; 0 where none is moved."""
    if not seconds.size:
        return 0.0
    shift = float(np.abs(nearest_steps(seconds, step) * float(step) - seconds).max())
    return shift * 1000 if shift > SAME * float(step) else 0.0


def shift_in_words(shift: float, step: Quantity, option: str) -> str:
    """That times were moved by up to `shift` (ms), and how not to: by the argument `option`, which is the step."""
    return (
        f"spikes were moved by up to {shift:.3g} ms, to the nearest of steps of {step / ms:g} ms; give {option} the "
        "sampling interval of the recording, as in ms/30 for 30 kHz, and they stay where they are"
    )
