"""Synapses that release or fail on their own: the binomial, what a release scales, and that no two share one."""

from __future__ import annotations

from math import comb

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms, nS

from neurofwp.spiking import SpikingNetwork
from neurofwp.spiking.facts import hill, short_term, train_means
from neurofwp.synapses import model
from neurofwp.synapses.parameters import parse_unit
from neurofwp.synapses.stages.ampa import Exponential
from neurofwp.synapses.stages.nmda.saturating import SaturatingPerSynapse
from neurofwp.synapses.stages.release import Binomial

P = 0.3


def released(bench, sites, n=20_000):
    """AMPA conductance (nS) and NMDA gating that one spike leaves at synapses of weight 1 nS."""
    rig = bench(
        Binomial(), SaturatingPerSynapse(), Exponential(), n=n, spikes=np.ones((1, n)), p_release=P, sites=sites,
        tau_nmda=1e9 * ms, alpha_nmda=0.5 * P, tau_ampa=np.inf * ms,
    )  # fmt: skip
    b2.seed(1)
    rig.synapses.weight = 1 * nS
    rig.run(2)
    return np.asarray(rig.value.g_ampa / nS), np.asarray(rig.synapses.s_nmda)


@pytest.mark.parametrize("sites", [1, 3, 10])
def test_releases_are_binomial_and_scale_both_receptors(bench, sites):
    ampa, nmda = released(bench, sites)
    count = np.rint(ampa * sites * P).astype(int)
    np.testing.assert_allclose(ampa, count / (sites * P), atol=1e-9)
    for k in range(sites + 1):
        expected = comb(sites, k) * P**k * (1 - P) ** (sites - k)
        assert np.mean(count == k) == pytest.approx(expected, abs=4 * np.sqrt(expected / len(count)) + 1e-4)
    assert ampa.mean() == pytest.approx(1, abs=4 * np.sqrt((1 - P) / (sites * P) / len(ampa)))
    np.testing.assert_allclose(nmda, 0.5 * P * ampa, atol=1e-6)  # .5 where all sites release


def test_synapses_of_one_axon_release_on_their_own_in_a_network():
    """All code speaks of their own release and gating, and they still advance in rows."""
    synapse = model.load("error-correcting-release")
    assert {stage.stage for stage in synapse.stages if stage.per_synapse} == {"release", "nmda"}
    assert "s_nmda_pre" not in synapse.text("spike") + synapse.update
    assert "in rows" in SpikingNetwork(synapse="error-correcting-release", backend="cpp_standalone").loop


@pytest.mark.parametrize(("p", "q"), [(8, 16), (8, 3), (4, 3)])
def test_other_exponents_leave_the_crossover_where_it_was(p, q):
    """Potentiation and depression cancel at the same calcium, from which either side moves the weight as before."""
    base, found = model.load("error-correcting").values, hill(p, q)
    depression = float(found["D"].split()[0])

    def net(calcium, p, q, d):
        kinase, phosphatase = ((calcium / float(base[half])) ** n for half, n in (("K_P", p), ("K_D", q)))
        return 3.2 * kinase / (1 + kinase) - d * phosphatase / (1 + phosphatase)

    grid = np.linspace(0.3, 0.9, 6001)
    before, after = (grid[np.argmin(np.abs(net(grid, *each)))] for each in ((8, 16, 1.21), (p, q, depression)))
    assert after == pytest.approx(before, abs=2e-4)
    assert net(before - 0.05, p, q, depression) < 0 < net(before + 0.05, p, q, depression)


def test_the_shipped_model_of_depressing_axons_has_the_scaled_parameters():
    found = {each.name: each.parameters for each in short_term()}["depressing axons"]
    values = model.load("error-correcting-short-term").values
    for name in ("P", "D", "K_m", "w_max", "g_calcium", "U", "tau_recovery", "tau_facilitation"):
        number, *unit = found[name].split()
        expected = float(number) * (parse_unit(unit[0], name) if unit else 1)
        assert float(values[name] / expected) == pytest.approx(1, rel=1e-3), name


def test_means_of_a_train_without_depression_are_those_of_the_recursion():
    """s before a spike n is a geometric sum; and everything is released."""
    released, gating = train_means(1.0, 0.0, 0.0)
    kept = np.exp(-1000 / 60 / 100)
    s, every = 0.0, []
    for number in range(30):
        s = s + 0.5 * (1 - s)
        if number * 1000 / 60 >= 100:
            every.append(s * 100 * 60 / 1000 * (1 - kept))
        s *= kept
    assert released == 1
    assert gating == pytest.approx(np.mean(every))
