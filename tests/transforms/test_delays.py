"""Delays before readings."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.slownet import FixedEncoder
from neurofwp.tasks import digit_pairs
from neurofwp.transforms.delays import read_after_delays

HOLDS, PAUSE = (0.0, 1.2, 2.4), 100.0  # s, ms


@pytest.fixture(scope="module")
def pairs() -> xr.Dataset:
    return FixedEncoder(pre=40, active=4, seed=1)(digit_pairs(3, 2, seed=1))


def test_delays_are_as_long_as_was_asked_and_only_readings_count(pairs: xr.Dataset) -> None:
    program = read_after_delays(pairs, HOLDS, pause=PAUSE)
    assert program.attrs["slot"] == 0.6  # s: a phase of 500 ms and its pause
    assert program["block"].values.tolist() == [-1] * 3 + [0] * 3 + [-1] * 2 + [1] * 3 + [-1] * 4 + [2] * 3
    np.testing.assert_array_equal(program["target"].notnull().all(("episode", "post")), program["block"] >= 0)
    silent = program.isel(event=[6, 7, 11, 12, 13, 14])
    assert not silent["key"].any()
    assert not silent["query"].any()


def test_what_fires_in_the_delays_leaves_the_readings_as_they_are(pairs: xr.Dataset) -> None:
    silent, firing, reading = (read_after_delays(pairs, HOLDS, pause=PAUSE, query=each) for each in (0.0, 0.3, None))
    delay = (silent["block"] < 0).values & (np.arange(silent.sizes["event"]) >= 3)
    np.testing.assert_array_equal(firing["query"][:, delay], 0.3)
    np.testing.assert_array_equal(
        reading["query"].isel(event=[6, 7, 11, 12, 13, 14]), pairs["query"][:, [3, 4, 3, 4, 5, 3]]
    )
    for program in (firing, reading):
        xr.testing.assert_identical(program.isel(event=~delay), silent.isel(event=~delay))


def test_a_program_that_reads_before_it_has_written_all_is_refused(pairs: xr.Dataset) -> None:
    with pytest.raises(InputError, match="first half of the events writes"):
        read_after_delays(pairs.isel(event=[0, 3, 1, 4]), HOLDS, pause=PAUSE)
