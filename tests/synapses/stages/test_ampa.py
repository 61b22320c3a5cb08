"""AMPA: every presynaptic spike adds the weight, and the conductance decays."""

import numpy as np
from brian2 import ms, nS

from neurofwp.synapses.stages.ampa import Exponential


def test_conductance_is_the_sum_of_decaying_weights(bench):
    fired = [(0, 3, 4), (7,), ()]
    spikes = np.zeros((20, 3))
    for cell, steps in enumerate(fired):
        spikes[list(steps), cell] = 1
    rig = bench(Exponential(), n=3, spikes=spikes, tau_ampa=5 * ms)
    rig.weight = [0.5, 2, 3]
    rig.run(21)  # the last step is the 20th after the first
    expected = [sum(np.exp(-(20 - step) / 5) for step in steps) for steps in fired] * np.array([0.5, 2, 3])
    np.testing.assert_allclose(rig.value.g_ampa / nS, expected, rtol=1e-9)
