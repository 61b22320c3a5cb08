"""Plastic synapses in a published network: which rule do they run?

The network of Vogels & Abbott 2005 (J Neurosci 25:10786) with conductances, as in benchmark 1 of Brette et al. 2007
(J Comput Neurosci 23:349), written as one writes it for Brian2. Twenty of its excitatory cells hear 100 axons through
triplet STDP (Pfister & Gerstner 2006), and are excited, in every event of 200 ms, by as much as they are told.
"""

import numpy as np
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    ms,
    nS,
    second,
    seed,
)

import neurofwp

EPISODES, EVENTS, LENGTH, TOLD = 20, 6, 200 * ms, 20
draws = np.random.default_rng(0)
active = draws.random((EPISODES * EVENTS, 100)).argsort(axis=1) < 10  # 10 of 100 axons in every event
rate = TimedArray(active * 60 * Hz, dt=LENGTH)
teaching = TimedArray(draws.random((EPISODES * EVENTS, TOLD)) * 10 * nS, dt=LENGTH)

cells = NeuronGroup(
    4000,
    """dv/dt = (-60*mV - v - ((g_ampa + g_told)*v + g_gaba*(v + 80*mV))/(10*nS))/(20*ms) : volt (unless refractory)
       dg_ampa/dt = -g_ampa/(5*ms) : siemens
       dg_gaba/dt = -g_gaba/(10*ms) : siemens
       g_told = teaching(t, i % 20)*int(i < 20) : siemens""",
    threshold="v > -50*mV",
    reset="v = -60*mV",
    refractory=5 * ms,
    method="exponential_euler",
)
exciting = Synapses(cells[:3200], cells, on_pre="g_ampa += 6*nS")
inhibiting = Synapses(cells[3200:], cells, on_pre="g_gaba += 67*nS")
axons = PoissonGroup(100, rates="rate(t, i)")
for synapses in (exciting, inhibiting):
    synapses.connect(p=0.02)

told = cells[:TOLD]
plastic = neurofwp.synapse("triplet-visual-cortex").connect(axons, told, dendrite="v")
weights = StateMonitor(plastic, "weight", record=True, dt=5 * ms)
heard, fired = SpikeMonitor(axons), SpikeMonitor(told)
network = Network(cells, exciting, inhibiting, axons, plastic, weights, heard, fired)
network.store()
events = (np.arange(EPISODES * EVENTS)[:, None] + [0, 1]).reshape(EPISODES, EVENTS, 2) * LENGTH


def run(number):
    """Program and Trace of all events, each episode from weights of 1 nS, with noise of its own."""
    network.restore()
    seed(number)
    cells.v, cells.g_ampa, cells.g_gaba = "-60*mV + 10*mV*rand()", "(rand() + 4)*nS", "(12*rand() + 20)*nS"
    for _ in range(EPISODES):
        plastic.weight = 1 * nS
        network.run(EVENTS * LENGTH)
    return neurofwp.from_brian2(weights, heard, fired, events)


program, trace = run(1)
fits = neurofwp.identify(program, trace, repeat=run(2)[1], unit_keys=False)
print(f"told cells fire at {len(fired) / TOLD / (EPISODES * EVENTS * LENGTH / second):.0f} Hz")
print(neurofwp.identification.verdict(fits).sentence)
neurofwp.plots.rule_bars(fits).savefig("balanced_network.png")
