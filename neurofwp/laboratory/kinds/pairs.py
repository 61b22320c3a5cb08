"""Pairs of a presynaptic and a postsynaptic spike: at other intervals, frequencies and calcium levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from neurofwp.errors import InputError
from neurofwp.laboratory.kinds.common import check_above_zero, regular_times
from neurofwp.laboratory.protocol import Protocol


def pairing(
    dt: float, frequency: float = 1.0, *, spikes: int = 1, trains: int = 60, period: float | None = None, name: str = ""
) -> Protocol:
    """Trains of `spikes` pairs at `frequency`, `dt` = t_post - t_pre; one train per `period`.

    Without a period one train follows the other, without a pause: 60 trains of one are 60 pairs at `frequency`.
    """
    if not math.isfinite(dt):
        raise InputError(f"pairing needs a finite dt, not {dt:g} ms")
    at = regular_times("pairing", spikes, frequency) + max(0.0, -dt)
    return Protocol(
        name or f"pairing, {dt:+g} ms, {frequency:g} Hz",
        pre=tuple(at.tolist()),
        post=tuple((at + dt).tolist()),
        trains=trains,
        period=period if period is not None else spikes / frequency,
        coordinates={"dt": dt, "frequency": frequency},
    )


def spike_timing(
    dts: Sequence[float] = tuple(range(-100, 101, 5)), *, frequency: float = 1.0, pairs: int = 60
) -> list[Protocol]:
    """The spike-timing window: single pairs, one Protocol per dt (Bi & Poo 1998, J Neurosci 18:10464)."""
    return [pairing(float(dt), frequency, trains=pairs, name=f"spike timing, {dt:+g} ms") for dt in dts]


def pairing_frequency(
    frequencies: Sequence[float] = (0.1, 10, 20, 40, 50),
    dts: Sequence[float] = (10.0, -10.0),
    *,
    spikes: int = 5,
    trains: int = 15,
    period: float = 10.0,
    single_pairs: int = 50,
) -> list[Protocol]:
    """Trains of pairs at several frequencies; single pairs where a train of `spikes` would outlast `period`.

    Sjöström, Turrigiano & Nelson (2001, Neuron 32:1149): 15 trains of 5 pairs, one per 10 s; 50 single pairs at 0.1 Hz.
    """
    protocols = []
    for dt, frequency in product(dts, frequencies):
        check_above_zero("pairing", frequency=frequency)
        if spikes / frequency > period:
            protocols.append(pairing(float(dt), frequency, trains=single_pairs))
        else:
            protocols.append(pairing(float(dt), frequency, spikes=spikes, trains=trains, period=period))
    return protocols


def calcium_series(
    levels: Sequence[float] = (1.0, 1.3, 1.6, 2.0, 2.5, 3.0),
    dts: Sequence[float] = (10.0, -10.0),
    *,
    frequency: float = 1.0,
    pairs: int = 60,
) -> list[Protocol]:
    """The same pairs at several levels of extracellular calcium (mM)."""
    return [
        replace(
            pair := pairing(float(dt), frequency, trains=pairs, name=f"pairing, {dt:+g} ms, {level:g} mM calcium"),
            calcium=float(level),
            coordinates={**pair.coordinates, "calcium": level},
        )
        for dt, level in product(dts, levels)
    ]
