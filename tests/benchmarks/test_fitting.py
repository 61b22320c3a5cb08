"""The benchmark of fits: what it times is the same work in a batch and alone."""

import pytest
import torch

from benchmarks import fitting
from neurofwp import rules
from neurofwp.identification.levenberg_marquardt import minimise
from neurofwp.identification.preparation import prepare

SMALL = fitting.Settings(episodes=2, keys=3, pre=24, post=3)


@pytest.mark.parametrize("rule", ["fixed_decay", "outstar"])
def test_starts_end_alike_in_a_batch_and_alone(rule: str) -> None:
    made, one, _ = fitting.traces(SMALL)
    residuals, starts = fitting.problem(rules.get(rule), prepare(made, one), seed=1)
    assert len(starts) == fitting.STARTS
    together = minimise(residuals, starts, low=0, high=1, iterations=fitting.ITERATIONS)
    alone = torch.cat([each.cost for each in fitting.one_by_one(residuals, starts)])
    torch.testing.assert_close(together.cost, alone, rtol=1e-6, atol=1e-12)


def test_the_whole_tells_time_memory_and_verdict() -> None:
    numbers = fitting.whole(fitting.Settings(episodes=4, keys=4, pre=36, post=3), "cpu")
    assert "delta" in numbers["rules"]
    assert 0 < numbers["seconds.identify.cpu"] < 600
    assert 100 < numbers["mebibytes.identify.cpu"] < 4096
