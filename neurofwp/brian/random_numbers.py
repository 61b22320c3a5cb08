"""Random numbers that depend on what they are for alone: not on what else a network has, nor on the order of its cells.

Brian2 draws numbers one after the other from one sequence, so that another population, or another replica, changes
those of all. It also keeps loops over cells from becoming vector instructions. Here every number is a function of a key
(of seed, population and episode: `keys`), the cell within its replica, the time step, and the place in the code at
which it is drawn (its stream): Philox2x32-10 (Salmon et al. 2011, SC11, "Parallel random numbers: as easy as 1, 2, 3")
makes 64 random bits of them, and the method of Box & Muller (1958) a normal number. All backends draw the same bits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
from brian2.core.functions import Function
from numpy.typing import ArrayLike, NDArray

CELLS = 2**24  # that a replica can have: the other bits of the counter are for the stream
STREAMS = 2**8  # of a population
BEGINNING = STREAMS - 1  # the stream of what is drawn before the first step

PHILOX = """
static inline uint64_t philox(uint32_t left, uint32_t right, uint32_t key) {
    for (int round = 0; round < 10; round++) {
        const uint64_t product = uint64_t(left)*0xD256D193u;
        left = uint32_t(product >> 32) ^ key ^ right;
        right = uint32_t(product);
        key += 0x9E3779B9u;
    }
    return uint64_t(left) << 32 | right;
}

static inline uint64_t random_bits(const int64_t key, const int64_t cell, const int64_t step, const int64_t stream) {
    return philox(uint32_t(cell) | uint32_t(stream) << 24, uint32_t(step), uint32_t(key));
}
"""
UNIFORM = """
static inline double uniform(const int64_t key, const int64_t cell, const int64_t step, const int64_t stream) {
    return (int32_t(random_bits(key, cell, step, stream) >> 33) + 0.5)/2147483648.0;
}
"""
NORMAL = """
static inline double normal(const int64_t key, const int64_t cell, const int64_t step, const int64_t stream) {
    const uint64_t bits = random_bits(key, cell, step, stream);
    // 31 and 32 of them: the largest number is 6.7
    const double uniform = (int32_t(bits >> 33) + 0.5)/2147483648.0, angle = int32_t(bits)*(M_PI/2147483648.0);
    return std::sqrt(-2*std::log(uniform))*std::cos(angle);
}
"""
CYTHON = """
from libc.stdint cimport int32_t as _int32, int64_t as _int64, uint32_t as _uint32, uint64_t as _uint64
from libc.math cimport cos as _cos, log as _log, sqrt as _sqrt

cdef _uint64 {name}_bits(_int64 key, _int64 cell, _int64 step, _int64 stream):
    cdef _uint32 left = <_uint32> cell | <_uint32> stream << 24
    cdef _uint32 right = <_uint32> step
    cdef _uint32 own = <_uint32> key
    cdef _uint64 product
    cdef int turn
    for turn in range(10):
        product = <_uint64> left*3528905107u
        left = <_uint32> (product >> 32) ^ own ^ right
        right = <_uint32> product
        own = <_uint32> (own + 2654435769u)
    return <_uint64> left << 32 | right

cdef double {name}(_int64 key, _int64 cell, _int64 step, _int64 stream):
    cdef _uint64 bits = {name}_bits(key, cell, step, stream)
    cdef double uniform = (<_int32> (bits >> 33) + 0.5)/2147483648.0
    return {number}
"""
ANGLE = "_sqrt(-2*_log(uniform))*_cos(<_int32> bits*3.141592653589793/2147483648.0)"
ARGUMENTS = ["key", "cell", "step", "stream"]


def random_bits(key: ArrayLike, cell: ArrayLike, step: ArrayLike, stream: int) -> NDArray[np.uint64]:
    """64 bits for each key and cell (broadcast)."""
    word = np.uint64(0xFFFFFFFF)
    left = (np.asarray(cell).astype(np.uint64) | np.uint64(stream << 24)) & word
    right, own = (np.asarray(each).astype(np.int64).astype(np.uint64) & word for each in (step, key))
    for _ in range(10):
        product = left * np.uint64(0xD256D193)
        left, right = (product >> np.uint64(32)) ^ own ^ right, product & word
        own = (own + np.uint64(0x9E3779B9)) & word
    return left << np.uint64(32) | right


def uniform(key: ArrayLike, cell: ArrayLike, step: ArrayLike, stream: int) -> NDArray[np.float64]:
    """Numbers between 0 and 1, from the upper 31 bits."""
    return ((random_bits(key, cell, step, stream) >> np.uint64(33)).astype(float) + 0.5) / 2**31


def normal(key: ArrayLike, cell: ArrayLike, step: ArrayLike, stream: int) -> NDArray[np.float64]:
    """Normal numbers, at an angle from the lower 32 bits."""
    bits = random_bits(key, cell, step, stream)
    angle = bits.astype(np.uint32).view(np.int32) * (np.pi / 2**31)
    even = ((bits >> np.uint64(33)).astype(float) + 0.5) / 2**31
    return np.asarray(np.sqrt(-2 * np.log(even)) * np.cos(angle))


def _function(python: Any, cpp: str, number: str, bits: Function | None) -> Function:
    name = python.__name__
    made = Function(
        python, arg_units=[1, 1, 1, 1], return_unit=1, arg_names=ARGUMENTS, stateless=True, auto_vectorise=False
    )
    made.implementations.add_implementation("numpy", python, name=name)
    made.implementations.add_implementation("cpp", cpp, dependencies={"random_bits": bits} if bits else None, name=name)
    made.implementations.add_implementation("cython", CYTHON.format(name=name, number=number), name=name)
    return made


_BITS = _function(random_bits, PHILOX, "bits", None)
FUNCTIONS = {
    "uniform": _function(uniform, UNIFORM, "uniform", _BITS),
    "normal": _function(normal, NORMAL, ANGLE, _BITS),
}


class Noise:
    """The random numbers that the code of one group draws: `uniform` for `rand()`, `normal` for `randn()`.

    Parameters
    ----------
    key, cell : variables of the group, or expressions of these, with its key and with its number within a replica.

    Raises
    ------
    OverflowError
        for code that draws at more places than there are streams.
    """

    def __init__(self, key: str = "noise_key", cell: str = "noise_cell") -> None:
        self.key, self.cell, self.streams = key, cell, 0

    def __call__(self, code: str) -> str:
        """The code; every place at which it draws has a stream of its own."""
        return re.sub(r"\b(?:rand\(\)|randn\(\)|another\(\w+\))", self._draw, code)

    def _draw(self, found: re.Match[str]) -> str:
        stream, self.streams = self.streams, self.streams + 1
        if stream >= BEGINNING:
            raise OverflowError(f"code that draws random numbers at more than {BEGINNING} places")
        kind = "uniform" if found[0] == "rand()" else "normal"
        return f"{kind}({self.key}, {self.cell}, timestep(t, dt), {stream})"


def keys(seeds: Sequence[int], population: str, episodes: Sequence[int]) -> NDArray[np.int32]:
    """The key (replica,) of a population in each replica, from the seed and the episode of each (replica,).

    Keys have 32 bits: of a thousand replicas, two have the same one by chance once in ten thousand networks.
    """
    name = crc32(population.encode())
    every = [
        np.random.SeedSequence((seed, name, episode)).generate_state(1)[0]
        for seed, episode in zip(seeds, episodes, strict=True)
    ]
    return np.array(every, dtype=np.uint32).view(np.int32)
