"""Turnover: exponential loss, and a retention that multiplies the weights of one event."""

import numpy as np
import pytest
from brian2 import Hz, ms, nS, second

from neurofwp import program
from neurofwp.spiking import SpikingNetwork
from neurofwp.synapses.stages.turnover import Constitutive


@pytest.mark.parametrize("dt", [0.1, 1, 50])
def test_loss_is_exponential_and_rates_add(bench, dt):
    rig = bench(Constitutive(), n=3, dt=dt * ms, tau_turnover=0.6 * second)
    rig.weight = [0, 1, 2.5]
    rig.value.forgetting = [0, 0, 4] * Hz
    rig.run(round(200 / dt))
    rate = 1 / 0.6 + np.array([0, 0, 4])
    np.testing.assert_allclose(rig.weight, np.array([0, 1, 2.5]) * np.exp(-0.2 * rate), rtol=1e-9)


def test_an_infinite_time_constant_loses_nothing(bench):
    rig = bench(Constitutive(), n=1, tau_turnover=np.inf * second)
    rig.weight = 0.8
    rig.run(100)
    assert rig.weight[0] == pytest.approx(0.8, rel=1e-12)


def test_a_retention_multiplies_the_weights_of_its_episode_over_one_event():
    retention = np.array([[1, 0.3, 1, 0.8], [1, 0.9, 0.5, 0]])
    key = np.zeros((2, 4, 3))
    key[:, 0, :2] = 1
    written = program.from_arrays(key, np.full((2, 4, 1), 0.5), retention=retention, duration=60)
    network = SpikingNetwork(
        "linear", cells_per_pool=1, backend="numpy", synapse_dtype=np.float64, membrane_step=0.5 * ms,
        parameters={"gate_delay": 5 * ms, "pause": 40 * ms, "c_floor": 0.2, "g_tonic": 40 * nS},
    )  # fmt: skip
    weight = network.run(written, seed=3)["conductance"].values.reshape(2, 4, -1)
    assert (weight[:, 0].max(axis=-1) > 0).all()
    # a retention of 0 leaves a millionth: an infinite rate of loss has no number
    np.testing.assert_allclose(
        weight[:, 1:], weight[:, :-1] * np.clip(retention[:, 1:, np.newaxis], 1e-6, 1), rtol=1e-5, atol=1e-12
    )
