"""Random numbers of compiled networks: the published bits, and normal numbers that are independent."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from neurofwp.brian import backends, builds, random_numbers

CELLS, STEPS = 200, 300
STREAMS = (0, 1, 2, 100, 101, 102, 200, 201)  # of key cells, value cells and interneurons, and some more
Load = Callable[[int], ctypes.CDLL]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, shared_library: Callable[..., ctypes.CDLL]) -> Load:
    """The library as a program with a seed would see it."""

    def load(seed: int) -> ctypes.CDLL:
        source = tmp_path_factory.mktemp("noise") / "noise.cpp"
        source.write_text(
            "#include <cmath>\n#include <cstdint>\n#include <cstdlib>\n#include <initializer_list>\n"
            f"{random_numbers.CODE}\n"
            'extern "C" uint64_t bits(uint32_t a, uint32_t b, uint32_t key) { return philox(a, b, key); }\n'
            'extern "C" void fill(double* x) {\n'
            f"for (int s : {{{', '.join(map(str, STREAMS))}}}) for (int t = 0; t < {STEPS}; t++)\n"
            f"for (int i = 0; i < {CELLS}; i++) *x++ = normal(i, 10*t, s); }}\n"
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(builds.SEED, str(seed))
            return shared_library(source, backends.flags())

    return load


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0), 0, (0xFF1DAE59, 0x6CD10DF2)),
        ((0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF, (0x2C3F628B, 0xAB4FD7AD)),
        ((0x243F6A88, 0x85A308D3), 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
    ],
)
def test_bits_are_those_of_random123(
    compiled: Load, counter: tuple[int, int], key: int, expected: tuple[int, int]
) -> None:
    """Known answers that come with Salmon et al. 2011."""
    library = compiled(0)
    library.bits.restype = ctypes.c_uint64
    bits = library.bits(*(ctypes.c_uint32(each) for each in (*counter, key)))
    assert (bits >> 32, bits & 0xFFFFFFFF) == expected


def test_numbers_are_normal_and_independent_of_seed_stream_step_and_cell(compiled: Load) -> None:
    numbers = np.empty((3, len(STREAMS), STEPS, CELLS))
    for seed, own in zip((0, 1, 3_000_000_000), numbers, strict=True):
        compiled(seed).fill(own.ctypes.data_as(ctypes.c_void_p))
    n = numbers.size
    assert stats.kstest(numbers.ravel(), "norm").pvalue > 0.001
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):  # of a normal number's powers
        assert abs((numbers**power).mean() - moment) < 4 * np.sqrt(spread / n)
    for axis in range(4):
        for lag in (1, 2, 7):
            if lag % numbers.shape[axis]:
                shifted = np.roll(numbers, lag, axis)
                assert abs((numbers * shifted).mean()) < 4 / np.sqrt(n)
                assert abs(((numbers**2 - 1) * (shifted**2 - 1)).mean()) < 4 * 2 / np.sqrt(n)
    rows = numbers.reshape(3 * len(STREAMS), -1)
    between = np.corrcoef(rows)[np.triu_indices(len(rows), 1)] * np.sqrt(rows.shape[1])
    assert abs(between).max() < stats.norm.isf(0.0005 / len(between))


def test_only_compiled_networks_draw_them() -> None:
    assert random_numbers.vectorised("v = randn()", 3) == ("v = randn()", {})
    with backends.running_on("cpp_standalone"):
        code, names = random_numbers.vectorised("v = randn()\nw = v*randn()", 3)
    assert code == "v = normal(i, timestep(t, dt), 3)\nw = v*normal(i, timestep(t, dt), 4)"
    assert set(names) == {"normal"}
