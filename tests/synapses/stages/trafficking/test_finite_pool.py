"""A finite pool of receptors: conservation, competition, and the steady state in closed form."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms, nS, second
from scipy.integrate import solve_ivp

from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stages.expression.linear import Linear
from neurofwp.synapses.stages.trafficking.finite_pool import FinitePool
from neurofwp.synapses.stages.trafficking.gradual import Gradual
from neurofwp.synapses.stages.turnover import Constitutive

CLOSED = {"tau_bound": 43 * second, "tau_pool": np.inf * second, "pool_size": 30 * nS, "filling": 0.7}
CELL = "forgetting : Hz\n"


def cell(slots, *stages, dt=100, **values):
    """One cell with a synapse per entry of `slots` (nS); weights begin as what slots hold while the pool is at rest."""
    synapse = SynapseModel("bench", "", stages or (FinitePool(),), values or CLOSED, {})
    names = synapse.constants(dt * ms)
    value = b2.NeuronGroup(1, CELL + synapse.text("postsynaptic"), dt=dt * ms, namespace=names)
    states = dict.fromkeys(["weight : siemens", "calcium : 1", *synapse.text("synaptic").splitlines()])
    synapses = b2.Synapses(value, value, "\n".join(states), dt=dt * ms, namespace=names)
    synapses.connect(i=np.zeros(len(slots), int), j=np.zeros(len(slots), int))
    synapses.slots = synapses.weight = np.asarray(slots) * nS
    if update := synapse.text("postsynaptic_update"):
        value.run_regularly(update, dt=dt * ms)
    synapses.run_regularly(synapse.update, dt=dt * ms, order=1)
    return value, synapses, b2.Network(value, synapses)


def receptors(value, synapses):
    """In synapses and pool together, less the pool at rest, nS."""
    return (np.asarray(synapses.weight).sum() + float(value.pool_change[0])) / 1e-9


def test_receptors_are_conserved_between_pool_and_synapses():
    rng = np.random.default_rng(0)
    value, synapses, network = cell(rng.uniform(0, 2, 200))
    before = receptors(value, synapses)
    for _ in range(5):
        synapses.slots = rng.uniform(0, 2, 200) * nS
        network.run(20 * second, namespace={})
        assert receptors(value, synapses) == pytest.approx(before, rel=1e-9)
    assert abs(float(value.pool_change[0])) > 0.1e-9


def test_synapses_that_gain_slots_weaken_all_others_by_one_factor():
    rng = np.random.default_rng(1)
    start = rng.lognormal(0, 0.7, 100)
    _, synapses, network = cell(start)
    grown = start.copy()
    grown[:20] *= 2
    synapses.slots = grown * nS
    network.run(300 * second, namespace={})
    ratio = np.asarray(synapses.weight) / 1e-9 / start
    others = ratio[20:]
    assert others.mean() < 0.97
    assert others.std() < 1e-6 * others.mean()
    # the winners: twice the slots, at the same filling as everyone
    np.testing.assert_allclose(ratio[:20], 2 * others.mean(), rtol=1e-4)


@pytest.mark.parametrize("filling", [0.5, 0.7, 0.9])
def test_a_smaller_pool_means_more_competition(filling):
    start = np.ones(50)
    losses = []
    for pool in (20, 2.67 * 50, 1000):
        _, synapses, network = cell(start, **CLOSED | {"pool_size": pool * nS, "filling": filling}, dt=500)
        synapses.slots = np.where(np.arange(50) < 10, 2, 1) * nS
        network.run(400 * second, namespace={})
        losses.append(1 - np.asarray(synapses.weight)[-1] / 1e-9)
    assert losses[0] > losses[1] > losses[2] > 0


def steady_pool(slots, pool, filling, total):
    """Of a closed cell: receptors = p + sum s F p / (F p + (1 - F) P) with s = slots / F, a quadratic in p."""
    held = slots.sum()
    a, b, c = filling, (1 - filling) * pool + held - total * filling, -total * (1 - filling) * pool
    return (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)


@pytest.mark.parametrize(("filling", "pool"), [(0.5, 30), (0.7, 267), (0.9, 5)])
def test_the_steady_state_of_a_closed_cell(filling, pool):
    start = np.linspace(0.1, 2, 40)
    value, synapses, network = cell(start, dt=200, **CLOSED | {"pool_size": pool * nS, "filling": filling})
    now = start[::-1] * 1.7
    synapses.slots = now * nS
    network.run(1200 * second, namespace={})
    p = steady_pool(now, pool, filling, pool + start.sum())
    np.testing.assert_allclose(pool + float(value.pool_change[0]) / 1e-9, p, rtol=1e-8)
    expected = now * p / (filling * p + (1 - filling) * pool)
    np.testing.assert_allclose(np.asarray(synapses.weight) / 1e-9, expected, rtol=1e-8)


def test_an_open_pool_comes_back_to_rest_and_weights_to_what_slots_hold():
    values = CLOSED | {"tau_pool": 60 * second}
    value, synapses, network = cell(np.ones(20), dt=500, **values)
    synapses.slots = 2 * nS
    network.run(50 * second, namespace={})
    assert float(value.pool_change[0]) < -0.5e-9
    network.run(3000 * second, namespace={})
    np.testing.assert_allclose(np.asarray(synapses.weight) / 1e-9, 2, rtol=1e-6)


def test_the_published_differential_equations():
    b, d, size, filling = 1 / 43, 1 / (14 * 60), 6.0, 0.9
    a, g = b * filling / ((1 - filling) * size), d * size
    s = np.array([1.5, 0.4, 3.0]) / filling  # slots, of which `slots` is the filled part while the pool is at rest

    def flow(t, y):
        w, p = y[:3], y[3]
        into = a * p * (s - w) - b * w
        return [*into, -d * p + g - into.sum()]

    start = np.array([1.0, 1.0, 0.2])
    truth = solve_ivp(flow, (0, 30), [*start, size], rtol=1e-10, atol=1e-12).y[:, -1]
    value, synapses, network = cell(
        s * filling, dt=5, tau_bound=43 * second, tau_pool=14 * 60 * second, pool_size=size * nS, filling=filling
    )
    synapses.weight = start * nS
    network.run(30 * second, namespace={})
    found = [*np.asarray(synapses.weight) / 1e-9, size + float(value.pool_change[0]) / 1e-9]
    np.testing.assert_allclose(found, truth, rtol=2e-3)
    assert abs(truth[:3] - start).max() > 0.3


def test_expression_and_turnover_change_slots_and_weights_follow():
    learning = {"eta": 1 * nS / second, "c_floor": 0.1, "tau_turnover": np.inf * second}
    value, synapses, network = cell([1, 1, 1], Linear(), FinitePool(), Constitutive(), **CLOSED, **learning)
    synapses.calcium = [1.1, 0, 0]
    network.run(2 * second, namespace={})
    np.testing.assert_allclose(np.asarray(synapses.slots) / 1e-9, [3, 1, 1], rtol=1e-9)
    winner, *others = np.asarray(synapses.weight) / 1e-9
    assert 1 < winner < 1.5  # (1 - filling) x 43 s to fill them
    assert max(others) < 1
    synapses.calcium = 0
    value.forgetting = 2 / second
    network.run(1 * second, namespace={})
    np.testing.assert_allclose(np.asarray(synapses.slots) / 1e-9, np.array([3, 1, 1]) * np.exp(-2), rtol=1e-9)


def test_gradual_trafficking_is_a_low_pass_of_slots():
    _, synapses, network = cell([1.0, 2.0], Gradual(), tau_expression=100 * second)
    synapses.slots = [2, 1] * nS
    network.run(70 * second, namespace={})
    expected = np.array([2, 1]) + np.array([-1, 1]) * np.exp(-0.7)
    np.testing.assert_allclose(np.asarray(synapses.weight) / 1e-9, expected, rtol=1e-9)
