"""Two thresholds: the closed form of Graupner & Brunel 2012 for calcium that stays in one band."""

import numpy as np
import pytest
from brian2 import ms, nS, second

from neurofwp.synapses import model
from neurofwp.synapses.stages.expression.two_threshold import TwoThreshold

START = np.array([0, 0.3, 1])


def settings(**changed):
    return {
        "tau_rho": 0.5 * second, "gamma_p": 3, "gamma_d": 2, "theta_p": 1.3, "theta_d": 1, "w0": 0.4 * nS, "w1": 2 * nS,
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    ("calcium", "above_p", "above_d", "order"),
    [(0.9, 0, 0, {}), (1.1, 0, 1, {}), (1.4, 1, 1, {}), (1.1, 1, 0, {"theta_p": 1, "theta_d": 1.3})],
    ids=["neither", "depression", "both", "potentiation"],
)
@pytest.mark.parametrize("dt", [0.1, 1, 50])
def test_each_band_relaxes_as_in_closed_form(bench, calcium, above_p, above_d, order, dt):
    rig = bench(TwoThreshold(), n=3, dt=dt * ms, **settings(**order))
    rig.calcium, rig.weight = calcium, 0.4 + 1.6 * START
    rig.run(round(150 / dt))
    potentiation, depression = 3 * above_p, 2 * above_d
    total = potentiation + depression
    limit = potentiation / total if total else START  # rho_inf
    expected = limit - (limit - START) * np.exp(-0.15 * total / 0.5)  # tau_eff = tau / total
    np.testing.assert_allclose((rig.weight - 0.4) / 1.6, expected, rtol=0, atol=1e-6)


def test_calcium_that_alternates_follows_the_time_spent_above_each_threshold(bench):
    rig = bench(TwoThreshold(), n=3, **settings())
    rig.weight = 0.4 + 1.6 * START
    rig.synapses.run_regularly("calcium = 1.4*int(t % (10*ms) < 4*ms)+ 1.1*int(t % (10*ms) >= 7*ms)", dt=1 * ms)
    rig.run(400)
    potentiation, depression = 3 * 0.4, 2 * 0.7
    limit = potentiation / (potentiation + depression)
    expected = limit - (limit - START) * np.exp(-0.4 * (potentiation + depression) / 0.5)
    np.testing.assert_allclose((rig.weight - 0.4) / 1.6, expected, atol=0.01)


@pytest.mark.parametrize(
    ("name", "written", "limit"),
    [("graupner-brunel-cortical-slice-nmda", 0.600, 0.686), ("graupner-brunel-hippocampal-slice-nmda", 0.574, 0.840)],
)
def test_a_plateau_writes_most_of_the_way_with_published_rates(bench, name, written, limit):
    # rho <- rho + beta (rho_inf - rho) with beta = .57 to .79 and rho_inf = .62 to .84 over the published sets
    values = model.load(name).values
    rig = bench(
        TwoThreshold(), n=1, **{parameter.name: values[parameter.name] for parameter in TwoThreshold().parameters}
    )
    rig.calcium = 1.5
    rig.run(300)
    assert rig.weight[0] == pytest.approx(written * limit, abs=1e-3)
