"""NMDA gating: closed forms of the saturating gate."""

import numpy as np
from brian2 import ms
from hypothesis import given, settings, strategies as st

from neurofwp.synapses.stages.nmda.saturating import Saturating


def test_regular_spikes_reach_the_fixed_point_geometrically(bench):
    interval, tau, alpha, count = 17, 100, 0.5, 6
    spikes = np.zeros((interval * count, 1))
    spikes[::interval] = 1
    rig = bench(Saturating(), n=1, spikes=spikes, tau_nmda=tau * ms, alpha_nmda=alpha)
    shrink = (1 - alpha) * np.exp(-interval / tau)
    fixed_point = alpha / (1 - shrink)
    for n in range(1, count + 1):
        rig.run(1 if n == 1 else interval)
        np.testing.assert_allclose(rig.key.s_nmda[0], fixed_point * (1 - shrink**n), rtol=1e-9)


def test_decay_is_exponential_at_any_step(bench):
    for dt, steps in ((0.1, 300), (1, 30), (15, 2)):
        rig = bench(Saturating(), n=2, dt=dt * ms, tau_nmda=70 * ms, alpha_nmda=0.5)
        rig.key.s_nmda = [1, 0.3]
        rig.run(steps)
        np.testing.assert_allclose(rig.key.s_nmda[:], np.array([1, 0.3]) * np.exp(-30 / 70), rtol=1e-9)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1), density=st.floats(0, 1), alpha=st.floats(0, 1), tau=st.floats(1, 500),
    start=st.floats(0, 1),
)  # fmt: skip
def test_the_gate_stays_between_0_and_1_and_more_spikes_open_it_more(bench, seed, density, alpha, tau, start):
    trains = np.random.default_rng(seed).random((2, 40, 10)) < density
    fewer, more = trains[0], trains.any(axis=0)
    rig = bench(Saturating(), n=20, spikes=np.hstack([fewer, more]), tau_nmda=tau * ms, alpha_nmda=alpha)
    rig.key.s_nmda = start
    rig.run(40)
    gate = np.array(rig.key.s_nmda)
    assert ((gate >= 0) & (gate <= 1)).all()
    assert (gate[10:] >= gate[:10] - 1e-12).all()
