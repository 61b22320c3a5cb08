"""Meta-training: a slow net learns when to write, only it changes, and an interrupted training ends where others do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.rate import RateNetwork
from neurofwp.slownet import TrainedSlowNet
from neurofwp.slownet.episode_tensors import Episodes, episodes
from neurofwp.slownet.families import Family, digit_pairs, few_shot, gated_pairs, regression
from neurofwp.slownet.programmer import Programmer
from neurofwp.slownet.training import meta_training
from neurofwp.slownet.training.loop import Outcome
from neurofwp.slownet.training.meta_training import draw_batch, initial_programmer, loss_of, meta_train
from neurofwp.slownet.training.settings import Architecture, MetaTraining

NET = {"pre": 60, "active": 6, "hidden": 8}
TINY = MetaTraining(**NET, steps=4, evaluate_every=2, batch=2, learning_rate=0.01)
UNUSED = 770_000  # seeds of episodes that no training here has seen


@pytest.fixture(autouse=True)
def few_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_training, "HELD_OUT", 8)
    monkeypatch.setattr(meta_training, "TESTED", 8)


@pytest.fixture(scope="module")
def gated() -> Family:
    return gated_pairs.family(gated_pairs.Settings(2, 3))


def learn(family: Family, settings: MetaTraining = TINY, seed: int = 1, **more: Any) -> tuple[Programmer, Outcome]:
    return meta_train(family, settings, seed=seed, progress=False, **more)


def states_equal(one: Programmer, other: Programmer) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == its and torch.equal(a, b) for (name, a), (its, b) in pairs)


@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_it_learns_when_to_write(architecture: Architecture, gated: Family) -> None:
    """On images, episodes and a seed that are new: less loss, and a gate that opens to what is to be stored."""
    settings = replace(TINY, architecture=architecture, steps=24, evaluate_every=24, batch=4, learning_rate=0.03)
    trained, _ = learn(gated, settings)
    before = initial_programmer(gated, settings, seed=1)
    task = gated.draw(20, UNUSED, "test")
    shown, stored = episodes(task), torch.tensor(task["stored"].values)
    losses, differences = [], []
    with torch.no_grad():
        for model in (before, trained):
            answer, signals = model(shown)
            losses.append(float(loss_of(model, answer, signals.gate, shown)))
            gate = [float(signals.gate[shown.write & each].mean()) for each in (stored, ~stored)]
            differences.append(gate[0] - gate[1])
    assert losses[1] < 0.7 * losses[0]
    assert abs(differences[0]) < 0.2
    assert differences[1] > 0.5

    made = TrainedSlowNet(trained, "gated-pairs")(task)
    recall = RateNetwork("delta").run(made)["recall"].values
    asked = ~task["write"].values
    wanted = asked & task["stored"].values
    size = [np.square(recall[each]).mean() for each in (wanted, asked & ~wanted)]
    assert size[1] < 0.5 * size[0]  # of what is let pass, little comes back


def test_training_changes_slow_weights_alone_and_testing_none(gated: Family) -> None:
    model, _ = learn(gated)
    before = initial_programmer(gated, TINY, seed=1)
    assert torch.equal(model.keys.whitening, before.keys.whitening)
    assert torch.equal(model.keys.mean, before.keys.mean)
    for (name, new), (_, old) in zip(model.named_parameters(), before.named_parameters(), strict=True):
        assert not torch.equal(new, old), name
    kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert meta_training.test_model(model, gated, seed=1) == meta_training.test_model(model, gated, seed=1)
    TrainedSlowNet(model, "gated-pairs")(gated.draw(2, UNUSED, "test"))
    assert all(torch.equal(tensor, kept[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None or not parameter.grad.isnan().any() for parameter in model.parameters())


def test_keys_are_whitened_by_training_images(gated: Family) -> None:
    keys = initial_programmer(gated, TINY, seed=1).keys
    cues = gated.cues().double()
    whitened = (cues - keys.mean) @ keys.whitening.double()
    torch.testing.assert_close(keys.mean, cues.mean(0).float())
    assert float(torch.linalg.eigvalsh(whitened.T.cov(correction=0)).max()) == pytest.approx(1 / 1.01, rel=1e-3)


def test_a_cost_of_open_gates_closes_them() -> None:
    family = digit_pairs.family(digit_pairs.Settings(3, 0.0))
    gates = []
    for cost in (0.0, 1.0):
        settings = replace(TINY, steps=20, evaluate_every=20, learning_rate=0.03, gate_cost=cost)
        model, _ = learn(family, settings)
        shown = draw_batch(family, 10, (5, UNUSED, 0), "cpu")
        with torch.no_grad():
            gates.append(float(model(shown)[1].gate[shown.write].mean()))
    assert gates[1] < 0.7 * gates[0]


def test_the_loss_is_what_is_wrong_with_answers_and_any_answer_that_nobody_wants() -> None:
    """Against loops; where nothing is wanted, an answer of the shift alone costs nothing."""
    rng = np.random.default_rng(0)
    answer, target = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 3))
    kind = np.array([[0, 1, 2, 1, 2], [0, 0, 2, 1, 1]])  # write, wanted read, other read
    gate = rng.random((2, 5))
    made = {"write": kind == 0, "asked": kind > 0, "wanted": kind == 1, "target": target}
    none = torch.zeros(2, 5, 0)
    shown = Episodes(cue=none, content=none, context=none, probe=none, **{k: torch.tensor(v) for k, v in made.items()})
    model = initial_programmer(gated_pairs.family(gated_pairs.Settings(1, 1)), TINY, seed=0).double()
    shift = model.shift.item()
    wanted, others, written = [], [], []
    for episode, event in np.ndindex(2, 5):
        if kind[episode, event] == 0:
            written.append(gate[episode, event])
        elif kind[episode, event] == 1:
            wanted.append(np.mean((answer[episode, event] - target[episode, event]) ** 2))
        else:
            others.append(np.mean((answer[episode, event] - shift) ** 2))
    for cost in (0.0, 0.3):
        found = loss_of(model, torch.tensor(answer), torch.tensor(gate), shown, cost)
        assert float(found) == pytest.approx(np.mean(wanted) + np.mean(others) + cost * np.mean(written))
    silent = torch.where(shown.wanted[..., None], shown.target, shift)
    assert float(loss_of(model, silent, torch.tensor(gate), shown)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_a_killed_training_goes_on_to_bit_equal_weights(
    architecture: Architecture, gated: Family, tmp_path: Path
) -> None:
    settings = replace(TINY, architecture=architecture, steps=7, evaluate_every=3, rule="gated_delta")
    whole, expected = learn(gated, settings)
    calls = 0

    def dying(episodes: int, seed: int, split: Any) -> xr.Dataset:
        nonlocal calls
        calls += 1
        if calls == 7:  # held-out episodes, then steps 0 to 4: killed two steps after the first checkpoint
            raise KeyboardInterrupt
        return gated.draw(episodes, seed, split)

    with pytest.raises(KeyboardInterrupt):
        learn(replace(gated, draw=dying), settings, folder=tmp_path)
    drawn_again = calls = 0

    def counting(episodes: int, seed: int, split: Any) -> xr.Dataset:
        nonlocal drawn_again
        drawn_again += 1
        return gated.draw(episodes, seed, split)

    resumed, outcome = learn(replace(gated, draw=counting), settings, folder=tmp_path)
    assert drawn_again == 1 + 4
    assert outcome == expected
    assert states_equal(whole, resumed)


def test_other_settings_do_not_go_on(gated: Family, tmp_path: Path) -> None:
    learn(gated, folder=tmp_path)
    for changed, sentence in (
        ({"gate_cost": 0.5}, "was trained with gate_cost = 0.0, not 0.5"),
        ({"batch": 4}, "was trained with batch = 2, not 4"),
        ({"steps": 6}, "was trained with steps = 4, not 6"),
        ({"rule": "hebbian"}, "was trained with shape = .*'rule': 'delta'.*, not .*'rule': 'hebbian'"),
        ({"architecture": "gru"}, "another architecture"),
    ):
        with pytest.raises(InputError, match=sentence):
            learn(gated, replace(TINY, **changed), folder=tmp_path)
    with pytest.raises(InputError, match="was trained with seed = 1, not 2"):
        learn(gated, seed=2, folder=tmp_path)
    with pytest.raises(InputError, match="was trained with noise = None, not 0.1"):
        learn(gated, folder=tmp_path, config={"noise": 0.1})


def test_a_slow_net_in_the_place_of_a_checkpoint_is_refused(gated: Family, tmp_path: Path) -> None:
    TrainedSlowNet(initial_programmer(gated, TINY, seed=1), "gated-pairs").save(tmp_path / "training.safetensors")
    with pytest.raises(InputError, match="training.safetensors"):
        learn(gated, folder=tmp_path)


def test_a_seed_makes_the_same_training_and_another_makes_another(gated: Family) -> None:
    torch.manual_seed(1)
    one, _ = learn(gated)
    torch.manual_seed(2)
    again, _ = learn(gated)
    other, _ = learn(gated, seed=2)
    assert states_equal(one, again)
    assert not states_equal(one, other)


def test_training_held_out_and_tested_episodes_are_all_different(gated: Family) -> None:
    seen: dict[str, list[int]] = {"train": [], "test": []}
    shown: list[np.ndarray] = []

    def noting(episodes: int, seed: int, split: Any) -> xr.Dataset:
        seen[split].append(seed)
        task = gated.draw(episodes, seed, split)
        shown.append(task["cue"].values[0])
        return task

    noted = replace(gated, draw=noting)
    model, _ = learn(noted)
    assert len(seen["train"]) == len(set(seen["train"])) == 1 + 4
    assert not seen["test"]
    meta_training.test_model(model, noted, seed=1)
    assert len(seen["test"]) == 1
    assert len({cue.tobytes() for cue in shown}) == 6


@pytest.mark.parametrize(
    "make",
    [
        lambda: gated_pairs.family(gated_pairs.Settings(2, 3)),
        lambda: digit_pairs.family(digit_pairs.Settings(3, 0.5)),
        lambda: few_shot.family(few_shot.Settings(3, 2)),
        lambda: regression.family(regression.Settings(3, 4)),
    ],
)
def test_the_gradient_of_a_batch_is_the_mean_of_those_of_its_parts(make: Callable[[], Family]) -> None:
    """So that processes that share a batch take the step that one would."""
    family = make()
    settings = replace(TINY, pre=family.shape.get("pre"), active=family.shape.get("active", 6), gate_cost=0.1)
    model = initial_programmer(family, settings, seed=3).double()

    def gradient(shown: Episodes) -> torch.Tensor:
        double = {name: each.double() for name, each in vars(shown).items() if each.is_floating_point()}
        shown = replace(shown, **double)
        answer, signals = model(shown)
        loss = loss_of(model, answer, signals.gate, shown, 0.1)
        return torch.cat([each.flatten() for each in torch.autograd.grad(loss, list(model.parameters()))])

    whole = draw_batch(family, 6, (0, 3, 0), "cpu")
    parts = [draw_batch(family, 6, (0, 3, 0), "cpu", part=slice(rank, None, 3)) for rank in range(3)]
    for rank, part in enumerate(parts):
        assert torch.equal(part.content, whole.content[rank::3])
    torch.testing.assert_close(torch.stack([gradient(each) for each in parts]).mean(0), gradient(whole))


def test_a_batch_that_processes_cannot_share_is_refused(gated: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_training, "workers", lambda: (0, 3))
    with pytest.raises(InputError, match=r"batch \(2\) must be a multiple of the 3 processes that share it"):
        learn(gated)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"batch": 0}, "batch must be 1 or more, not 0"),
        ({"gate_cost": -0.1}, "gate_cost must be 0 or more, not -0.1"),
        ({"gate_cost": float("nan")}, "gate_cost must be 0 or more, not nan"),
        ({"steps": 0}, "steps must be 1 or more, not 0"),
        ({"evaluate_every": 0}, "evaluate_every must be 1 or more, not 0"),
        ({"patience": 0}, "patience must be 1 or more, not 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, not 0"),
        ({"learning_rate": float("inf")}, "learning_rate must be"),
        ({"weight_decay": -1.0}, "weight_decay must be 0 or more, not -1"),
        ({"hidden": 0}, "hidden must be a whole number of 1 or more, not 0"),
        ({"pre": 5}, "active must be at least 1 and below pre (5), not 6"),
        ({"rule": "mesa"}, "rule 'mesa' takes other signals than a slow net programs"),
        ({"architecture": "gur"}, "did you mean 'gru'?"),
    ],
)
def test_settings_that_make_no_sense(changed: dict, sentence: str, gated: Family) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        learn(gated, replace(TINY, **changed))


def test_a_negative_seed_is_refused(gated: Family) -> None:
    with pytest.raises(InputError, match="seed"):
        learn(gated, seed=-1)


def test_the_history_holds_every_evaluation_and_what_was_before_and_after(gated: Family) -> None:
    model, outcome = learn(gated)
    before = meta_training.test_model(initial_programmer(gated, TINY, seed=1), gated, seed=1)
    after = meta_training.test_model(model, gated, seed=1)
    made = meta_training.history(outcome, before, after)
    assert made["step"].values.tolist() == [2, 4]
    for name in ("loss", "r2", "distractors_r2"):
        assert made[name].values.tolist() == [each[name] for each in outcome.history]
    assert min(made["loss"].values) == outcome.best["loss"]
    assert {name: float(made[f"{name}_before"]) for name in before} == before
    assert {name: float(made[f"{name}_after"]) for name in after} == after
    assert all(variable.attrs["units"] == "1" for variable in made.variables.values())
