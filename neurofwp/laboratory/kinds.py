"""The protocols of plasticity laboratories: one function per kind, each returns a list of Protocols.

Times within a train are in ms, frequencies in Hz, periods in s, as in `Protocol`. All functions raise InputError for a
frequency, rate or count that is not above 0, and for a train that outlasts its period.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from neurofwp.errors import InputError
from neurofwp.laboratory.protocol import Protocol

MARGIN = 1.0  # ms before the first spike of a train
DEAD_TIME = 1.0  # ms between spikes of an irregular train, at least: no two in one time step

# What the coordinates of these protocols are: (meaning, unit).
COORDINATES = {
    "dt": ("t_post − t_pre", "ms"),
    "frequency": ("frequency", "Hz"),
    "dt1": ("t_post − t_pre of the first pair", "ms"),
    "dt2": ("t_post − t_pre of the second pair", "ms"),
    "interval": ("from the post-pre to the pre-post pair", "ms"),
    "voltage": ("postsynaptic voltage", "mV"),
    "pre_rate": ("presynaptic rate", "Hz"),
    "post_rate": ("postsynaptic rate", "Hz"),
    "delay": ("presynaptic spike after plateau onset", "s"),
    "initial": ("weight before", "nS"),
    "calcium": ("extracellular calcium", "mM"),
}


def pairing(
    dt: float, frequency: float = 1.0, *, spikes: int = 1, trains: int = 60, period: float | None = None, name: str = ""
) -> Protocol:
    """Trains of `spikes` pairs at `frequency`, `dt` = t_post - t_pre; one train per `period`.

    Without a period one train follows the other, without a pause: 60 trains of one are 60 pairs at `frequency`.
    """
    _above_zero("pairing", frequency=frequency, spikes=spikes)
    if not math.isfinite(dt):
        raise InputError(f"pairing needs a finite dt, not {dt:g} ms")
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
    made = []
    for dt, frequency in product(dts, frequencies):
        _above_zero("pairing", frequency=frequency)
        if spikes / frequency > period:
            made.append(pairing(float(dt), frequency, trains=single_pairs))
        else:
            made.append(pairing(float(dt), frequency, spikes=spikes, trains=trains, period=period))
    return made


def triplets(
    dts: Sequence[tuple[float, float]] = (
        (5, -5),
        (10, -10),
        (15, -5),
        (5, -15),
        (-5, 5),
        (-10, 10),
        (-5, 15),
        (-15, 5),
    ),
    *,
    frequency: float = 1.0,
    repetitions: int = 60,
) -> list[Protocol]:
    """Three spikes: pre-post-pre for (dt1 > 0, dt2 < 0), post-pre-post for (dt1 < 0, dt2 > 0).

    dt1 is t_post - t_pre of the first two spikes, dt2 that of the last two (Wang, Gerkin, Nauen & Bi 2005, Nat Neurosci
    8:187).

    Raises
    ------
    InputError
        also if dt1 and dt2 do not have different signs.
    """
    _above_zero("a triplet", frequency=frequency)
    made = []
    for dt1, dt2 in dts:
        if not dt1 * dt2 < 0:
            raise InputError(f"a triplet needs dt1 and dt2 of different signs, not {dt1:g} and {dt2:g} ms")
        first, middle, last = MARGIN, MARGIN + abs(dt1), MARGIN + abs(dt1) + abs(dt2)
        order = "pre-post-pre" if dt1 > 0 else "post-pre-post"
        outer, inner = (first, last), (middle,)
        made.append(
            Protocol(
                f"{order}, {dt1:+g} and {dt2:+g} ms",
                pre=outer if dt1 > 0 else inner,
                post=inner if dt1 > 0 else outer,
                trains=repetitions,
                period=1 / frequency,
                coordinates={"dt1": dt1, "dt2": dt2, "frequency": frequency},
            )
        )
    return made


def quadruplets(
    intervals: Sequence[float] = (-100, -80, -60, -40, -20, -10, 10, 20, 40, 60, 80, 100),
    *,
    within: float = 5.0,
    frequency: float = 1.0,
    repetitions: int = 60,
) -> list[Protocol]:
    """A post-pre pair and a pre-post pair, each `within` ms wide, their middles an interval apart.

    Above 0 the post-pre pair comes first, below 0 the pre-post pair (Wang, Gerkin, Nauen & Bi 2005, Nat Neurosci 8:187;
    the sign as in Pfister & Gerstner 2006, J Neurosci 26:9673).

    Raises
    ------
    InputError
        also if the two pairs overlap.
    """
    _above_zero("a quadruplet", within=within, frequency=frequency)
    made = []
    for interval in intervals:
        if not abs(interval) > within:
            raise InputError(
                f"the pairs of a quadruplet must be more than their width of {within:g} ms apart, not {interval:g} ms"
            )
        half = within / 2
        start = MARGIN + half + max(0.0, -interval)  # middle of the post-pre pair
        made.append(
            Protocol(
                f"quadruplet, {interval:+g} ms",
                pre=tuple(sorted((start + half, start + interval - half))),
                post=tuple(sorted((start - half, start + interval + half))),
                trains=repetitions,
                period=1 / frequency,
                coordinates={"interval": interval, "frequency": frequency},
            )
        )
    return made


def voltage_pairing(
    voltages: Sequence[float] = tuple(np.arange(-80, -19, 2.5).tolist()), *, frequency: float = 1.0, pulses: int = 100
) -> list[Protocol]:
    """Presynaptic spikes while the postsynaptic cell is held at a voltage (mV), as in Shouval, Bear & Cooper (2002)."""
    _above_zero("voltage pairing", frequency=frequency, pulses=pulses)
    times = np.arange(pulses) * 1000 / frequency + MARGIN
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


def presynaptic_frequency(
    frequencies: Sequence[float] = (1, 3, 5, 10, 20, 50, 100), *, pulses: int = 900
) -> list[Protocol]:
    """Presynaptic spikes alone, from low- to high-frequency stimulation: always 900 pulses.

    As Dudek & Bear (1992, PNAS 89:4363). The postsynaptic cell of the laboratory does not sum synaptic potentials, so
    what changes with frequency here is what summates in the synapse.
    """
    made = []
    for frequency in frequencies:
        _above_zero("presynaptic stimulation", frequency=frequency)
        made.append(
            Protocol(
                f"presynaptic, {frequency:g} Hz",
                pre=(MARGIN,),
                trains=pulses,
                period=1 / frequency,
                coordinates={"frequency": frequency},
            )
        )
    return made


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
    _above_zero("Poisson firing", duration=duration)
    made = []
    both = list(product(pre_rates, post_rates))
    for (pre, post), child in zip(both, np.random.SeedSequence(seed).spawn(len(both)), strict=True):
        rng = np.random.default_rng(child)
        made.append(
            Protocol(
                f"Poisson, {pre:g} Hz before, {post:g} Hz after",
                pre=_irregular(pre, duration, rng),
                post=_irregular(post, duration, rng),
                period=duration,
                coordinates={"pre_rate": pre, "post_rate": post},
            )
        )
    return made


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
    _above_zero("plateau induction", length=length)
    if not spikes or spikes[0] != 0:
        raise InputError(f"presynaptic spikes of plateau induction are counted from the first, at 0 ms, not {spikes}")
    made = []
    for delay, initial in product(delays, initials):
        onset = MARGIN + max(0.0, -1000 * delay)
        pre = tuple(onset + 1000 * delay + time for time in spikes)
        end = max(pre[-1], onset + length) / 1000
        made.append(
            Protocol(
                f"plateau, {delay:+g} s, from {initial:g} nS",
                pre=pre,
                plateaus=((onset, onset + length),),
                period=end + after,
                initial=initial,
                coordinates={"delay": delay, "initial": initial},
            )
        )
    return made


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
            made := pairing(float(dt), frequency, trains=pairs, name=f"pairing, {dt:+g} ms, {level:g} mM calcium"),
            calcium=float(level),
            coordinates={**made.coordinates, "calcium": level},
        )
        for dt, level in product(dts, levels)
    ]


def _irregular(rate: float, duration: float, rng: np.random.Generator) -> tuple[float, ...]:
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


def _above_zero(what: str, **values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{what} needs {name} above 0, not {value:g}")
