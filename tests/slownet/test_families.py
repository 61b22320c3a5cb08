"""Every family of tasks: it can be trained on, is described, and refuses settings that make no sense."""

from __future__ import annotations

import math
import re
from dataclasses import fields, replace
from types import ModuleType

import numpy as np
import pytest
import torch

from neurofwp import tasks
from neurofwp.cli import catalogue
from neurofwp.errors import InputError
from neurofwp.slownet.episode_tensors import episodes
from neurofwp.slownet.families import Family, digit_pairs, few_shot, gated_pairs, regression
from neurofwp.slownet.family import centre, r2
from neurofwp.slownet.training import meta_training
from neurofwp.slownet.training.settings import MetaTraining
from neurofwp.tasks.digits import images

NAMES = list(catalogue.families())
SMALL = {
    "digit-pairs": {"pairs": 3},
    "few-shot": {"ways": 3, "shots": 1},
    "gated-pairs": {"stored": 2, "distractors": 2},
    "regression": {"inputs": 3, "examples": 4},
}


def family(name: str) -> Family:
    module = catalogue.family(name)
    return module.family(module.Settings(**SMALL.get(name, {})))


@pytest.fixture(autouse=True)
def few_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_training, "HELD_OUT", 4)
    monkeypatch.setattr(meta_training, "TESTED", 4)


def test_there_are_these() -> None:
    assert set(NAMES) >= set(SMALL)


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_trained_on(name: str) -> None:
    chosen = family(name)
    pre = None if chosen.shape.get("active", 1) is None else 40
    active = None if pre is None else 5
    settings = MetaTraining(steps=2, evaluate_every=1, batch=2, pre=pre, active=active)
    model, outcome = meta_training.meta_train(chosen, settings, seed=1, progress=False)
    assert outcome.steps == 2
    assert all(math.isfinite(number) for each in outcome.history for number in each.values())
    fresh = meta_training.initial_programmer(chosen, settings, seed=1)
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), fresh.parameters(), strict=True))
    numbers = meta_training.test_model(model, chosen, seed=1)
    assert numbers.keys() | {"loss", "step"} == outcome.history[0].keys()
    assert all(math.isfinite(number) for number in numbers.values())


@pytest.mark.parametrize("name", NAMES)
def test_it_is_described_and_its_flags_are_its_own(name: str) -> None:
    module: ModuleType = catalogue.family(name)
    assert (module.__doc__ or "").splitlines()[0].endswith(".")
    assert catalogue.families()[name] == (module.__doc__ or "").splitlines()[0]
    shared = {each.name for each in fields(MetaTraining)} | {"seed", "device", "out"}
    assert not shared & {each.name for each in fields(module.Settings)}


@pytest.mark.parametrize("name", NAMES)
def test_episodes_come_from_their_seed(name: str) -> None:
    chosen = family(name)
    assert chosen.draw(2, 3, "train").identical(chosen.draw(2, 3, "train"))
    drawn = episodes(chosen.draw(2, 3, "train"))
    assert not torch.equal(drawn.cue, episodes(chosen.draw(2, 4, "train")).cue)
    assert drawn.write.any()
    assert drawn.wanted.any()
    assert not (drawn.wanted & ~drawn.asked).any()
    for what in ("cue", "content", "context"):
        assert getattr(drawn, what).shape[-1] == chosen.shape.get(what, 0)


@pytest.mark.parametrize("name", ["digit-pairs", "few-shot", "gated-pairs"])
def test_images_to_test_on_are_not_those_to_train_on(name: str) -> None:
    chosen = family(name)
    train, test = ({image.tobytes() for image in images(split)} for split in ("train", "test"))
    for split, own, others in (("train", train, test), ("test", test, train)):
        task = chosen.draw(5, 9, split)
        shown = {cue.tobytes() for cue in task["cue"].values.reshape(-1, 64)}
        assert shown <= own
        assert not shown & others
    samples = {np.ascontiguousarray(cue).tobytes() for cue in chosen.cues().double().numpy()}
    assert samples == train


