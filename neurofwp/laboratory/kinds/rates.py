"""Firing at given rates: regular presynaptic stimulation, and irregular firing of both cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from neurofwp.errors import InputError
from neurofwp.laboratory.kinds.common import MARGIN, check_above_zero
from neurofwp.laboratory.protocol import Protocol

DEAD_TIME = 1.0  # ms between spikes of an irregular train, at least: no two in one time step


def presynaptic_frequency(
    frequencies: Sequence[float] = (1, 3, 5, 10, 20, 50, 100), *, pulses: int = 900
) -> list[Protocol]:
    """Presynaptic spikes alone, from low- to high-frequency stimulation: always 900 pulses.

    As Dudek & Bear (1992, PNAS 89:4363). The postsynaptic cell of the laboratory does not sum synaptic potentials, so
    what changes with frequency here is what summates in the synapse.
    """
    protocols = []
    for frequency in frequencies:
        check_above_zero("presynaptic stimulation", frequency=frequency)
        protocols.append(
            Protocol(
                f"presynaptic, {frequency:g} Hz",
                pre=(MARGIN,),
                trains=pulses,
                period=1 / frequency,
                coordinates={"frequency": frequency},
            )
        )
    return protocols


def poisson(
    pre_rates: Sequence[float] = (1, 5, 10, 20, 40),
    post_rates: Sequence[float] = (1, 10, 40),
    *,
    seed: int,
    duration: float = 60.0,
) -> list[Protocol]:
    """Independent Poisson trains of both cells, for every pair of rates, for `duration` seconds.

    Spikes of a cell are `DEAD_TIME` apart at least; the mean rate is what was asked for. A rate of 0 is silence.

    Raises
    ------
    InputError
        also for a rate that is negative or leaves no room for the dead time.
    """
    check_above_zero("Poisson firing", duration=duration)
    protocols = []
    both = list(product(pre_rates, post_rates))
    for (pre, post), child in zip(both, np.random.SeedSequence(seed).spawn(len(both)), strict=True):
        rng = np.random.default_rng(child)
        protocols.append(
            Protocol(
                f"Poisson, {pre:g} Hz before, {post:g} Hz after",
                pre=_poisson_spikes(pre, duration, rng),
                post=_poisson_spikes(post, duration, rng),
                period=duration,
                coordinates={"pre_rate": pre, "post_rate": post},
            )
        )
    return protocols


def _poisson_spikes(rate: float, duration: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Spike times (ms) of a Poisson process with a dead time."""
    if not 0 <= rate * DEAD_TIME < 1000:
        raise InputError(f"a Poisson rate must be at least 0 and below {1000 / DEAD_TIME:g} Hz, not {rate:g}")
    if rate == 0:
        return ()
    mean = 1000 / rate - DEAD_TIME
    times: list[float] = []
    time = rng.exponential(mean)
    while time < 1000 * duration:
        times.append(time)
        time += DEAD_TIME + rng.exponential(mean)
    return tuple(times)
