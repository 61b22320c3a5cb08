"""neurofwp: the synapses as `SpikingNetwork` runs them."""

from __future__ import annotations

import brian2 as b2
import numpy as np
from brian2 import second

from benchmarks.peers.cases import MEMBRANE_STEP, PLASTICITY_STEP, Case
from benchmarks.peers.standalone import NAMES, VALUE_CELL, WAVE, Made, Program, build_ours, scripted
from neurofwp.brian.connect import begin, connect
from neurofwp.brian.spike_detection import ManyCells
from neurofwp.synapses.model import load

GIVEN = "nmda_gain : 1\nforgetting : Hz\ncalcium_outside : mmolar"


def build(case: Case) -> Program:
    """The compiled network."""
    return build_ours(_network, case)


def _network(case: Case) -> Made:
    synapse = load("error-correcting")
    plasticity = b2.Clock(PLASTICITY_STEP * second, name="plasticity_clock")
    names = NAMES | synapse.constants(plasticity.dt)
    key = scripted(case.key_spikes(), f"advanced : 1\n{synapse.text('presynaptic')}", synapse.text("presynaptic_spike"),
                   "key", names, codeobj_class=ManyCells)  # fmt: skip
    value = b2.NeuronGroup(
        case.post, f"{VALUE_CELL}\n{GIVEN}\n{synapse.text('postsynaptic')}", threshold="v > threshold",
        reset="v = E_leak\nfired += 1", method="exponential_euler", namespace=names, name="value",
        dt=MEMBRANE_STEP * second, codeobj_class=ManyCells,
    )  # fmt: skip
    value.v, value.v_dendrite, value.phase = NAMES["E_leak"], NAMES["u_rest"], case.phases()
    value.nmda_gain, value.calcium_outside = 1, 2 * b2.mmolar
    value.run_regularly(f"{synapse.text('postsynaptic_update')}\n{WAVE}", clock=plasticity)
    plastic = connect(synapse, key, value, clock=key.clock, plasticity=plasticity, dtype=np.float32,
                      block=(1, case.pre, case.post))  # fmt: skip
    begin(synapse, plastic, plasticity.dt)
    plastic.weight = case.numbers["weight"] * b2.siemens
    return key, value, plastic
