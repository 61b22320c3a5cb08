"""Brian2 by a user who knows it: what a cell can compute is computed by the cell, plasticity on a clock of 1 ms.

Synapses advance through `run_regularly`, powers are squarings, constants are folded, and the magnesium block, the
calcium drive and the dendrite's wave are each cell's. Compiler flags and double precision are Brian2's defaults.
"""

from __future__ import annotations

import brian2 as b2
from brian2 import second

from benchmarks.peers.cases import MEMBRANE_STEP, PLASTICITY_STEP, Case
from benchmarks.peers.standalone import NAMES, VALUE_CELL, WAVE, Made, Program, build_brian2, scripted

DRIVE = "drive = g_calcium*(E_calcium - v_dendrite)/(1 + exp(-v_dendrite/(16.129032258064516*mV))*magnesium)"
UPDATE = """
    target = s_pre*drive_post
    calcium = target + (calcium - target)*calcium_survival
    a = calcium*per_K_P
    a2 = a*a
    a4 = a2*a2
    a8 = a4*a4
    b = calcium*per_K_D
    b2 = b*b
    b4 = b2*b2
    b8 = b4*b4
    b16 = b8*b8
    next_weight = weight + P_step*(1 - 1/(1 + a8))*(w_max - weight) - D_step*(1 - 1/(1 + b16))*weight/(weight + K_m)
    weight = next_weight*int(next_weight > 0*siemens)
"""


def build(case: Case) -> Program:
    """The compiled network."""
    return build_brian2(_network, case)


def names(case: Case) -> dict[str, object]:
    """Constants with units."""
    units = {"P_step": 1, "D_step": b2.siemens, "w_max": b2.siemens, "K_m": b2.siemens, "tau_nmda": second,
             "tau_ampa": second, "E_calcium": b2.volt, "g_calcium": 1 / b2.volt}  # fmt: skip
    return NAMES | {name: value * units.get(name, 1) for name, value in case.numbers.items() if name != "weight"}


def _network(case: Case) -> Made:
    known = names(case)
    key = scripted(case.key_spikes(), "ds/dt = -s/tau_nmda : 1", "s += alpha_nmda*(1 - s)", "key", known)
    value = b2.NeuronGroup(
        case.post, f"{VALUE_CELL}\ndg_ampa/dt = -g_ampa/tau_ampa : siemens\ndrive : 1", threshold="v > threshold",
        reset="v = E_leak\nfired += 1", method="exponential_euler", namespace=known, name="value",
        dt=MEMBRANE_STEP * second,
    )  # fmt: skip
    value.v, value.v_dendrite, value.phase = NAMES["E_leak"], NAMES["u_rest"], case.phases()
    plasticity = PLASTICITY_STEP * second
    value.run_regularly(f"{DRIVE}\n{WAVE}", dt=plasticity)
    plastic = b2.Synapses(key, value, "calcium : 1\nweight : siemens", on_pre="g_ampa_post += weight",
                          namespace=known, name="plastic", dt=MEMBRANE_STEP * second)  # fmt: skip
    plastic.connect()
    plastic.weight = case.numbers["weight"] * b2.siemens
    plastic.run_regularly(UPDATE, dt=plasticity, order=1)
    return key, value, plastic
