"""State tracking: small networks that count, small ones that cannot, and how they are scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.experiments import state_tracking as experiment
from neurofwp.experiments.state_tracking import CONDITIONS, Settings
from neurofwp.rate import Tracker
from neurofwp.tasks.tokens import NOT_ASKED, TRACKED, TrackedTask, permutations

SMALL = Settings(length=8, steps=400, networks=1, episodes=200)
SEED = (11, 0)


def scaled_at_8_times_the_training_length(condition: str, settings: Settings = SMALL) -> float:
    right, _ = experiment.train_and_test(condition, settings, SEED, "cpu", None)
    chance = 1 / experiment.task_of(condition).answers
    at = experiment.tested_lengths(settings).tolist().index(8 * settings.length)
    return float((right[at] - chance) / (1 - chance))


@pytest.mark.parametrize("condition", ["parity.beta_2", "mod3", "parity.lstm"])
def test_mirrors_and_turns_count_far_beyond_the_training_length(condition: str) -> None:
    assert scaled_at_8_times_the_training_length(condition) > 0.99


@pytest.mark.parametrize("condition", ["parity.beta_1", "mod3.one_micro_step"])
def test_without_them_the_same_network_answers_by_chance(condition: str) -> None:
    assert abs(scaled_at_8_times_the_training_length(condition)) < 0.1


def test_attention_counts_in_training_and_not_beyond() -> None:
    settings = Settings(length=4, steps=300, networks=1, episodes=60)
    right, _ = experiment.train_and_test("parity.transformer", settings, SEED, "cpu", None)
    assert right[experiment.tested_lengths(settings) <= 4].min() > 0.95
    assert abs(right[-1] - 0.5) < 0.2


def test_one_mirror_swaps_two_of_five_things() -> None:
    """A delta layer of write strength 2, its weights set by hand, follows swaps without training."""
    swapped = nf.tasks.tokens.permuted_things(5, 200, 3, only_swaps=True, seed=4)
    every = permutations.group(5)
    apart = np.eye(5)[every] - np.eye(5)
    key = np.array([each[np.abs(each).sum(1).argmax()] for each in apart]) / 2**0.5  # e_j - e_i, 0 for the identity
    token, place = swapped["token"].values[:, 1:], swapped["place"].values
    start = np.eye(5)[place[:, 0, 0]]
    arguments = {"key": key[token], "query": np.broadcast_to(np.eye(5), (3, 199, 5, 5))}
    for thing in range(5):
        read, _ = nf.rate.run(
            "delta", query=torch.tensor(arguments["query"][:, :, thing].copy())[:, :, None],
            key=torch.tensor(arguments["key"])[:, :, None], value=torch.zeros(3, 199, 1, 1, dtype=torch.float64),
            beta=torch.full((3, 199, 1), 2.0, dtype=torch.float64), initial=torch.tensor(start)[:, None, None],
        )  # fmt: skip
        np.testing.assert_allclose(read[..., 0, 0].numpy(), place[:, 1:, 0] == thing, atol=1e-9)


def test_what_is_not_asked_does_not_count() -> None:
    task = TrackedTask("every other", 3, 3, lambda *sizes: with_gaps(*sizes))
    right = experiment.accuracy(Forgetful(99), task, np.array([2, 4, 8]), 20, seed=(1,))
    np.testing.assert_array_equal(right, 1)
    batch = experiment._batch(task, 8, 5, (1,), "cpu")
    assert float(experiment.squared_error(Forgetful(99), batch)) == 0


def with_gaps(length: int, episodes: int, seed: Any) -> xr.Dataset:
    sums = nf.tasks.modular_sums(3, length, episodes, seed=seed)
    return sums.assign(target=sums["target"].where(sums["event"] % 2 == 0, NOT_ASKED))


@pytest.mark.parametrize("model", experiment.SHARED)
@pytest.mark.parametrize("task", ["s5", "brackets"])
def test_every_model_answers_every_task(task: str, model: str) -> None:
    settings = Settings(length=8, steps=1, networks=1, episodes=2)
    built = experiment.build(CONDITIONS[f"{task}.{model}"], settings, torch.Generator().manual_seed(0))
    token, _ = experiment._batch(TRACKED[task], 8, 2, (0,), "cpu")
    assert built(token).shape == (2, 8, TRACKED[task].answers)


def tracker(seed: int) -> Tracker:
    mod3 = CONDITIONS["mod3"]
    generator = torch.Generator().manual_seed(seed)
    return Tracker(3, 3, mod3.rule, mod3.beta_range, mod3.sizes, generator=generator)


def test_nothing_decays_however_long_it_trains() -> None:
    model = tracker(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    batch = experiment._batch(TRACKED["mod3"], 8, 16, (0,), "cpu")
    for _ in range(5):
        optimiser.zero_grad()
        experiment.squared_error(model, batch).backward()
        optimiser.step()
    signals = model.layer._signals(model.embedding(torch.arange(3))[None])
    assert (signals["log_decay"] == 0).all()


def test_an_interrupted_network_comes_out_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(length=4, steps=200, networks=1, episodes=10)
    whole, loss = experiment.train("parity.beta_2", settings, SEED, "cpu", tmp_path / "whole")
    draw = experiment._batch

    def interrupted(task: Any, length: int, episodes: int, seed: tuple[int, ...], device: Any) -> Any:
        if seed[0] == 0 and seed[-1] == 250:
            raise KeyboardInterrupt
        return draw(task, length, episodes, seed, device)

    with monkeypatch.context() as patched:
        patched.setattr(experiment, "_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            experiment.train("parity.beta_2", settings, SEED, "cpu", tmp_path / "parts")
    resumed, same = experiment.train("parity.beta_2", settings, SEED, "cpu", tmp_path / "parts")
    assert same == loss
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_lengths_grow_over_the_steps() -> None:
    settings = Settings(length=16, steps=9)
    assert [experiment.length_at(step, settings) for step in range(12)] == [4, 4, 4, 8, 8, 8, 16, 16, 16, 16, 16, 16]
    assert experiment.tested_lengths(settings).tolist() == [4, 8, 16, 32, 64, 128, 256, 512, 1024]


class Forgetful(nn.Module):
    """Counts modulo 3 without fault up to an event, and then answers 0."""

    def __init__(self, until: int) -> None:
        super().__init__()
        self.until = nn.Parameter(torch.tensor(float(until)))

    def forward(self, token: Tensor) -> Tensor:
        total = torch.where(torch.arange(token.shape[1]) < self.until, token.cumsum(1) % 3, 0)
        return nn.functional.one_hot(total, 3).float()


def test_accuracy_is_that_of_the_last_events_up_to_a_length() -> None:
    lengths = np.array([4, 8, 16, 32])
    right = experiment.accuracy(Forgetful(14), TRACKED["mod3"], lengths, 3000, seed=(5,))
    np.testing.assert_array_equal(right[:2], 1)
    np.testing.assert_allclose(
        right[2:], [(2 + 2 / 3) / 4, 1 / 3], atol=0.02
    )  # events 13 to 16: two right, two guessed


def test_loss_against_a_loop() -> None:
    batch = experiment._batch(TRACKED["mod3"], 6, 4, (3,), "cpu")
    model = tracker(1)
    answers = model(batch[0])
    total = 0.0
    for answer, target in zip(answers.flatten(0, 1).tolist(), batch[1].flatten().tolist(), strict=True):
        total += sum((value - (index == target)) ** 2 for index, value in enumerate(answer))
    assert experiment.squared_error(model, batch).item() == pytest.approx(total / 24, rel=1e-5)


@pytest.fixture
def result() -> xr.DataTree:
    lengths = 2 * 2 ** np.arange(9)
    accuracy = np.zeros((len(CONDITIONS), 2, 9))
    where = list(CONDITIONS).index
    accuracy[where("parity.beta_2")] = 1
    accuracy[where("mod3")] = np.linspace(1, (0.2, 0.6), 9).T
    curves = xr.Dataset(
        {
            "accuracy": (("condition", "network", "length"), accuracy, {"units": "1"}),
            "loss": (("condition", "network"), np.arange(2.0 * len(CONDITIONS)).reshape(-1, 2)),
            "parameters": ("condition", np.arange(len(CONDITIONS))),
        },
        coords={"condition": list(CONDITIONS), "length": ("length", lengths, {"units": "events"})},
        attrs={"training_length": 8},
    )
    return xr.DataTree.from_dict({"/curves": curves})


def test_the_summary_reports_8_times_and_64_times_the_training_length(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    of = {name: numbers[f"generalisation.{name}.8.accuracy"] for name in CONDITIONS}
    assert (of["parity.beta_1"], of["parity.beta_2"]) == (0, 1)
    assert numbers["size.mod3.parameters"] == list(CONDITIONS).index("mod3")
    assert of["mod3"] == pytest.approx(0.625)  # 64 events, the sixth of nine lengths
    assert numbers["generalisation.mod3.8.accuracy_of_networks"] == pytest.approx([0.5, 0.75])
    assert numbers["generalisation.mod3.8.accuracy.sem"] == pytest.approx(0.125)
    assert numbers["generalisation.mod3.64.accuracy"] == pytest.approx(0.4)
    index = list(CONDITIONS).index("mod3.one_micro_step")
    assert numbers["training.mod3.one_micro_step.loss_of_networks"] == [2 * index, 2 * index + 1]
    assert {f"generalisation.mod3.{times}.accuracy" for times in (1, 2, 4, 8)} < numbers.keys()
    assert numbers["training_length"] == 8


def test_the_figure_draws_every_network_and_the_mean(result: xr.DataTree) -> None:
    figure = experiment.plot(result)["state_tracking"]
    accuracy = result["curves"]["accuracy"]
    for ax, task in zip(figure.axes, TRACKED, strict=True):
        drawn = [line.get_ydata() for line in ax.lines[1:]]  # the first is chance
        names = [name for name in CONDITIONS if CONDITIONS[name].task == task]
        for name, start in zip(names, range(0, len(drawn), 3), strict=True):
            np.testing.assert_allclose(drawn[start : start + 2], accuracy.sel(condition=name).values)
            np.testing.assert_allclose(drawn[start + 2], accuracy.sel(condition=name).mean("network"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 6}, "length must be a multiple of 4, but is 6"),
        ({"networks": 0}, "networks must be 1 or more, but is 0"),
        ({"episodes": 0}, "episodes must be 1 or more, but is 0"),
        ({"tasks": ("s4",)}, "task"),
        ({"tasks": ("brackets",), "length": 12}, "length must be a multiple of 8, but is 12"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(Settings(**settings), seed=0, device="cpu")
