"""The handwritten digits that tasks are made of.

Source: Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998, UCI repository; the part that comes with
scikit-learn). No two images are the same.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Split = Literal["train", "test"]

TRAIN = 1200  # of 1797 images: the first two thirds
DIGITS = 10


@cache
def images(split: Split | None = None) -> NDArray[np.float64]:
    """All 1797 images, or the first 1200 ("train"), or the other 597 ("test"); read-only.

    Returns
    -------
    array (image, pixel) of intensity in [0, 1], in steps of 1/16; 8 x 8 pixels row by row.
    """
    return _part(np.asarray(load_digits().data) / 16, split)


@cache
def labels(split: Split | None = None) -> NDArray[np.int64]:
    """Which digit, 0 to 9, each of `images(split)` shows: array (image,), read-only."""
    return _part(np.asarray(load_digits().target, dtype=np.int64), split)


def _part(everything: NDArray, split: Split | None) -> NDArray:
    chosen = {None: everything, "train": everything[:TRAIN], "test": everything[TRAIN:]}[split]
    chosen.setflags(write=False)
    return chosen
