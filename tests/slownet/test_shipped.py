"""The slow nets that come with the package do what they are shipped for, on digits they were not trained on."""

from __future__ import annotations

import numpy as np
import pytest

from neurofwp import metrics, slownet
from neurofwp.rate import RateNetwork
from neurofwp.slownet.trained import shipped_names
from neurofwp.tasks import few_shot, gated_pairs

GATED = [name for name in shipped_names() if name.startswith("gated-pairs")]


def test_five_slow_nets_store_what_they_should_and_let_the_rest_pass() -> None:
    """Mean R^2 of stored pairs is .95 or more, that of distractors within .1 of nothing, by the learned gate alone."""
    assert len(GATED) == 5
    r2 = np.empty((5, 2))
    for index, name in enumerate(GATED):
        gated = slownet.load(name)(gated_pairs(6, 12, 20, seed=7000 + index, split="test"))
        trace = RateNetwork("delta").run(gated)
        for k, where in enumerate((gated["stored"], ~gated["stored"])):
            r2[index, k] = metrics.recall_r2(gated, trace, where=where)
        gate = gated["write_gate"].where(gated["write"])
        assert float(gate.where(gated["stored"]).mean()) > 0.95
        assert float(gate.where(~gated["stored"]).mean()) < 0.05
    assert r2[:, 0].mean() >= 0.95
    assert abs(r2[:, 1].mean()) <= 0.1


def test_labels_are_learned_from_examples() -> None:
    """Five ways and five shots: new images of digits get the labels that only this episode gave them."""
    named = slownet.load("few-shot-0")(few_shot(5, 5, 2, 40, seed=7100, split="test"))
    trace = RateNetwork("delta").run(named)
    asked = named["target"].notnull().all(named["target"].dims[-1])
    right = trace["recall"].fillna(0).argmax("post") == named["target"].fillna(0).argmax("post")
    last = asked & (named["shot"] == 5)
    assert float(right.where(last).mean()) > 0.85
    assert float(right.where(asked & (named["shot"] == 1)).mean()) < float(right.where(last).mean())


@pytest.mark.parametrize("name", sorted(shipped_names()))
def test_a_shipped_slow_net_says_how_it_was_made(name: str) -> None:
    net = slownet.load(name)
    assert name.startswith(net.family)
    assert {"settings", "seed", "measured"} <= net.about.keys()
