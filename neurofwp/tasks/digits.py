"""The handwritten digits that tasks are made of.

Source: Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998, UCI repository; the part that comes with
scikit-learn, whose file is read as it is: importing scikit-learn takes longer). No two images are the same.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from neurofwp.errors import InputError

Split = Literal["train", "test"]
Scalar = TypeVar("Scalar", bound=np.generic)

TRAIN = 1200  # of 1797 images: the first two thirds
DIGITS = 10


@cache
def images(split: Split | None = None) -> NDArray[np.float64]:
    """All 1797 images, or the first 1200 ("train"), or the other 597 ("test"); read-only.

    Returns
    -------
    array (image, pixel) of intensity in [0, 1], in steps of 1/16; 8 x 8 pixels row by row.
    """
    return _part(_file()[:, :-1] / 16, split)


@cache
def labels(split: Split | None = None) -> NDArray[np.int64]:
    """Which digit, 0 to 9, each of `images(split)` shows: array (image,), read-only."""
    return _part(_file()[:, -1].astype(np.int64), split)


@cache
def _file() -> NDArray[np.float64]:
    """(image, pixel and then label)."""
    found = find_spec("sklearn")
    folders = found.submodule_search_locations if found else None
    if not folders:
        raise InputError(
            "the handwritten digits come with scikit-learn, which is not installed: pip install scikit-learn"
        )
    return np.loadtxt(Path(folders[0], "datasets", "data", "digits.csv.gz"), delimiter=",")


def _part(everything: NDArray[Scalar], split: Split | None) -> NDArray[Scalar]:
    chosen = everything[{None: slice(None), "train": slice(TRAIN), "test": slice(TRAIN, None)}[split]]
    chosen.setflags(write=False)
    return chosen
