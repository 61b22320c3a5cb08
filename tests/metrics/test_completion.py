"""Recall from degraded keys against its closed form."""

from __future__ import annotations

import numpy as np

from neurofwp.experiments import hetero_vs_auto as experiment
from neurofwp.metrics import completion
from neurofwp.rate import RateNetwork


def network(rule: str, settings: experiment.Settings) -> RateNetwork:
    return RateNetwork(rule, parameters={"rate": 1 / settings.active}, unit_keys=False, on_off=True)


def test_linear_reads_follow_the_closed_form() -> None:
    settings = experiment.Settings(items=6, shares=(0.5,), episodes=80, key_cells=100, active=10)
    program = experiment.write_program(settings, seed=103).isel(condition=0)
    trace = network("hebbian", settings).run(program)
    cues = completion.cues(settings.shares)
    found = completion.recall_by_cue(program, trace, cues)
    expected = completion.linear_recall_by_cue(program, trace, cues)
    for name in ("r2", "gain"):
        difference = (found[name] - expected[name]).isel(cue=slice(1, None))
        sem = difference.std("episode", ddof=1) / 80**0.5
        assert bool((abs(difference.mean("episode")) < 3 * sem).all())
        np.testing.assert_allclose(found[name].isel(cue=0), expected[name].isel(cue=0), rtol=1e-5)
    np.testing.assert_allclose(expected["gain"].sel(cue=1).mean(), 0.5, atol=0.03)


def test_the_closed_form_does_not_depend_on_the_unit_of_the_weights() -> None:
    settings = experiment.Settings(items=3, shares=(0.5,), episodes=4, key_cells=40, active=6)
    program = experiment.write_program(settings, seed=104).isel(condition=0)
    trace = network("hebbian", settings).run(program)
    in_pS = trace.assign(weight=1000 * trace["weight"])
    one, other = (completion.linear_recall_by_cue(program, each, completion.cues((0.5,))) for each in (trace, in_pS))
    for name in ("r2", "gain"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-10)
