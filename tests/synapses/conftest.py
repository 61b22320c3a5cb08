"""A bench for synapses: stages assembled as the spiking network does it, on NumPy in double precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import brian2 as b2
import numpy as np
import pytest
from brian2 import Quantity, ms

from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stage import Stage

# what the circuit gives a value cell, and the states that one stage reads from another
CIRCUIT = "v_dendrite : volt\nnmda_gain : 1\nforgetting : Hz\ncalcium_outside : mmolar\n"
STATES = {"calcium : 1", "weight : siemens"}


class Bench:
    """n synapses side by side, each between a key cell and a value cell of its own.

    Parameters
    ----------
    stages : one, several or all stages of a synapse.
    n : synapses.
    spikes : (step, n), the steps in which each key cell fires.
    dt : step of all clocks.
    values : every parameter of the stages.
    """

    def __init__(
        self, *stages: Stage, n: int, spikes: np.ndarray | None = None, dt: Quantity = 1 * ms, **values: Any
    ) -> None:
        declared = {each.name: each.optional for stage in stages for each in stage.parameters}
        assert {name for name, optional in declared.items() if not optional} <= values.keys() <= declared.keys()
        self.dt = dt
        synapse = SynapseModel("bench", "", stages, values, {})
        states = "\n".join(STATES | set(synapse.text("synaptic").splitlines()))
        trains = np.zeros((1, n)) if spikes is None else np.vstack([spikes, np.zeros((1, n))])
        names = {**synapse.constants(dt), "train": b2.TimedArray(trains, dt=dt)}
        self.key = b2.NeuronGroup(
            n, f"silent : 1\n{synapse.text('presynaptic')}", threshold="train(t, i) > 0",
            reset=synapse.text("presynaptic_spike") or "silent = 0", method="exponential_euler", dt=dt, namespace=names,
        )  # fmt: skip
        self.value = b2.NeuronGroup(
            n, CIRCUIT + synapse.text("postsynaptic"), method="exponential_euler", dt=dt, namespace=names
        )
        self.value.nmda_gain = 1
        self.value.calcium_outside = 2 * b2.mmolar  # as in most slices
        spike = {"on_pre": synapse.text("spike")} if synapse.text("spike") else {}
        self.synapses = b2.Synapses(self.key, self.value, states, dt=dt, namespace=names, **spike)
        self.synapses.connect(j="i")
        if update := synapse.text("postsynaptic_update"):
            self.value.run_regularly(update, dt=dt)
        if update := synapse.update:
            self.synapses.run_regularly(update, dt=dt, order=1)
        self.network = b2.Network(self.key, self.value, self.synapses)

    def run(self, steps: int = 1) -> None:
        self.network.run(steps * self.dt, namespace={})

    @property
    def weight(self) -> np.ndarray:
        """(n,) in nS."""
        return np.asarray(self.synapses.weight) / 1e-9

    @weight.setter
    def weight(self, nanosiemens: Any) -> None:
        self.synapses.weight = np.asarray(nanosiemens) * b2.nS

    @property
    def calcium(self) -> np.ndarray:
        """(n,)"""
        return np.array(self.synapses.calcium)

    @calcium.setter
    def calcium(self, level: Any) -> None:
        self.synapses.calcium = level


@pytest.fixture(scope="session")
def bench() -> type[Bench]:
    return Bench


@pytest.fixture(autouse=True, scope="module")
def _numpy_target() -> Iterator[None]:
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = before
