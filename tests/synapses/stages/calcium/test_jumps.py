"""Calcium that jumps at spikes of both cells: a sum of exponentials, one for each spike."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, second

from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses import model
from neurofwp.synapses.stages.calcium.jumps import Jumps
from neurofwp.synapses.stages.expression.two_threshold import TwoThreshold

PRE, POST = (10.0, 30.0, 34.0), (12.0, 31.0)


def calcium(delay, step, pre=PRE, post=POST):
    """(time in ms, calcium) of a cortical slice synapse, every ms of 100."""
    events = model.load("graupner-brunel-cortical-slice")
    forms = {"calcium": Jumps(), "expression": TwoThreshold()}
    clocked = replace(events, stages=tuple(forms.get(stage.stage, stage) for stage in events.stages))
    bench = Laboratory(clocked, parameters={"pre_delay": delay * ms}, step=step * ms, backend="numpy")
    made = bench.run([Protocol("spikes", pre, post, period=0.1)], record=1 * ms)
    return made["time"].values, made["calcium"].values[0]


@pytest.mark.parametrize("delay", [0, 5])
@pytest.mark.parametrize("step", [1, 0.25])
def test_it_is_the_sum_of_what_is_left_of_each_jump(delay, step):
    time, found = calcium(delay, step)
    # a cell fires one step after it is told to, records show the state one step before, and calcium lags by half a step
    jumps = [(t + step + delay, 0.5617539) for t in PRE] + [(t + step, 1.23964) for t in POST]
    since = time[:, None] - step - np.array([t for t, _ in jumps])
    left = np.where(since > -1e-9, np.exp((step / 2 - since.clip(0)) / 22.6936), 0) * [size for _, size in jumps]
    np.testing.assert_allclose(found, left.sum(axis=1), rtol=1e-9, atol=1e-12)


def test_either_cell_brings_its_own_calcium():
    _, pre = calcium(0, 1, post=())
    _, post = calcium(0, 1, pre=())
    _, both = calcium(0, 1)
    half_a_step = np.exp(0.5 / 22.6936)
    assert pre.max() == pytest.approx(
        half_a_step * 0.5617539 * (1 + np.exp(-4 / 22.6936) * (1 + np.exp(-20 / 22.6936)))
    )
    np.testing.assert_allclose(both, pre + post, rtol=1e-12)


def test_survival_over_a_step_is_that_of_exponential_decay():
    survival = Jumps().derive({"tau_calcium": 20 * ms}, 10 * ms)["calcium_survival"]
    assert survival == pytest.approx(np.exp(-0.5))
    assert Jumps().derive({"tau_calcium": 1 * second}, 1 * second)["calcium_survival"] == pytest.approx(np.exp(-1))
