"""Short-term plasticity: regular trains against the recursion and its closed form, and what a release scales."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms, nS

from neurofwp.synapses.stages.ampa import Exponential
from neurofwp.synapses.stages.nmda.saturating import Saturating
from neurofwp.synapses.stages.nmda.two_exponentials import TwoExponentials
from neurofwp.synapses.stages.release import TsodyksMarkram

DEPRESSING = {"U": 0.46, "tau_recovery": 671, "tau_facilitation": 17}  # layer 2/3 pyramidal cells
FACILITATING = {"U": 0.05, "tau_recovery": 200, "tau_facilitation": 1500}
KINDS = pytest.mark.parametrize("kind", [DEPRESSING, FACILITATING], ids=["depressing", "facilitating"])


def values(kind):
    return {name: number * (1 if name == "U" else ms) for name, number in kind.items()}


def regular(interval, count):
    spikes = np.zeros((interval * count, 1))
    spikes[::interval] = 1
    return spikes


def releases(bench, kind, interval, count):
    """Share released by each spike of a regular train, as a conductance of unit weight."""
    rig = bench(
        TsodyksMarkram(), Exponential(), n=1, spikes=regular(interval, count), tau_ampa=np.inf * ms, **values(kind)
    )
    rig.weight = 1
    probe = b2.StateMonitor(rig.value, "g_ampa", record=True, when="end")
    rig.network.add(probe)
    rig.run(interval * count)
    after = probe.g_ampa[0, ::interval] / nS
    return np.diff(after, prepend=0)


def recursion(U, tau_recovery, tau_facilitation, times):
    """Spike by spike, from one interval to the next."""
    u, x, released = 0.0, 1.0, []
    for before, now in zip([-np.inf, *times[:-1]], times, strict=True):
        x = 1 - (1 - x) * np.exp(-(now - before) / tau_recovery)
        u = u * np.exp(-(now - before) / tau_facilitation)
        u += U * (1 - u)
        released.append(u * x)
        x -= u * x
    return np.array(released)


@KINDS
@pytest.mark.parametrize("interval", [10, 50, 200])
def test_a_regular_train_follows_the_recursion_to_its_steady_state_in_closed_form(bench, kind, interval):
    count = 60
    released = releases(bench, kind, interval, count)
    np.testing.assert_allclose(released, recursion(**kind, times=interval * np.arange(count)), rtol=0, atol=1e-9)
    U, kept_x, kept_u = (
        kind["U"], np.exp(-interval / kind["tau_recovery"]), np.exp(-interval / kind["tau_facilitation"])
    )  # fmt: skip
    u = U / (1 - (1 - U) * kept_u)
    steady = u * (1 - kept_x) / (1 - (1 - u) * kept_x)
    gap = max((1 - u) * kept_x, (1 - U) * kept_u) ** (count - 1)  # what is left of the start
    np.testing.assert_allclose(released[-1], steady, rtol=0, atol=1e-9 + 20 * gap)


def test_a_train_long_enough_is_at_its_steady_state(bench):
    released = releases(bench, DEPRESSING, 50, 60)
    u = 0.46 / (1 - 0.54 * np.exp(-50 / 17))
    kept = np.exp(-50 / 671)
    np.testing.assert_allclose(released[-1], u * (1 - kept) / (1 - (1 - u) * kept), rtol=1e-9)


def test_the_first_spike_releases_U_and_signs_are_those_of_the_synapses(bench):
    depressing, facilitating = (releases(bench, kind, 50, 5) for kind in (DEPRESSING, FACILITATING))
    assert depressing[0] == pytest.approx(0.46)
    assert facilitating[0] == pytest.approx(0.05)
    assert (np.diff(depressing) < 0).all()
    assert (np.diff(facilitating) > 0).all()


@pytest.mark.parametrize(
    ("stage", "receptor"),
    [
        (Saturating(), {"tau_nmda": np.inf * ms, "alpha_nmda": 0.5}),
        (
            TwoExponentials(),
            {"tau_nmda_fast": np.inf * ms, "tau_nmda_slow": np.inf * ms, "nmda_fast_share": 0.4, "alpha_nmda": 0.5},
        ),
    ],
    ids=lambda case: getattr(case, "form", ""),
)
def test_a_spike_opens_nmda_channels_in_proportion_to_what_it_itself_releases(bench, stage, receptor):
    times = np.array([0, 30, 45, 130, 300])
    spikes = np.zeros((301, 1))
    spikes[times] = 1
    rig = bench(TsodyksMarkram(), stage, n=1, spikes=spikes, **receptor, **values(DEPRESSING))
    rig.run(301)
    closed = np.prod(1 - 0.5 * recursion(**DEPRESSING, times=times))
    np.testing.assert_allclose(1 - rig.key.s_nmda[0], closed, rtol=1e-9)


def test_releases_are_shares_of_what_there_is(bench):
    rng = np.random.default_rng(4)
    spikes = rng.random((400, 40)) < rng.uniform(0, 1, 40)
    rig = bench(TsodyksMarkram(), n=40, spikes=spikes, **values(FACILITATING | {"U": 0.9}))
    for _ in range(8):
        rig.run(50)
        for share in (rig.key.utilisation[:], rig.key.depleted[:], rig.key.released[:]):
            assert ((share >= 0) & (share <= 1)).all()
