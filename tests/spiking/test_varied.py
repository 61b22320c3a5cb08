"""Parameters that differ between episodes: each episode is the one that a network with its parameters has."""

import numpy as np
import pytest
from brian2 import Hz, ms, nS, second

from neurofwp.errors import InputError
from neurofwp.spiking import SpikingNetwork

from .conftest import pairs

SETTINGS = {"cells_per_pool": 2, "target": "numpy", "key_cells": "poisson"}


def written(episodes=2):
    values = np.random.default_rng(0).choice([-1.0, 1.0], (1, 1, 2)).repeat(episodes, axis=0)
    return pairs(values, pre=12, active=6, duration=300.0)


@pytest.mark.parametrize("synapse", ["error-correcting", "soft-bound"])
def test_each_episode_runs_with_its_own_parameters(synapse):
    varied = {
        "g_gaba": np.array([0, 60]) * nS,  # of a connection
        "g_gate": np.array([10, 14]) * nS,  # of value cells
        "tau_nmda": np.array([50, 100]) * ms,  # of key cells
        "tau_turnover": np.array([1, 50]) * second,  # of synapses
        "P": np.array([4, 5]) * nS / second,  # of what follows from it
    }
    both = SpikingNetwork(synapse, **SETTINGS).run(written(), seed=3, varied=varied)
    for episode in range(2):
        parameters = {name: values[episode] for name, values in varied.items()}
        one = SpikingNetwork(synapse, parameters=parameters, **SETTINGS).run(written(), seed=3)
        seen, expected = (trace["conductance"].values[episode] for trace in (both, one))
        np.testing.assert_array_equal(seen, expected)
    assert abs(both["conductance"][0] - both["conductance"][1]).max() > 0.01


def test_weights_begin_where_each_episode_says():
    varied = {"w0": np.array([0.1, 0.3]) * nS}
    network = SpikingNetwork("graupner-brunel-cortical-slice-nmda", **SETTINGS)
    quiet = written()
    quiet["key"][:] = 0
    quiet["query"][:] = 0
    quiet["write_gate"][:] = 0
    seen = network.run(quiet, varied=varied)["conductance"].isel(event=0)
    np.testing.assert_allclose(seen.mean(("polarity", "post", "pre")), [0.1, 0.3], rtol=1e-3)


@pytest.mark.parametrize(
    ("varied", "message"),
    [
        ({"g_gabba": np.ones(2) * nS}, "g_gabba.*g_gaba"),
        ({"g_gaba": np.ones(3) * nS}, "one value for each of the 2"),
        ({"g_gaba": np.ones(2) * Hz}, "g_gaba of episode 0 .* needs a unit like 'nS'"),
        ({"g_gaba": np.array([1, -1]) * nS}, "g_gaba of episode 1 is -1 nS"),
        ({"p": np.array([2.0, 4.0])}, "p shapes the code"),
    ],
)
def test_what_cannot_differ_is_refused(varied, message):
    with pytest.raises(InputError, match=message):
        SpikingNetwork("error-correcting", **SETTINGS).run(written(), varied=varied)
