"""Meta-learning: slow nets set by hand are on closed forms, and small trained ones learn to learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from neurofwp import theory
from neurofwp.errors import InputError
from neurofwp.experiments import meta_learning as experiment
from neurofwp.experiments.meta_learning import Settings
from neurofwp.runtime import files
from neurofwp.slownet.episode_tensors import Episodes
from neurofwp.slownet.programmer import Programmer, Signals
from neurofwp.slownet.training import meta_training
from neurofwp.slownet.training.meta_training import initial_programmer
from neurofwp.tasks.digits import images

SMALL = Settings(
    networks=2, inputs=4, examples=8, ways=3, shots=2, regression_steps=250, few_shot_steps=30, gate_steps=30,
    episodes=1000,
)  # fmt: skip


def with_constant_gate(rule: str, settings: Settings, step: float) -> Programmer:
    """A slow net before training, set to write plain x under its gate's one value."""
    family, training = experiment.tasks_and_training(rule, settings)
    model = initial_programmer(family, training, seed=0)
    with torch.no_grad():
        model.keys.map.copy_(torch.eye(settings.inputs))
        model.gate.weight.zero_()
        model.gate.bias.fill_(np.log(step / (1 - step)))
    return model


def found_of(model: nn.Module, rule: str, settings: Settings) -> xr.Dataset:
    family, _ = experiment.tasks_and_training(rule, settings)
    return experiment.scores(rule, model, experiment.held_out_episodes(rule, settings, family, 5))


def test_a_constant_gate_makes_delta_what_its_closed_form_says() -> None:
    settings = Settings(episodes=4000)
    found = found_of(with_constant_gate("delta", settings, 1 / 12), "delta", settings)
    z = (found["squared_error"] - theory.delta_regression(found["examples"], 10)) / found["sampling_sem"]
    assert found["examples"].values.tolist() == list(range(41))
    assert float(abs(z).max()) < 3
    assert float(found["squared_error"].sel(examples=20)) == pytest.approx(1.755, abs=0.15)


@pytest.mark.parametrize("count", [5, 20])
def test_a_constant_gate_makes_hebbian_what_its_closed_form_says(count: int) -> None:
    settings = Settings(episodes=4000)
    model = with_constant_gate("hebbian", settings, float(theory.hebbian_step(count, 10)))
    here = found_of(model, "hebbian", settings).sel(examples=count)
    assert abs(here["squared_error"] - theory.hebbian_regression(count, 10)) < 3 * here["sampling_sem"]


def test_steps_of_a_constant_gate_vary_as_the_size_of_x_does() -> None:
    found = found_of(with_constant_gate("delta", SMALL, 0.1), "delta", SMALL)
    assert float(found["gate_correlation"]) == 0
    assert float(found["step_variation"]) == pytest.approx(np.sqrt(2 / SMALL.inputs), rel=0.02)


class ByHand(nn.Module):
    """Regression with gate u/|x|^2, by a loop of its own."""

    def __init__(self, rule: str, step: float) -> None:
        super().__init__()
        self.rule, self.step = rule, nn.Parameter(torch.tensor(step))

    def forward(self, batch: Episodes) -> tuple[Tensor, Signals]:
        size = batch.cue.square().sum(-1)
        gate = torch.where(size > 0, self.step / size, 0.0)
        weight = torch.zeros_like(batch.cue[:, 0])
        answers = []
        for event in range(batch.cue.shape[1]):
            x, y = batch.cue[:, event], batch.content[:, event]
            error = y - (weight * x).sum(-1, keepdim=True) if self.rule == "delta" else y
            weight = weight + gate[:, event, None] * error * x
            answers.append((weight * batch.probe[:, event]).sum(-1, keepdim=True))
        return torch.stack(answers, 1), Signals(batch.cue, batch.probe, batch.content, gate, gate)


@pytest.mark.parametrize(("rule", "step"), [("hebbian", 4 / (8 + 4 - 1)), ("delta", 1.0)])
def test_steps_over_the_square_of_x_are_on_the_limit(rule: str, step: float) -> None:
    settings = Settings(inputs=4, examples=8, episodes=10_000)
    found = found_of(ByHand(rule, step), rule, settings)
    limit = experiment.closed_forms(settings)["limit"][1][experiment.RULES.index(rule)]
    here = found.sel(examples=8)
    assert abs(here["squared_error"] - limit[8]) < 3 * here["sampling_sem"]
    assert float(found["step_variation"]) < 1e-6
    assert float(found["gate_correlation"]) == pytest.approx(1)


