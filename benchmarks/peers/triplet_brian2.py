"""Brian2 as its documentation writes STDP: event-driven traces in every synapse, here the four of the triplet rule."""

from __future__ import annotations

import brian2 as b2
from brian2 import second

from benchmarks.peers.cases import MEMBRANE_STEP, TRIPLET, Case
from benchmarks.peers.standalone import Made, Program, build_brian2, scripted

TRACES = """
    dr1/dt = -r1/tau_plus : 1 (event-driven)
    dr2/dt = -r2/tau_x : 1 (event-driven)
    do1/dt = -o1/tau_minus : 1 (event-driven)
    do2/dt = -o2/tau_y : 1 (event-driven)
    weight : siemens
"""
ON_PRE = """
    g_ampa_post += weight
    weight = clip(weight - w_unit*o1*(A2_minus + A3_minus*r2), 0*siemens, inf*siemens)
    r1 += 1
    r2 += 1
"""
ON_POST = """
    weight += w_unit*r1*(A2_plus + A3_plus*o2)
    o1 += 1
    o2 += 1
"""


def build(case: Case) -> Program:
    """The compiled network."""
    return build_brian2(_network, case)


def _network(case: Case) -> Made:
    units = {"w_unit": b2.siemens} | {name: second for name in TRIPLET if name.startswith("tau")}
    names = {name: case.numbers[name] * units.get(name, 1) for name in TRIPLET}
    key = scripted(case.key_spikes(), "", "", "key", names)
    value = scripted(case.value_spikes(), "fired : 1\ndg_ampa/dt = -g_ampa/tau_ampa : siemens", "fired += 1",
                     "value", names)  # fmt: skip
    plastic = b2.Synapses(key, value, TRACES, on_pre=ON_PRE, on_post=ON_POST, namespace=names, name="plastic",
                          dt=MEMBRANE_STEP * second)  # fmt: skip
    plastic.connect()
    plastic.weight = names["w_unit"]
    return key, value, plastic
