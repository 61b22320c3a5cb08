"""Arrays that stay on the disk: what is not looked at any more is not held in memory."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import IO

import numpy as np

SMALL = 1 << 20  # bytes that are simply read


def map_array(file: Path | IO[bytes], dtype: str, columns: int) -> np.ndarray:
    """The numbers in a file (time,), or (column, time) where every time has so many.

    The file may be removed, or closed, at once: its content goes when the array does. Writing to it changes no file.
    """
    if isinstance(file, Path):
        with file.open("rb") as opened:
            return map_array(opened, dtype, columns)
    size = file.seek(0, 2)
    file.seek(0)
    kind = np.dtype(dtype)
    count = size // kind.itemsize
    if size > SMALL:
        values = np.asarray(np.memmap(file, kind, mode="c", shape=(count,)))
    else:
        values = np.frombuffer(bytearray(file.read(count * kind.itemsize)), kind)
    return values.reshape(-1, columns).T if columns else values


def release(*arrays: np.ndarray) -> None:
    """Forget what was read of mapped arrays, and written to them; it is read again where it is looked at again."""
    for array in arrays:
        owner: object = array
        while isinstance(owner, np.ndarray):
            owner = owner.base
        if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            owner.madvise(mmap.MADV_DONTNEED)