def test_perfect_answers_get_perfect_scores_and_no_answer_none() -> None:
    """A constant answer has no R2 where it is the mean, and less elsewhere; guessing labels is right 1 in 3 times."""
    for name in ("digit-pairs", "gated-pairs"):
        chosen = family(name)
        shown = episodes(chosen.draw(40, 11, "test"))
        assert chosen.measure(shown.target, shown)["r2"] == 1
        mean = shown.target[shown.wanted].mean()
        nothing = chosen.measure(mean.expand_as(shown.target), shown)
        assert nothing["r2"] == pytest.approx(0, abs=1e-5)
        assert ("distractors_r2" in nothing) == (name == "gated-pairs")
        assert chosen.measure((mean + 1).expand_as(shown.target), shown)["r2"] < 0
    shown = episodes(family("gated-pairs").draw(40, 11, "test"))
    only = torch.where(shown.wanted[..., None], shown.target, -0.4)
    numbers = family("gated-pairs").measure(only, shown)
    assert numbers["r2"] == 1
    assert abs(numbers["distractors_r2"]) < 0.02

    labels = family("few-shot")
    shown = episodes(labels.draw(200, 11, "test"))
    assert labels.measure(shown.target, shown) == {"accuracy": 1.0}
    guess = torch.randn(shown.target.shape, generator=torch.Generator().manual_seed(0))
    assert labels.measure(guess, shown)["accuracy"] == pytest.approx(1 / 3, abs=0.06)

    line = family("regression")
    shown = episodes(line.draw(2000, 11, None))
    assert line.measure(shown.target, shown) == {"squared_error": 0.0}
    of_nothing = line.measure(torch.zeros_like(shown.target), shown)["squared_error"]
    assert of_nothing == pytest.approx(3, rel=0.1)  # E (w.x)^2 = d


def test_r2_is_that_of_numpy() -> None:
    rng = np.random.default_rng(3)
    answer, target, where = rng.normal(size=(4, 6, 5)), rng.normal(size=(4, 6, 5)), rng.random((4, 6)) < 0.5
    said, meant = answer[where], target[where]
    expected = 1 - ((said - meant) ** 2).sum() / ((meant - meant.mean()) ** 2).sum()
    assert r2(*map(torch.as_tensor, (answer, target, where))) == pytest.approx(expected)


def test_centred_values_of_training_digits_have_no_mean_and_stay_in_range() -> None:
    numbers = centre()
    values = numbers["value_gain"] * (2 * images("train") - 1 - numbers["value_offset"])
    assert values.mean() == pytest.approx(0, abs=1e-12)
    assert np.abs(values).max() == pytest.approx(1)


def test_regression_asks_once_after_all_examples_and_needs_no_images() -> None:
    drawn = episodes(family("regression").draw(3, 4, "train"))
    assert torch.equal(drawn.asked, torch.tensor([[False] * 4 + [True]]).expand(3, 5))
    whole = tasks.regression(3, 4, 3, seed=4)
    np.testing.assert_allclose(drawn.target[:, -1], whole["target"].values[:, -1], rtol=1e-6)
    assert family("regression").cues is None


def test_regression_can_be_learned_with_sparse_keys_too() -> None:
    """Its first event shows a cue of zeros, which drives all cells alike."""
    settings = MetaTraining(steps=2, evaluate_every=1, batch=2, pre=20, active=4)
    _, outcome = meta_training.meta_train(family("regression"), settings, seed=1, progress=False)
    assert math.isfinite(outcome.best["loss"])


@pytest.mark.parametrize(
    ("module", "changed", "named"),
    [
        (digit_pairs, {"pairs": 0}, "pairs must be at least 1, not 0"),
        (digit_pairs, {"pairs": 700}, "700 pairs, 350 of them reassigned, need 1750 different images"),
        (digit_pairs, {"reassign": 1.5}, "reassign is a share of the pairs and must be in [0, 1], not 1.5"),
        (few_shot, {"ways": 0}, "ways must be at least 2, not 0"),
        (few_shot, {"ways": 1}, "ways must be at least 2, not 1"),
        (few_shot, {"ways": 11}, "ways must be at most 10"),
        (few_shot, {"shots": 90, "queries": 5}, "shots = 90 and queries = 5 need 540 different images"),
        (gated_pairs, {"stored": 0}, "stored must be at least 1, not 0"),
        (gated_pairs, {"distractors": -1}, "distractors must be at least 0, not -1"),
        (gated_pairs, {"noise": -0.5}, "noise is a standard deviation and must be 0 or more, not -0.5"),
        (regression, {"inputs": 0}, "inputs must be at least 1, not 0"),
        (regression, {"examples": 0}, "examples must be at least 1, not 0"),
    ],
)
def test_settings_that_make_no_sense(module: ModuleType, changed: dict, named: str) -> None:
    with pytest.raises(InputError, match=re.escape(named)):
        meta_training.meta_train(
            module.family(replace(module.Settings(), **changed)), MetaTraining(steps=1), seed=0, progress=False
        )
