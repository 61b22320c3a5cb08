"""Rates of cells in windows of time: of recordings, and of anybody's Brian2 network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def spikes_within(time: Floats, windows: Floats) -> NDArray[np.int64]:
    """Which of the sorted times lie in each window: the first, and one after the last, as (..., 2).

    A spike at the start of a window belongs to it, one at its stop does not. Windows of NaN hold none.
    """
    return np.asarray(np.searchsorted(time, windows), dtype=np.int64)


def rates(time: Floats, cell: NDArray[np.integer], cells: int, windows: Floats) -> Floats:
    """The rate (Hz) of each cell in each window, (..., cell); 0 in windows of NaN.

    Parameters
    ----------
    time, cell : of every spike, in the order of their times (s). windows : start and stop (s), (..., 2).
    """
    within = spikes_within(time, windows).reshape(-1, 2)
    count = np.zeros((len(within), cells))
    for row, (first, last) in zip(count, within, strict=True):
        row[:] = np.bincount(cell[first:last], minlength=cells)
    length = np.nan_to_num(windows[..., 1] - windows[..., 0], nan=1.0)
    return np.asarray(count.reshape(*length.shape, cells) / length[..., None])
