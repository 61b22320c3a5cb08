"""neurofwp: triplet STDP as `SpikingNetwork` runs it; traces are the cells', weights change at spikes alone."""

from __future__ import annotations

import brian2 as b2
import numpy as np
from brian2 import second

from benchmarks.peers.cases import PLASTICITY_STEP, Case
from benchmarks.peers.standalone import Made, Program, build_ours, scripted
from neurofwp.brian.connect import begin, connect
from neurofwp.brian.spike_detection import ManyCells
from neurofwp.synapses.model import load


def build(case: Case) -> Program:
    """The compiled network."""
    return build_ours(_network, case)


def _network(case: Case) -> Made:
    synapse = load("triplet-visual-cortex")
    plasticity = b2.Clock(PLASTICITY_STEP * second, name="plasticity_clock")
    names = synapse.values | synapse.constants(plasticity.dt)
    key = scripted(case.key_spikes(), synapse.text("presynaptic"), synapse.text("presynaptic_spike"),
                   "key", names, codeobj_class=ManyCells)  # fmt: skip
    value = scripted(case.value_spikes(), f"fired : 1\n{synapse.text('postsynaptic')}",
                     f"fired += 1\n{synapse.text('postsynaptic_spike')}", "value", names,
                     codeobj_class=ManyCells)  # fmt: skip
    plastic = connect(synapse, key, value, clock=key.clock, plasticity=plasticity, dtype=np.float32,
                      block=(1, case.pre, case.post))  # fmt: skip
    begin(synapse, plastic, plasticity.dt)
    return key, value, plastic
