"""The voltage-based rule (Clopath et al. 2010, Nat Neurosci 13:344) in the laboratory, without a simulation.

The laboratory gives the voltage instead of computing it, and no filter of the rule sees the weight, so that a protocol
changes the weight in proportion to the two amplitudes::

    w - w_initial = w_unit (A_LTP P - A_LTD D)
    P = integral of x [u - theta+]+ [u+ - theta-]+,    D = sum over presynaptic spikes of [u- - theta-]+

with the filters of `neurofwp.synapses.stages.expression.clopath`. P and D depend on time constants and thresholds
alone. They are integrated on a grid over as many trains as it takes until one is like the last; all others are like
that one. That weights stay at 0 where they would fall below is minded at the end of a protocol only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from neurofwp.laboratory.protocol import Protocol

Floats = NDArray[np.float64]

STEP = 0.1  # ms
FORGOTTEN = 15.0  # longest time constants after which a train leaves no trace
FILTERS = ("theta_minus", "theta_plus", "tau_minus", "tau_plus", "tau_x", "tau_lag")


class Drives(NamedTuple):
    """What amplitudes are multiplied with: potentiation (mV^2) and depression (mV)."""

    potentiation: float
    depression: float


def drives(protocol: Protocol, cell: Mapping[str, float], rule: Mapping[str, float]) -> Drives:
    """P and D of a protocol.

    Parameters
    ----------
    cell : parameters of the laboratory's cell, in mV and ms. rule : those of `FILTERS`, in mV and ms.
    """
    slowest = max(cell["tau_fast"], cell["tau_slow"], *(rule[name] for name in FILTERS if name.startswith("tau")))
    settling = FORGOTTEN * slowest + cell["spike_delay"]
    period = 1000 * protocol.period
    alone = period >= protocol.length + settling
    shown = 1 if alone else min(protocol.trains, 1 + math.ceil(settling / period))
    onsets = period * np.arange(shown)[:, None]
    steps = math.ceil((onsets[-1, 0] + protocol.length + settling) / STEP)
    pre = _steps(onsets + np.asarray(protocol.pre, dtype=float))
    post = _steps(onsets + np.asarray(protocol.post, dtype=float) + cell["spike_delay"])

    spikes = _spike_counts(post, steps)
    voltage = cell["v_rest"] + cell["spike_height"] * (
        cell["fast_share"] * _half_step_later(_exponential_trace(spikes, cell["tau_fast"]), cell["tau_fast"])
        + (1 - cell["fast_share"]) * _half_step_later(_exponential_trace(spikes, cell["tau_slow"]), cell["tau_slow"])
    )
    rest = cell["v_rest"] - rule["theta_minus"]
    u_plus = _low_pass(voltage - rule["theta_minus"], rule["tau_plus"], rest)
    u_late = _low_pass((u_plus[1:] + u_plus[:-1]) / 2, rule["tau_lag"], rest)
    u_minus = _low_pass(voltage - rule["theta_minus"], rule["tau_minus"], rest)
    x_bar = (
        _half_step_later(_exponential_trace(_spike_counts(pre, steps), rule["tau_x"]), rule["tau_x"]) / rule["tau_x"]
    )
    gain = STEP * x_bar * np.maximum(voltage - rule["theta_plus"], 0) * np.maximum((u_late[1:] + u_late[:-1]) / 2, 0)
    loss = _spike_counts(pre, steps) * np.maximum(u_minus[:-1], 0)

    last = np.zeros(steps)
    first, after = _steps(np.array([onsets[-1, 0], onsets[-1, 0] + period]))
    last[first : steps if alone else after] = 1
    often = 1 + (protocol.trains - shown) * last
    return Drives(float(gain @ often), float(loss @ often))


def _steps(times: Floats) -> NDArray[np.intp]:
    return np.rint(times / STEP).astype(np.intp).ravel()


def _spike_counts(spikes: NDArray[np.intp], steps: int) -> Floats:
    """How many spikes there are at the beginning of each step."""
    return np.bincount(spikes, minlength=steps)[:steps].astype(float)


def _exponential_trace(impulses: Floats, tau: float) -> Floats:
    """A trace that every spike raises by 1, at the beginning of each step."""
    return np.asarray(lfilter([1.0], [1.0, -math.exp(-STEP / tau)], impulses))


def _half_step_later(trace: Floats, tau: float) -> Floats:
    """The trace half a step later."""
    return trace * math.exp(-STEP / 2 / tau)


def _low_pass(signal: Floats, tau: float, rest: float) -> Floats:
    """The signal, constant within a step, filtered from `rest`: at the beginning of each step and after the last."""
    survival = math.exp(-STEP / tau)
    return rest + np.append(0.0, lfilter([1 - survival], [1.0, -survival], signal - rest))
