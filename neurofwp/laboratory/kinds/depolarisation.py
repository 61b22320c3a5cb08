"""Presynaptic spikes while the postsynaptic dendrite is depolarised: held at a voltage, or by a plateau potential."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from neurofwp.errors import InputError
from neurofwp.laboratory.kinds.common import MARGIN, check_above_zero, regular_times
from neurofwp.laboratory.protocol import Protocol


def voltage_pairing(
    voltages: Sequence[float] = tuple(np.arange(-80, -19, 2.5).tolist()), *, frequency: float = 1.0, pulses: int = 100
) -> list[Protocol]:
    """Presynaptic spikes while the postsynaptic cell is held at a voltage (mV), as in Shouval, Bear & Cooper (2002)."""
    check_above_zero("voltage pairing", pulses=pulses)
    times = regular_times("voltage pairing", pulses, frequency)
    period = pulses / frequency
    return [
        # one train: between trains the cell would be let go
        Protocol(
            f"held at {voltage:g} mV",
            pre=tuple(times.tolist()),
            period=period,
            held=((0.0, 1000 * period),),
            voltage=float(voltage),
            coordinates={"voltage": voltage, "frequency": frequency},
        )
        for voltage in voltages
    ]


def plateau_induction(
    delays: Sequence[float] = tuple(np.arange(-5, 5.1, 0.5).tolist()),
    initials: Sequence[float] = (1.0, 2.0, 3.0, 4.0),
    *,
    spikes: Sequence[float] = (0.0,),
    length: float = 300.0,
    after: float = 10.0,
) -> list[Protocol]:
    """One plateau potential and presynaptic spikes, at every delay and from every initial weight.

    Behavioural time-scale plasticity: 300 ms as in Bittner et al. (2017, Science 357:1033).

    Parameters
    ----------
    delays : from the plateau's onset to the first presynaptic spike, s; below 0 the spike comes first.
    initials : weights before, nS.
    spikes : presynaptic spike times after the first one, ms; rising from 0.
    length : of the plateau, ms. after : s that the synapse is left alone after the last event, so that what outlasts
        the plateau has its effect.
    """
    check_above_zero("plateau induction", length=length)
    if not spikes or spikes[0] != 0:
        raise InputError(f"presynaptic spikes of plateau induction are counted from the first, at 0 ms, not {spikes}")
    protocols = []
    for delay, initial in product(delays, initials):
        onset = MARGIN + max(0.0, -1000 * delay)
        pre = tuple(onset + 1000 * delay + time for time in spikes)
        end = max(pre[-1], onset + length) / 1000
        protocols.append(
            Protocol(
                f"plateau, {delay:+g} s, from {initial:g} nS",
                pre=pre,
                plateaus=((onset, onset + length),),
                period=end + after,
                initial=initial,
                coordinates={"delay": delay, "initial": initial},
            )
        )
    return protocols
