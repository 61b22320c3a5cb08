"""Three and four spikes of the two cells."""

from __future__ import annotations

from collections.abc import Sequence

from neurofwp.errors import InputError
from neurofwp.laboratory.kinds.common import MARGIN, check_above_zero
from neurofwp.laboratory.protocol import Protocol


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
    check_above_zero("a triplet", frequency=frequency)
    protocols = []
    for dt1, dt2 in dts:
        if not dt1 * dt2 < 0:
            raise InputError(f"a triplet needs dt1 and dt2 of different signs, not {dt1:g} and {dt2:g} ms")
        first, middle, last = MARGIN, MARGIN + abs(dt1), MARGIN + abs(dt1) + abs(dt2)
        order = "pre-post-pre" if dt1 > 0 else "post-pre-post"
        outer, inner = (first, last), (middle,)
        protocols.append(
            Protocol(
                f"{order}, {dt1:+g} and {dt2:+g} ms",
                pre=outer if dt1 > 0 else inner,
                post=inner if dt1 > 0 else outer,
                trains=repetitions,
                period=1 / frequency,
                coordinates={"dt1": dt1, "dt2": dt2, "frequency": frequency},
            )
        )
    return protocols


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
    check_above_zero("a quadruplet", within=within, frequency=frequency)
    protocols = []
    for interval in intervals:
        if not abs(interval) > within:
            raise InputError(
                f"the pairs of a quadruplet must be more than their width of {within:g} ms apart, not {interval:g} ms"
            )
        half = within / 2
        start = MARGIN + half + max(0.0, -interval)  # middle of the post-pre pair
        protocols.append(
            Protocol(
                f"quadruplet, {interval:+g} ms",
                pre=tuple(sorted((start + half, start + interval - half))),
                post=tuple(sorted((start - half, start + interval + half))),
                trains=repetitions,
                period=1 / frequency,
                coordinates={"interval": interval, "frequency": frequency},
            )
        )
    return protocols
