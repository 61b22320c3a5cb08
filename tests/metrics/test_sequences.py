"""Recall of sequences: exact memories, and what an error does to the loop."""

from __future__ import annotations

import numpy as np

from neurofwp.experiments import hetero_vs_auto as experiment
from neurofwp.metrics import sequences
from neurofwp.rate import RateNetwork


def network(rule: str, settings: experiment.Settings) -> RateNetwork:
    return RateNetwork(rule, parameters={"rate": 1 / settings.active}, unit_keys=False, on_off=True)


def test_an_exact_memory_runs_through_the_whole_ring() -> None:
    """Keys of few cells of very many do not overlap: reads are exact, and so is every key made from one."""
    settings = experiment.Settings(items=4, shares=(0.5,), episodes=2, key_cells=3000, active=3)
    program = experiment.write_program(settings, seed=104).isel(condition=2)
    key = program["key"].values[:, :4]
    assert np.allclose(key @ key.swapaxes(1, 2), 3 * np.eye(4))
    loop = sequences.ring_recall(program, network("delta", settings).run(program), settings.encoder(104))
    assert bool((loop["right"] == 1).all())
    assert bool((loop["direct_overlap"] == 1).all())
    for mode in sequences.MODES:
        np.testing.assert_allclose(loop["answer"].sel(mode=mode), loop["target"], atol=1e-9)


def test_a_loop_with_a_wrong_read_goes_on_from_there() -> None:
    """Item 1 answers as if it were item 2: the loop skips one item and stays one ahead, stepwise reading does not."""
    settings = experiment.Settings(items=5, shares=(0.5,), episodes=2, key_cells=3000, active=3)
    program = experiment.write_program(settings, seed=104).isel(condition=2, episode=[0])
    trace = network("delta", settings).run(program)
    asked = program["pair"].values[0]
    source = int(np.flatnonzero((asked == 2) & (program["cue"].values[0] == 0))[0])
    wrong = (asked == 1) & (program["cue"].values[0] == 0)
    trace["recall"][0, wrong] = trace["recall"][0, source].values
    loop = sequences.ring_recall(program, trace, settings.encoder(104)).isel(episode=0)
    assert loop["right"].sel(mode="stepwise").values.tolist() == [1, 0, 1, 1, 1]
    assert loop["right"].sel(mode="cleaned").values.tolist() == [1, 0, 0, 0, 0]
