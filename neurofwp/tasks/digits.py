"""The handwritten digits that tasks are made of."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Split = Literal["train", "test"]

TRAIN = 1200  # of 1797 images: the first two thirds


@cache
def images(split: Split | None = None) -> NDArray[np.float64]:
    """All 1797 images, or the first 1200 ("train"), or the other 597 ("test"); read-only.

    Source: Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998, UCI repository; the part that
    comes with scikit-learn). No two images are the same.

    Returns
    -------
    array (image, pixel) of intensity in [0, 1], in steps of 1/16; 8 x 8 pixels row by row.
    """
    everything = np.asarray(load_digits().data) / 16
    chosen = {None: everything, "train": everything[:TRAIN], "test": everything[TRAIN:]}[split]
    chosen.setflags(write=False)
    return chosen