def test_nothing_is_carried_from_one_episode_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    model = with_constant_gate("delta", SMALL, 0.2)
    family, _ = experiment.tasks_and_training("delta", SMALL)
    task = experiment.held_out_episodes("delta", SMALL, family, 1).isel(episode=slice(10))
    whole = experiment.observe(model, task)
    monkeypatch.setattr(experiment, "AT_ONCE", 3)
    turned = experiment.observe(model, task.isel(episode=list(range(10))[::-1]))
    for name, values in whole.items():
        np.testing.assert_allclose(turned[name][::-1], values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("part", ["few_shot", "gate"])
def test_held_out_episodes_show_no_image_of_training(part: str) -> None:
    trained = {image.tobytes() for image in images("train")}
    family, _ = experiment.tasks_and_training(part, SMALL)
    first, second = (experiment.held_out_episodes(part, SMALL, family, seed)["cue"].values for seed in (0, 1))
    assert not trained & {image.tobytes() for image in first.reshape(-1, first.shape[-1])}
    assert not np.array_equal(first, second)


class Told(nn.Module):
    """Answers with the target where it is told to, and with its negative elsewhere; opens gates as it is told."""

    def __init__(self, right: np.ndarray, gate: np.ndarray) -> None:
        super().__init__()
        self.right, self.gate = nn.Parameter(torch.tensor(right * 1.0)), torch.tensor(gate)

    def forward(self, batch: Episodes) -> tuple[Tensor, Signals]:
        answer = batch.target * (2 * self.right - 1)[..., None]
        return answer, Signals(batch.cue, batch.cue, batch.content, self.gate, self.gate)


def test_accuracy_is_that_of_the_reads_after_each_round() -> None:
    family, _ = experiment.tasks_and_training("few_shot", SMALL)
    task = experiment.held_out_episodes("few_shot", SMALL, family, 3)
    right = (task["shot"].values == 2) & ~task["write"].values
    right[0] |= ~task["write"].values[0]
    found = experiment.scores("few_shot", Told(right, right), task)
    assert found["shots"].values.tolist() == [1, 2]
    np.testing.assert_allclose(found["accuracy"], [1 / task.sizes["episode"], 1])


def test_gates_are_told_apart_by_what_they_write() -> None:
    family, _ = experiment.tasks_and_training("gate", SMALL)
    task = experiment.held_out_episodes("gate", SMALL, family, 3)
    gate = np.where(task["stored"], 0.92, 0.13) * task["write"].values
    found = experiment.scores("gate", Told(gate, gate), task)
    np.testing.assert_allclose(found["mean"], [0.92, 0.13])
    np.testing.assert_allclose(found["density"].sum("gate"), 1)
    peaks = found["density"].idxmax("gate")
    np.testing.assert_allclose(peaks, [0.925, 0.125])


@pytest.fixture(scope="module")
def result() -> Iterator[xr.DataTree]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(meta_training, "HELD_OUT", 32)
        yield experiment.run(SMALL, seed=100, device="cpu")


def test_training_takes_every_rule_beyond_its_closed_form(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    for rule in experiment.RULES:
        assert numbers[f"slow_nets.{rule}.within_theory"] == 2
        before, after = (f"regression.{rule}.{when}.8" for when in experiment.WHEN)
        assert numbers[f"{after}.squared_error"] < 0.7 * numbers[f"{before}.squared_error"]
        # no gate that sees one example at a time does much better than steps over |x|^2
        limit = numbers[f"regression.{rule}.8.limit"]
        assert numbers[f"{after}.squared_error"] > limit - 4 * numbers[f"{after}.sampling_error"]
        before, after = (f"slow_nets.{rule}.{when}" for when in experiment.WHEN)
        assert numbers[f"{after}.gate_correlation"] > 0.2 > abs(numbers[f"{before}.gate_correlation"])
        assert numbers[f"{after}.step_variation"] < np.sqrt(2 / SMALL.inputs) < numbers[f"{before}.step_variation"]


def test_training_opens_the_gate_to_what_is_to_be_stored(result: xr.DataTree) -> None:
    gate = result["gate"]["mean"]
    assert float(abs(gate.sel(training="before") - 0.5).max()) < 0.1
    after = gate.sel(training="after")
    assert float((after.sel(kind="stored") - after.sel(kind="distractors")).min()) > 0.5


def test_training_helps_to_learn_new_labels(result: xr.DataTree) -> None:
    before, after = (result["few_shot"]["accuracy"].sel(training=when) for when in experiment.WHEN)
    assert bool((after > before).all())
    assert bool((before > result["few_shot"].attrs["chance"]).all())  # sparse random keys are memories already


def test_summary_and_figure_come_from_the_saved_tree_alone(result: xr.DataTree, tmp_path: Path) -> None:
    saved = files.read_tree(files.write_netcdf(result, tmp_path / "result.nc"))
    numbers = experiment.EXPERIMENT.summary(saved)
    assert numbers == experiment.EXPERIMENT.summary(result)
    error = result["regression"]["squared_error"].sel(rule="delta", training="after", examples=8)
    assert numbers["regression.delta.after.8.squared_error"] == pytest.approx(float(error.mean()))
    assert numbers["regression.delta.after.8.squared_error_of_networks"][1] == float(error[1])
    assert numbers["regression.delta.after.8.squared_error.sem"] == pytest.approx(float(error.std(ddof=1)) / np.sqrt(2))
    assert numbers["regression.delta.8.theory"] == pytest.approx(4 * (5 / 6) ** 8)
    assert numbers["regression.hebbian.8.theory"] == pytest.approx(20 / 13)
    figure = experiment.plot(saved)["meta_learning"]
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in figure.axes[1].lines]
    expected = saved["regression"]["squared_error"].sel(rule="delta", training="after").mean("network").values
    assert any(line.shape == expected.shape and np.allclose(line, expected) for line in drawn)


def test_a_trained_network_is_found_again_and_not_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(inputs=3, examples=4, regression_steps=10, episodes=100)
    whole = experiment.train_and_test("delta", settings, 7, "cpu", tmp_path)

    def fails(*_: Any) -> Tensor:
        raise AssertionError("it trains again")

    monkeypatch.setattr("neurofwp.slownet.training.loop._evaluate", fails)
    xr.testing.assert_identical(experiment.train_and_test("delta", settings, 7, "cpu", tmp_path), whole)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"networks": 0}, "networks must be 1 or more, but is 0"),
        ({"gate_steps": 0}, "gate_steps must be 1 or more, but is 0"),
        ({"episodes": 10}, "episodes must be 20 or more, but is 10"),
        ({"architecture": "recurrent"}, "unknown architecture 'recurrent'"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(Settings(**settings), seed=0, device="cpu")
