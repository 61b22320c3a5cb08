"""Projections on new and old values: of reads whose mixture is known."""

from __future__ import annotations

import numpy as np
import pytest

from neurofwp import RateNetwork
from neurofwp.errors import InputError
from neurofwp.metrics.reassignment import projections
from neurofwp.slownet import FixedEncoder
from neurofwp.tasks import digit_pairs


@pytest.fixture(scope="module")
def program():
    return FixedEncoder(seed=5)(digit_pairs(4, 3, reassign=0.5, repeats=2, seed=5))


@pytest.fixture(scope="module")
def mixture(program):
    """A Trace whose reads are 0.7 of the new value, 0.2 of the old one and the mean of what was written, or 0.6 of the
    only value, in units of their own."""
    trace = RateNetwork("hebbian").run(program)
    recall = np.zeros_like(trace["recall"].values)
    for episode in range(program.sizes["episode"]):
        here = program.isel(episode=episode)
        gate, pair, value = here["write_gate"].values > 0, here["pair"].values, here["value"].values
        for event in np.flatnonzero(~gate):
            own = value[gate & (pair == pair[event])]
            mixed = 0.7 * own[-1] + 0.2 * own[0] if here["reassigned"].values[event] else 0.6 * own[-1]
            recall[episode, event] = mixed + 0.3 * value[gate].mean(0)
    return trace.assign(recall=trace["recall"].copy(data=recall))


def test_projections_recover_the_mixture_that_was_read(program, mixture) -> None:
    found = projections(program, mixture)
    gain = found["once"].values / 0.6  # decoding is a gain and an offset for all
    assert np.ptp(gain) < 1e-9
    np.testing.assert_allclose(found["new"], 0.7 * gain, rtol=1e-9)
    np.testing.assert_allclose(found["old"], 0.2 * gain, rtol=1e-9)


def test_the_unit_of_recall_does_not_matter(program, mixture) -> None:
    other = mixture.assign(recall=mixture["recall"] * 40 + 3)
    for name, numbers in projections(program, mixture).items():
        np.testing.assert_allclose(projections(program, other)[name], numbers, rtol=1e-9)


def test_keys_that_were_written_once_have_no_old_value() -> None:
    program = FixedEncoder(seed=5)(digit_pairs(4, 2, seed=5))
    found = projections(program, RateNetwork("delta").run(program))
    assert bool((found["once"] > 0.5).all())
    assert bool(found["new"].isnull().all())
    assert bool(found["old"].isnull().all())


def test_a_read_of_an_unknown_key_is_named(program, mixture) -> None:
    event = int(np.flatnonzero(program["write_gate"].values[0] == 0)[0])
    strange = program.copy(deep=True)
    strange["query"][0, event] = 0.5
    with pytest.raises(InputError, match=f"the read of episode 0, event {event} asks for a key that was not written"):
        projections(strange, mixture)
