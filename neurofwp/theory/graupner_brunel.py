"""Closed forms for two-threshold synapses whose calcium jumps at spikes, without the bistable term.

Calcium c decays with tau_calcium between jumps, so it stays above a threshold theta for tau_calcium log(c/theta) after
a jump, or until the next one. With a_p and a_d the shares of a protocol above either threshold, G_p = gamma_p a_p and
G_d = gamma_d a_d, the efficacy relaxes to rho_inf = G_p/(G_p + G_d) with tau_eff = tau/(G_p + G_d), and its variance to
sigma^2 (a_p + a_d)/(2 (G_p + G_d)). Afterwards it settles at 1 if it is above 1/2, else at 0 (Graupner & Brunel 2012,
PNAS 109:3991, with the noise of their correction of 2013). `time_averaged_change` is this form, in which the order of
bands within a protocol is lost; `exact_change` goes through the bands one by one: a simulation without the bistable
term converges to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from brian2 import Quantity, ms
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from neurofwp.errors import InputError
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stage import Values
from neurofwp.synapses.stages.expression.two_threshold import UNSTABLE
from neurofwp.theory.shot_noise import share_above

if TYPE_CHECKING:
    from neurofwp.laboratory.protocol import Protocol

Floats = NDArray[np.float64]
NEEDED = ("tau_calcium", "pre_jump", "post_jump", "pre_delay", "tau_rho", "gamma_p", "gamma_d", "theta_p", "theta_d")


@dataclass(frozen=True)
class Relaxation:
    """Where the efficacy goes under lasting activity: to `limit` with `tau` (s) and `variance`."""

    limit: float
    tau: float
    variance: float


@dataclass(frozen=True)
class Change:
    """What a protocol does: P(down to up), P(up to down), and the mean weight of the population after/before."""

    up: float
    down: float
    ratio: float


def time_above(values: Values, pre: ArrayLike, post: ArrayLike, theta: float, *, end: float = np.inf) -> Floats:
    """Time (ms) that calcium spends above `theta` after each of its jumps, in their order, from c = 0; exact.

    Parameters
    ----------
    values : parameters of a model with jumping calcium. pre, post : spike times, ms. end : of counting, ms.

    Returns
    -------
    (spikes of both cells,): time above `theta` up to the next jump or `end`.

    Raises
    ------
    InputError
        if the model lacks a parameter of these synapses.
    """
    level, gap = _calcium(_numbers(values), np.asarray(pre, dtype=float), np.asarray(post, dtype=float), end)
    return _above(level, gap, theta, float(values["tau_calcium"] / ms))


def shares(values: Values, pre: ArrayLike, post: ArrayLike, duration: float) -> tuple[float, float]:
    """(a_p, a_d): shares of `duration` (ms) above the thresholds of potentiation and of depression.

    Raises InputError as `time_above`.
    """
    a_p, a_d = (
        float(time_above(values, pre, post, float(values[theta]), end=duration).sum() / duration)
        for theta in ("theta_p", "theta_d")
    )
    return a_p, a_d


def poisson_shares(values: Values, pre_rate: float, post_rate: float) -> tuple[float, float]:
    """(a_p, a_d) while both cells fire as independent Poisson processes (Hz): see `neurofwp.theory.shot_noise`.

    Raises InputError as `time_above`, and for a rate that is negative.
    """
    numbers = _numbers(values)
    jumps, tau = (numbers["pre_jump"], numbers["post_jump"]), numbers["tau_calcium"] / 1000
    a_p, a_d = (share_above(numbers[theta], jumps, (pre_rate, post_rate), tau) for theta in ("theta_p", "theta_d"))
    return a_p, a_d


def relaxation(values: Values, a_p: float, a_d: float) -> Relaxation:
    """Limit, time constant and variance under lasting activity with these shares above the thresholds.

    Where calcium passes no threshold nothing changes: tau is infinite, and there is no limit (NaN).
    """
    numbers = _numbers(values)
    up, down = numbers["gamma_p"] * a_p, numbers["gamma_d"] * a_d
    if up + down == 0:
        return Relaxation(np.nan, np.inf, np.nan)
    variance = numbers["sigma"] ** 2 * (a_p + a_d) / (2 * (up + down))
    return Relaxation(up / (up + down), numbers["tau_rho"] / 1000 / (up + down), variance)


def time_averaged_change(model: SynapseModel, protocol: Protocol) -> Change:
    """The change by a protocol in the closed form of Graupner & Brunel 2012; InputError as `time_above`."""
    pre, post = _trains(protocol.pre, protocol), _trains(protocol.post, protocol)
    own = relaxation(model.values, *shares(model.values, pre, post, protocol.duration * 1000))
    if own.tau == np.inf:
        return _change(model.values, 0.0, 1.0, 0.0)
    kept = np.exp(-protocol.duration / own.tau)
    from_down = own.limit * (1 - kept)
    return _change(model.values, from_down, from_down + kept, own.variance * (1 - kept**2))


def exact_change(model: SynapseModel, protocol: Protocol) -> Change:
    """The change by a protocol, band after band, to the end of the last one; InputError as `time_above`."""
    return _change(
        model.values,
        *moments(model.values, _trains(protocol.pre, protocol), _trains(protocol.post, protocol)),
    )


def moments(values: Values, pre: ArrayLike, post: ArrayLike, *, end: float = np.inf) -> tuple[float, float, float]:
    """Mean efficacy at `end` (ms) from 0 and from 1, and its variance (the same for both), after these spikes (ms).

    Raises InputError as `time_above`.
    """
    numbers = _numbers(values)
    tau, gamma_p, gamma_d = numbers["tau_rho"], numbers["gamma_p"], numbers["gamma_d"]
    above_p, above_d = (time_above(values, pre, post, numbers[theta], end=end) for theta in ("theta_p", "theta_d"))
    both = np.minimum(above_p, above_d)
    # after both, one of the two is left
    kept = [np.exp(-both * (gamma_p + gamma_d) / tau), np.exp(-(above_p - both) * gamma_p / tau)]
    kept.append(np.exp(-(above_d - both) * gamma_d / tau))
    limits = [gamma_p / (gamma_p + gamma_d) if gamma_p + gamma_d else 0.0, 1.0, 0.0]
    spreads = [
        numbers["sigma"] ** 2 * passed / (2 * gamma) if gamma else 0.0
        for passed, gamma in ((2, gamma_p + gamma_d), (1, gamma_p), (1, gamma_d))
    ]
    bands = np.stack(kept, axis=1).ravel()
    # what comes after each band shrinks what it did
    later = np.append(np.cumprod(bands[::-1])[::-1][1:], 1.0)
    pull = np.tile(limits, len(both)) * (1 - bands)
    variance = np.tile(spreads, len(both)) * (1 - bands**2)
    from_down = float((pull * later).sum())
    return from_down, from_down + float(bands.prod()), float((variance * later**2).sum())


def _change(values: Values, from_down: float, from_up: float, variance: float) -> Change:
    def above(mean: float) -> float:
        return float(ndtr((mean - UNSTABLE) / np.sqrt(variance))) if variance > 0 else float(mean > UNSTABLE)

    up, down = above(from_down), 1 - above(from_up)
    share, ratio = float(values["down_share"]), float(values["w1"] / values["w0"])
    before = share + (1 - share) * ratio
    after = share * (1 - up) + (1 - share) * down + ratio * (share * up + (1 - share) * (1 - down))
    return Change(up, down, after / before)


def _numbers(values: Values) -> dict[str, float]:
    """Parameters as plain numbers, times in ms; no noise where the model has none."""
    missing = [name for name in NEEDED if name not in values]
    if missing:
        raise InputError(f"closed forms are for two-threshold synapses with jumping calcium: {missing[0]!r} is missing")
    units: dict[str, Quantity] = {"tau_calcium": ms, "pre_delay": ms, "tau_rho": ms}
    return {name: float(values.get(name, 0.0) / units.get(name, 1)) for name in (*NEEDED, "sigma")}


def _trains(times: Sequence[float], protocol: Protocol) -> Floats:
    """Spikes of all trains, ms from the beginning of the protocol."""
    onsets = np.arange(protocol.trains) * protocol.period * 1000
    spikes: Floats = onsets[:, None] + np.asarray(times, dtype=float)
    return spikes.ravel()


def _calcium(numbers: dict[str, float], pre: Floats, post: Floats, end: float) -> tuple[Floats, Floats]:
    """Calcium just after each jump, and the time (ms) until the next one or `end`."""
    times = np.concatenate([pre + numbers["pre_delay"], post])
    jumps = np.repeat([numbers["pre_jump"], numbers["post_jump"]], [len(pre), len(post)])
    order = np.argsort(times, kind="stable")
    order = order[times[order] < end]
    times, jumps = times[order], jumps[order]
    gap = np.diff(np.append(times, end))
    level = np.empty(len(times))
    left = 0.0
    for index, (jump, survival) in enumerate(zip(jumps, np.exp(-gap / numbers["tau_calcium"]), strict=True)):
        level[index] = left + jump
        left = level[index] * survival
    return level, gap


def _above(level: Floats, gap: Floats, theta: float, tau: float) -> Floats:
    if theta == 0:
        return gap
    until: Floats = tau * np.log(np.maximum(level / theta, 1))
    return np.clip(until, 0, gap)
