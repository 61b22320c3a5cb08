"""What pair STDP does to a synapse whose cells fire as independent Poisson processes at constant rates.

A spike potentiates or depresses by what it sees of the other cell's past, a trace z that decays with tau. Of spikes at
the rate r since the beginning of a window, t ago, the mean of z is

    all pairs (every spike adds 1)         tau r (1 - exp(-t / tau))
    nearest pairs (every spike sets it 1)  tau r / (1 + tau r) (1 - exp(-t (r + 1/tau)))

The first is Campbell's theorem (Kempter, Gerstner & van Hemmen 1999, Phys Rev E 59:4498, of spikes that are not
correlated); the second is the mean of exp(-age / tau) over the age of the last spike, exponential with rate r, as in
Izhikevich & Desai 2003, Neural Comput 15:1511, of the symmetric scheme of Morrison, Diesmann & Gerstner 2008,
Biol Cybern 98:459. The weight then changes, in units of w_unit and away from its bounds, by

    A+ y int z+(t) dt - A- x int z-(t) dt,    z+ of the presynaptic rate x, z- of the postsynaptic rate y.

In windows much longer than tau, all pairs give T x y (A+ tau+ - A- tau-): the Hebbian rule, with a coefficient that may
be negative. Nearest pairs give T x y (A+ tau+ / (1 + tau+ x) - A- tau- / (1 + tau- y)), the rule nearest_pair. Where a
presynaptic spike makes a postsynaptic one more likely, Kempter et al. have one more term, W x times the overlap of
window and response; a Program says what the postsynaptic cell does, and has no such term.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofwp.errors import InputError

Floats = NDArray[np.float64]


def pair_drift(
    pre: ArrayLike,
    post: ArrayLike,
    window: float = np.inf,
    *,
    A_plus: float,
    A_minus: float,
    tau_plus: float,
    tau_minus: float,
    nearest: bool = False,
) -> Floats:
    """The expected change of a weight for each second, in units of w_unit.

    Parameters
    ----------
    pre, post : rates, Hz, that broadcast against each other. window : how long they last, s, after silence.
    A_plus, A_minus : change by a pair without delay. tau_plus, tau_minus : of the traces, s.
    nearest : whether spikes pair with the last spike of the other cell alone; by default with all.

    Raises
    ------
    InputError
        for a rate that is negative, or a window or time constant that is not above 0.
    """
    x, y = (np.asarray(rate, dtype=float) for rate in (pre, post))
    if min(x.min(initial=0), y.min(initial=0)) < 0 or not min(window, tau_plus, tau_minus) > 0:
        raise InputError(
            "pairs of spikes need rates of 0 Hz or more, and a window and time constants above 0 s, not "
            f"{window:g}, {tau_plus:g} and {tau_minus:g} s"
        )
    return A_plus * y * _trace(x, tau_plus, window, nearest) - A_minus * x * _trace(y, tau_minus, window, nearest)


def _trace(rate: Floats, tau: float, window: float, nearest: bool) -> Floats:
    """The mean of a trace over the window."""
    speed = 1 / tau + (rate if nearest else 0)
    started = 1.0 if np.isinf(window) else 1 + np.expm1(-window * speed) / (window * speed)
    return np.asarray(rate / speed * started)
