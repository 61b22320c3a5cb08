"""The benchmark of slow nets: attention is attention, a timed step is a step of training, ratios are as named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import slownet
from benchmarks.slownet import ATTENTION, BATCH, RULES, SoftmaxReads
from neurofwp.slownet.families import gated_pairs as task
from neurofwp.slownet.programmer import Shape
from neurofwp.slownet.training.loop import Training, train
from neurofwp.slownet.training.meta_training import draw_batch, meta_train
from neurofwp.slownet.training.settings import MetaTraining

CPU = torch.device("cpu")
FAMILY = task.family(task.Settings(stored=2, distractors=2))


def by_events(key: np.ndarray, query: np.ndarray, value: np.ndarray, gate: np.ndarray) -> np.ndarray:
    """Softmax over earlier writes, one read after the other; nothing where nothing was written."""
    reads = np.zeros_like(value)
    for episode in range(len(key)):
        for event in range(key.shape[1]):
            writes = [s for s in range(event + 1) if gate[episode, s] > 0]
            weights = [np.exp(query[episode, event] @ key[episode, s]) for s in writes]
            for s, weight in zip(writes, weights, strict=True):
                reads[episode, event] += weight / sum(weights) * gate[episode, s] * value[episode, s]
    return reads


@pytest.mark.parametrize("seed", range(4))
def test_attention_is_a_softmax_over_earlier_writes(seed: int) -> None:
    random = np.random.default_rng(seed)
    key, query = random.standard_normal((2, 3, 12, 5))
    value, gate = random.uniform(-1, 1, (3, 12, 4)), random.uniform(0, 1, (3, 12))
    gate[random.uniform(size=gate.shape) < 0.5] = 0
    gate[0, :3] = 0  # reads before anything was written
    value[gate == 0] = 9.0  # would show
    tensors = (torch.tensor(each) for each in (key, query, value, gate))
    read = SoftmaxReads(Shape(cue=1, content=4, pre=5, active=None))._read(*tensors, retention=torch.ones(3, 12))
    np.testing.assert_allclose(read.numpy(), by_events(key, query, value, gate), rtol=1e-12, atol=1e-13)


def test_all_parameters_of_the_net_with_attention_learn() -> None:
    net = slownet.contenders(FAMILY, 0, CPU)[ATTENTION]
    episodes = draw_batch(FAMILY, BATCH, (0, 0, 0), "cpu")
    slownet.step(net, lambda step: episodes)()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_the_net_with_attention_learns_what_to_let_pass() -> None:
    net = slownet.contenders(FAMILY, 0, CPU)[ATTENTION]
    held_out = draw_batch(FAMILY, 64, (1, 0, 0), "cpu")
    draw, _ = slownet.batches(FAMILY, 0, CPU)

    def scores() -> dict[str, float]:
        with torch.no_grad():
            return FAMILY.measure(net(held_out)[0], held_out)

    before = scores()
    settings = Training(steps=150, learning_rate=1e-2, evaluate_every=150)
    train(net, draw, slownet.loss, lambda net: {"loss": 0.0}, settings=settings, progress=False)
    after = scores()
    assert before["distractors_r2"] > 0.3  # the gate does not tell them apart yet
    assert after["distractors_r2"] < 0.1
    assert after["r2"] > 0.8


def test_the_contenders_differ_in_their_reads_alone() -> None:
    nets = slownet.contenders(FAMILY, 3, CPU)
    episodes = draw_batch(FAMILY, BATCH, (0, 0, 0), "cpu")
    with torch.no_grad():
        answers, signals = zip(*(net(episodes) for net in nets.values()), strict=True)
    for other in signals[1:]:
        for name, tensor in vars(signals[0]).items():
            assert torch.equal(vars(other)[name], tensor), name
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not torch.allclose(answers[a], answers[b], atol=1e-2)


@pytest.mark.parametrize("rule", RULES)
def test_a_timed_step_is_the_first_step_of_meta_training(rule: str) -> None:
    net = slownet.contenders(FAMILY, 5, CPU)[rule]
    draw, there = slownet.batches(FAMILY, 5, CPU)
    assert there(1) is there(2)
    assert torch.equal(draw(0).cue, there(0).cue)
    assert not torch.equal(draw(1).cue, there(1).cue)
    slownet.step(net, draw)()
    trained, _ = meta_train(FAMILY, MetaTraining(rule=rule, steps=1), seed=5, progress=False)
    for name, tensor in trained.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], tensor, rtol=0, atol=0)


def test_ratios_are_of_medians_and_spreads_of_rounds() -> None:
    seconds = {
        "hebbian": np.array([1.0, 2.0, 100.0]),  # one slow round
        "delta": np.array([4.0, 4.0, 4.0]),
        ATTENTION: np.array([1.0, 8.0, 50.0]),
    }
    numbers = slownet.compare(seconds, "36")
    assert numbers["examples_per_s.hebbian.36"] == pytest.approx(BATCH / 2)
    assert numbers["ratio.hebbian.36"] == pytest.approx(4)
    assert numbers["ratio.delta.36"] == pytest.approx(2)
    assert numbers["spread.delta.36"] == pytest.approx([(0.25 + 2) / 2, (2 + 12.5) / 2])


def test_what_a_run_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(slownet, "ROUNDS", {3: 2, 20: 1})
    file = tmp_path / "new" / "slownet.json"
    assert slownet.main(["--json", str(file), "--device", "cpu"]) == 0
    numbers = json.loads(file.read_text())
    for suffix in ("", ".without_drawing"):
        for rule in RULES:
            for events in (6, 40):
                fast, attention = (numbers[f"examples_per_s.{each}.{events}{suffix}"] for each in (rule, ATTENTION))
                assert numbers[f"ratio.{rule}.{events}{suffix}"] == pytest.approx(fast / attention)
            ahead = [events for events in (6, 40) if numbers[f"ratio.{rule}.{events}{suffix}"] > 1]
            assert numbers[f"crossover.{rule}{suffix}"] == (None if 40 not in ahead else min(ahead))
        for name in (*RULES, ATTENTION):
            # keys, queries and the sigmoid behind either are kept for the backward pass
            assert numbers[f"peak_mib.{name}.40{suffix}"] > 3 * BATCH * 40 * 1000 * 4 / 2**20
    assert numbers["clock"] == "process"
    assert capsys.readouterr().out.splitlines()[-1] == str(file)


def test_a_gpu_that_is_not_there_is_said_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert slownet.main(["--device", "cuda"]) == 1
    assert "torch sees no GPU" in capsys.readouterr().err
