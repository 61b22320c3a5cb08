"""The protocols of plasticity laboratories: one function per kind, each returns a list of Protocols."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurofwp.errors import InputError
from neurofwp.protocols.protocol import Protocol

MARGIN = 1.0  # ms before the first spike of a train


def pairing(
    dt: float, frequency: float = 1.0, *, spikes: int = 1, trains: int = 60, period: float | None = None, name: str = ""
) -> Protocol:
    """Trains of `spikes` pairs at `frequency` (Hz), `dt` = t_post - t_pre (ms); one train per `period` (s).

    A train without a period of its own is one pair long: pairs at 0.1 Hz are 0.1 Hz trains of one.
    """
    if frequency <= 0 or spikes < 1:
        raise InputError(
            f"pairing needs a frequency above 0 Hz and spikes of 1 or more, not {frequency:g} and {spikes}"
        )
    at = np.arange(spikes) * 1000 / frequency + MARGIN + max(0.0, -dt)
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
    """Single pairs at `frequency`, one Protocol per dt (ms): the spike-timing window."""
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
    """Trains of pairs at several frequencies; as single pairs where one train of `spikes` would outlast `period`.

    Sjöström, Turrigiano & Nelson (2001, Neuron 32:1149): 15 trains of 5 pairs, one per 10 s; 50 single pairs at 0.1 Hz.
    """
    made = []
    for dt in dts:
        for frequency in frequencies:
            single = spikes / frequency > period
            made.append(
                pairing(
                    dt,
                    frequency,
                    spikes=1 if single else spikes,
                    trains=single_pairs if single else trains,
                    period=period,
                    name=f"pairing, {dt:+g} ms, {frequency:g} Hz",
                )
            )
    return made  # fmt: skip
