"""The networks that all simulators run, as numbers: they can be read without neurofwp.

Key cells fire at given times. Value cells are leaky integrate-and-fire cells that hear all of them. Membranes advance
in steps of 0.1 ms by exponential Euler, calcium and weights in steps of 1 ms. Cells and synapses are those below in
every simulator, in SI units:

    key cell      ds/dt = -s/tau_nmda; at a spike s += alpha_nmda (1 - s)
    value cell    dv/dt = (E_leak - v + (g/g_leak)(0 - v))/tau; dg/dt = -g/tau_ampa; v > threshold: v = E_leak
    its dendrite  du/dt = (u_rest + u_size sin(2 pi u_rate t + phase) - u)/tau_dendrite, its wave once per millisecond
    synapse       the model `error-correcting` of `neurofwp show error-correcting`; at a spike of the key cell g += w

The voltage at the synapses is that of the dendrite, which answers do not reach: rounding cannot grow, so that weights
must agree. In the other network synapses have triplet STDP (`neurofwp show triplet-visual-cortex`), and cells on both
sides fire at given times.
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
TRIPLET = (
    "tau_plus", "tau_x", "tau_minus", "tau_y", "A2_plus", "A3_plus", "A2_minus", "A3_minus", "w_unit", "tau_ampa",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A network, how its key cells fire, and the numbers of its synapses in SI units.

    network : "calcium" or "triplet".
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
    network: str = "calcium"
    numbers: dict[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Of the membrane."""
        return round(self.seconds / MEMBRANE_STEP)

    def key_spikes(self) -> list[NDArray[np.int64]]:
        """Steps at which each key cell fires."""
        fast = np.arange(self.pre) < round(self.share * self.pre)
        return self._poisson(np.where(fast, self.rate, self.rest), [self.seed], 0)

    def value_spikes(self) -> list[NDArray[np.int64]]:
        """Steps at which each value cell fires, where that is given: at the rate of key cells."""
        return self._poisson(np.full(self.post, self.rate), [self.seed, 1], 1)

    def phases(self) -> NDArray[np.float64]:
        """Of the dendrites' waves (value cell,)."""
        return 2 * np.pi * np.arange(self.post) / self.post

    def _poisson(self, rates: NDArray[np.float64], seed: list[int], first: int) -> list[NDArray[np.int64]]:
        """Triplets: key cells in even steps, value cells in odd ones, since styles differ on spikes in one step."""
        rng = np.random.default_rng(seed)
        every = 2 if self.network == "triplet" else 1
        counts = rng.poisson(rates * self.seconds)
        return [np.unique(every * rng.integers(1, self.steps // every, count) + first) for count in counts]


def table(spikes: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Times in s (spike, cell); after the last one comes one that is never reached."""
    made = np.full((max(map(len, spikes)) + 1, len(spikes)), 1e9)
    for cell, steps in enumerate(spikes):
        made[: len(steps), cell] = steps * MEMBRANE_STEP
    return made
