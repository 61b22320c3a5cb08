"""How fast background firing erases two-threshold synapses that no gate protects, and its closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from brian2 import ms

from neurofwp.synapses.stage import Values
from neurofwp.theory import graupner_brunel

SYNAPSES = 200  # for each rate
BEFORE = 20  # time constants of calcium, for which cells fire before erasure is measured


def poisson_erasure(values: Values, rates: Sequence[float], *, seed: int) -> xr.Dataset:
    """Time constants of erasure by independent Poisson firing of both cells, for each rate (Hz).

    After one time constant of the closed form (Graupner & Brunel 2012), the distance between synapses that began up and
    down, and saw the same spikes, is exp(-time/tau) on average over synapses, each followed exactly through its bands
    of calcium. An average of exponentials is above that of the exponent, so that tau is a little above the closed form
    where few spikes erase.

    Parameters
    ----------
    values : parameters of a synapse model with jumping calcium.

    Returns
    -------
    Dataset with ``tau``, ``tau_sem`` and ``tau_closed`` (rate), s.

    Raises
    ------
    InputError
        if the model lacks a parameter of these synapses, or a rate is negative.
    """
    columns: dict[str, list[float]] = {"tau": [], "tau_sem": [], "tau_closed": []}
    for rate, child in zip(rates, np.random.SeedSequence(seed).spawn(len(rates)), strict=True):
        tau = graupner_brunel.relaxation(values, *graupner_brunel.poisson_shares(values, rate, rate)).tau
        distance = _remaining_distance(values, rate, tau, np.random.default_rng(child))
        mean, sem = np.mean(distance), np.std(distance, ddof=1) / np.sqrt(SYNAPSES)
        columns["tau"].append(-tau / np.log(mean))
        columns["tau_sem"].append(tau * sem / mean / np.log(mean) ** 2)
        columns["tau_closed"].append(tau)
    return xr.Dataset(
        {name: ("rate", numbers, {"units": "s"}) for name, numbers in columns.items()},
        coords={"rate": ("rate", list(rates), {"units": "Hz"})},
    )


def _remaining_distance(values: Values, rate: float, tau: float, rng: np.random.Generator) -> list[float]:
    """Share of the distance between up and down that is left after `tau` (s), of each synapse."""
    begin = BEFORE * float(values["tau_calcium"] / ms)
    end = begin + 1000 * tau
    remaining = []
    for _ in range(SYNAPSES):
        pre, post = (rng.uniform(0, end, rng.poisson(rate * end / 1000)) for _ in range(2))
        early, late = (graupner_brunel.moments(values, pre, post, end=each) for each in (begin, end))
        remaining.append((late[1] - late[0]) / (early[1] - early[0]))
    return remaining
