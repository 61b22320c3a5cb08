"""Random numbers that are functions of what they are for: the published bits, and numbers that are independent."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from neurofwp.brian import backends, random_numbers

CELLS, STEPS = 200, 300
STREAMS = (0, 1, 2, 8, 254, 255)
KEYS = (0, -7, 2**31 - 1)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, shared_library: Callable[..., ctypes.CDLL]) -> ctypes.CDLL:
    """The library as a compiled network has it."""
    source = tmp_path_factory.mktemp("noise") / "noise.cpp"
    source.write_text(
        "#include <cmath>\n#include <cstdint>\n#include <cstdlib>\n#include <initializer_list>\n"
        f"{random_numbers.PHILOX}\n{random_numbers.NORMAL}\n{random_numbers.UNIFORM}\n"
        'extern "C" uint64_t bits(uint32_t a, uint32_t b, uint32_t key) { return philox(a, b, key); }\n'
        + "".join(
            f'extern "C" void {name}s(double* x) {{\n'
            f"for (int64_t k : {{{', '.join(map(str, KEYS))}}}) for (int s : {{{', '.join(map(str, STREAMS))}}})\n"
            f"for (int t = 0; t < {STEPS}; t++) for (int i = 0; i < {CELLS}; i++) *x++ = {name}(k, i, 10*t, s); }}\n"
            for name in ("normal", "uniform")
        )
    )
    return shared_library(source, backends.flags())


def drawn(library: ctypes.CDLL, kind: str) -> np.ndarray:
    """Numbers (key, stream, step, cell)."""
    numbers = np.empty((len(KEYS), len(STREAMS), STEPS, CELLS))
    getattr(library, f"{kind}s")(numbers.ctypes.data_as(ctypes.c_void_p))
    return numbers


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0), 0, (0xFF1DAE59, 0x6CD10DF2)),
        ((0xFFFFFFFF, 0xFFFFFFFF), 0xFFFFFFFF, (0x2C3F628B, 0xAB4FD7AD)),
        ((0x243F6A88, 0x85A308D3), 0x13198A2E, (0xDD7CE038, 0xF62A4C12)),
    ],
)
def test_bits_are_those_of_random123(
    compiled: ctypes.CDLL, counter: tuple[int, int], key: int, expected: tuple[int, int]
) -> None:
    """Known answers that come with Salmon et al. 2011."""
    compiled.bits.restype = ctypes.c_uint64
    bits = compiled.bits(*(ctypes.c_uint32(each) for each in (*counter, key)))
    assert (bits >> 32, bits & 0xFFFFFFFF) == expected
    cell, stream = counter[0] % 2**24, counter[0] >> 24
    assert int(random_numbers.random_bits(key, cell, counter[1], stream)) == bits


def test_numpy_draws_what_compiled_networks_draw(compiled: ctypes.CDLL) -> None:
    for kind in ("normal", "uniform"):
        numbers = drawn(compiled, kind)
        for place, key in enumerate(KEYS):
            own = getattr(random_numbers, kind)(key, np.arange(CELLS), 10 * np.arange(STEPS)[:, np.newaxis], STREAMS[3])
            np.testing.assert_allclose(numbers[place, 3], own, rtol=1e-9, atol=1e-12)


def test_numbers_are_normal_and_independent_of_key_stream_step_and_cell(compiled: ctypes.CDLL) -> None:
    numbers = drawn(compiled, "normal")
    n = numbers.size
    assert stats.kstest(numbers.ravel(), "norm").pvalue > 0.001
    assert stats.kstest(drawn(compiled, "uniform").ravel(), "uniform").pvalue > 0.001
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):  # of a normal number's powers
        assert abs((numbers**power).mean() - moment) < 4 * np.sqrt(spread / n)
    for axis in range(4):
        for lag in (1, 2, 7):
            if lag % numbers.shape[axis]:
                shifted = np.roll(numbers, lag, axis)
                assert abs((numbers * shifted).mean()) < 4 / np.sqrt(n)
                assert abs(((numbers**2 - 1) * (shifted**2 - 1)).mean()) < 4 * 2 / np.sqrt(n)
    rows = numbers.reshape(len(KEYS) * len(STREAMS), -1)
    between = np.corrcoef(rows)[np.triu_indices(len(rows), 1)] * np.sqrt(rows.shape[1])
    assert abs(between).max() < stats.norm.isf(0.0005 / len(between))


def test_every_place_that_draws_has_a_stream_of_its_own() -> None:
    noise = random_numbers.Noise()
    assert noise("v = randn()\nw = v*another(w)") == (
        "v = normal(noise_key, noise_cell, timestep(t, dt), 0)\nw = v*normal(noise_key, noise_cell, timestep(t, dt), 1)"
    )
    assert noise("rand() < p") == "uniform(noise_key, noise_cell, timestep(t, dt), 2) < p"


def test_keys_tell_seeds_populations_and_episodes_apart_and_depend_on_nothing_else() -> None:
    keys = {
        (seed, name): random_numbers.keys([seed] * 50, name, range(50))
        for seed in (0, 2**40)
        for name in ("key", "value")
    }
    assert len({int(each) for own in keys.values() for each in own}) == 200
    assert random_numbers.keys([0, 2**40], "key", [7, 3]).tolist() == [keys[0, "key"][7], keys[2**40, "key"][3]]
