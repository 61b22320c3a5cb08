"""The networks that all simulators run, as numbers: they can be read without neurofwp.

Key cells fire at given times. Value cells are leaky integrate-and-fire cells that hear all of them. Membranes advance
in steps of 0.1 ms by exponential Euler, calcium and weights in steps of 1 ms. Cells and synapses are those below in
every simulator, in SI units:

    key cell      ds/dt = -s/tau_nmda; at a spike s += alpha_nmda (1 - s)
    value cell    dv/dt = (E_leak - v + (g/g_leak)(0 - v))/tau; dg/dt = -g/tau_ampa; v > threshold: v = E_leak
    its dendrite  du/dt = (u_rest + u_size sin(2 pi u_rate t + phase) - u)/tau_dendrite, its wave once per millisecond
    synapse       the model `error-correcting` of `neurofwp show error-correcting`; at a spike of the key cell g += w

The voltage at the synapses is that of the dendrite, which answers do not reach: rounding cannot grow, so that weights
must agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEMBRANE_STEP, PLASTICITY_STEP = 1e-4, 1e-3  # s
PER_PLASTICITY_STEP = 10
CELLS = {
    "E_leak": -0.06, "g_leak": 1e-7, "tau": 0.02, "threshold": -0.05,
    "u_rest": -0.05, "u_size": 0.02, "u_rate": 2.0, "tau_dendrite": 0.01,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A network, how its key cells fire, and the numbers of its synapses in SI units.

    share : of the key cells that fire at `rate`; the others fire at `rest` (Hz).
    """

    name: str
    pre: int
    post: int
    seconds: float
    rate: float
    share: float = 1.0
    rest: float = 0.0
    seed: int = 0
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Of the membrane."""
        return round(self.seconds / MEMBRANE_STEP)

    def key_spikes(self) -> list[NDArray[np.int64]]:
        """Steps at which each key cell fires."""
        fast = np.arange(self.pre) < round(self.share * self.pre)
        rng = np.random.default_rng(self.seed)
        counts = rng.poisson(np.where(fast, self.rate, self.rest) * self.seconds)
        return [np.unique(rng.integers(1, self.steps, count)) for count in counts]

    def phases(self) -> NDArray[np.float64]:
        """Of the dendrites' waves (value cell,)."""
        return 2 * np.pi * np.arange(self.post) / self.post


def table(spikes: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Times in s (spike, cell); after the last one comes one that is never reached."""
    made = np.full((max(map(len, spikes)) + 1, len(spikes)), 1e9)
    for cell, steps in enumerate(spikes):
        made[: len(steps), cell] = steps * MEMBRANE_STEP
    return made
