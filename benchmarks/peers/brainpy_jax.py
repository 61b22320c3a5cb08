"""BrainPy on JAX: single precision, `bm.for_loop` over milliseconds, ten membrane steps in each, compiled.

Spikes come as lists of the key cells of each step, so that a step adds a few rows of weights, and not a product of
all of them.
"""

from __future__ import annotations

import os
import resource
from time import process_time
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.cases import CELLS, MEMBRANE_STEP, PER_PLASTICITY_STEP, PLASTICITY_STEP, Case


class Program:
    """The network, compiled."""

    def __init__(self, case: Case) -> None:
        bm.set_platform("cpu")
        self.case, self.network = case, Network(case)
        self.given = _lists(case)
        self.loop = bm.jit(lambda times, cells: bm.for_loop(self.network.millisecond, (times, cells)))
        self.run()

    def run(self) -> float:
        """Processor seconds."""
        self.network.begin()
        times = jnp.arange(len(self.given)) * np.float32(PLASTICITY_STEP)
        cells = jnp.asarray(self.given)
        jax.block_until_ready((self.network.weight.value, times, cells))
        began = process_time()
        self.loop(times, cells)
        jax.block_until_ready((self.network.weight.value, self.network.v.value))
        return process_time() - began

    def weights(self) -> NDArray[np.float64]:
        """In siemens."""
        return np.asarray(self.network.weight.value, dtype=float).ravel() * 1e-9

    def fired(self) -> float:
        """Spikes of all value cells."""
        return float(self.network.fired.value.sum())

    def mebibytes(self) -> float:
        """That the process held at most."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Network:
    """States in mV, nS and s: single precision likes numbers near 1."""

    def __init__(self, case: Case) -> None:
        self.case, self.phase = case, jnp.asarray(case.phases(), dtype=jnp.float32)
        shape = (case.pre, case.post)
        self.s, self.weight, self.calcium = (bm.Variable(jnp.zeros(each)) for each in (case.pre, shape, shape))
        self.v, self.u, self.target, self.g, self.fired = (bm.Variable(jnp.zeros(case.post)) for _ in range(5))

    def begin(self) -> None:
        """All states as they are at first."""
        case = self.case
        self.s.value, self.calcium.value = jnp.zeros(case.pre), jnp.zeros((case.pre, case.post))
        self.weight.value = jnp.full((case.pre, case.post), case.numbers["weight"] * 1e9, dtype=jnp.float32)
        self.v.value, self.u.value = (jnp.full(case.post, 1e3 * CELLS[each]) for each in ("E_leak", "u_rest"))
        self.target.value, self.g.value, self.fired.value = (jnp.zeros(case.post) for _ in range(3))

    def millisecond(self, time: Any, cells: Any) -> None:
        """One step of the synapses, then ten of the membranes; cells (step, spike) that fire, `pre` for none."""
        own = self.case.numbers
        block = 1 + jnp.exp(-0.062 * self.u) * own["magnesium"]
        drive = 1e-3 * own["g_calcium"] * (1e3 * own["E_calcium"] - self.u.value) / block
        wave = jnp.sin(2 * np.pi * CELLS["u_rate"] * time + self.phase)
        self.target.value = 1e3 * (CELLS["u_rest"] + CELLS["u_size"] * wave)
        self._synapses(drive)
        for step in range(PER_PLASTICITY_STEP):
            self._membranes(cells[step])

    def _synapses(self, drive: Any) -> None:
        own, w = self.case.numbers, self.weight.value
        target = self.s.value[:, None] * drive
        calcium = target + (self.calcium.value - target) * own["calcium_survival"]
        p, q = (calcium * own["per_K_P"]) ** 8, (calcium * own["per_K_D"]) ** 16  # JAX makes squarings of these
        up = own["P_step"] * (1 - 1 / (1 + p)) * (1e9 * own["w_max"] - w)
        down = 1e9 * own["D_step"] * (1 - 1 / (1 + q)) * w / (w + 1e9 * own["K_m"])
        self.calcium.value, self.weight.value = calcium, jnp.maximum(w + up - down, 0)

    def _membranes(self, cells: Any) -> None:
        own, dt = self.case.numbers, MEMBRANE_STEP
        rate = (1 + self.g.value / (1e9 * CELLS["g_leak"])) / CELLS["tau"]
        rest = 1e3 * CELLS["E_leak"] / (CELLS["tau"] * rate)
        v = rest + (self.v.value - rest) * jnp.exp(-dt * rate)
        target = self.target.value
        self.u.value = target + (self.u.value - target) * np.float32(np.exp(-dt / CELLS["tau_dendrite"]))
        spike = v > 1e3 * CELLS["threshold"]
        g = self.g.value * np.float32(np.exp(-dt / own["tau_ampa"]))
        rows = self.weight.value.at[cells].get(mode="fill", fill_value=0)
        self.g.value = g + rows.sum(0)
        s = self.s.value * np.float32(np.exp(-dt / own["tau_nmda"]))
        opened = own["alpha_nmda"] * (1 - s.at[cells].get(mode="fill", fill_value=0))
        self.s.value = s.at[cells].add(opened, mode="drop")
        self.v.value = jnp.where(spike, 1e3 * CELLS["E_leak"], v)
        self.fired.value = self.fired.value + spike


def _lists(case: Case) -> NDArray[np.int32]:
    """Key cells that fire in each step (millisecond, step, spike), filled up with `pre`, which is no cell."""
    spikes = case.key_spikes()
    steps = np.concatenate(spikes)
    cells = np.repeat(np.arange(case.pre), [len(each) for each in spikes])
    order = np.argsort(steps, kind="stable")
    steps, cells = steps[order], cells[order]
    position = np.arange(len(steps)) - np.searchsorted(steps, steps)
    made = np.full((case.steps, position.max() + 1), case.pre, dtype=np.int32)
    made[steps, position] = cells
    return made.reshape(-1, PER_PLASTICITY_STEP, made.shape[1])


def build(case: Case) -> Program:
    """The compiled network."""
    return Program(case)
