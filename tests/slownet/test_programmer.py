"""A slow net's own fast weights and a RateNetwork that runs its Programs are the same, and gates know what they may."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor

from neurofwp import rules, tasks
from neurofwp.errors import InputError
from neurofwp.rate import RateNetwork
from neurofwp.slownet.episode_tensors import Episodes, episodes
from neurofwp.slownet.programmer import Programmer, Shape
from neurofwp.slownet.trained import TrainedSlowNet
from neurofwp.slownet.training.settings import Architecture

ARCHITECTURES = get_args(Architecture)
RULES = [rule.id for rule in rules.RULES if rule.runs_programs]
DECAYING = [rule.id for rule in rules.RULES if rule.runs_programs and rule.argument("log_decay")]
WAYS = 3


@pytest.fixture(scope="module")
def task() -> xr.Dataset:
    """Two episodes of 18 events, in which writes and reads take turns."""
    return tasks.few_shot(WAYS, 3, 1, 2, seed=31)


@pytest.fixture(scope="module")
def seen(task: xr.Dataset) -> Episodes:
    return episodes(task, dtype=torch.float64)


def programmer(architecture: Architecture = "feed-forward", rule: str = "delta", **changed: Any) -> Programmer:
    """One whose gates and retentions differ from event to event."""
    shape = {"cue": 64, "content": WAYS, "pre": 30, "active": 5, "hidden": 8, "value_offset": -0.2, "value_gain": 0.8}
    made = Programmer(
        Shape(**shape | changed, architecture=architecture, rule=rule), generator=torch.Generator().manual_seed(3)
    ).double()
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        made.gate.weight.normal_(0, 4, generator=generator)
        if made.retention is not None:
            made.retention.weight.normal_(0, 2, generator=generator)
            made.retention.bias.fill_(1.0)
        made.scale.fill_(1.3)
        made.shift.fill_(-0.4)
    return made


def run(model: Programmer, seen: Episodes) -> tuple[Tensor, Tensor]:
    """Answers and gates."""
    with torch.no_grad():
        answer, signals = model(seen)
    return answer, signals.gate


def assert_the_same_fast_weights(model: Programmer, task: xr.Dataset, tolerance: float) -> None:
    dtype = next(model.parameters()).dtype
    answer, gate = run(model, episodes(task, dtype=dtype))
    made = TrainedSlowNet(model, "few-shot")(task)
    shape = model.shape
    network = RateNetwork(
        model.rule, on_off=shape.nonnegative, dtype=torch.float64,
        bounds=(0, torch.inf if shape.w_max is None else shape.w_max) if shape.nonnegative else None,
    )  # fmt: skip
    trace = network.run(made)
    if shape.w_max is not None:
        assert float(trace["conductance"].max()) == shape.w_max  # the bound is reached, and holds
    recall = trace["recall"].values
    asked = ~task["write"].values
    expected = model.scale.item() * recall[asked] + model.shift.item()
    np.testing.assert_allclose(answer.numpy()[asked], expected, rtol=tolerance, atol=tolerance)
    assert np.ptp(expected) > 0.01
    assert np.ptp(gate.numpy()[~asked]) > 0.05


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("rule", RULES)
def test_a_rate_network_gives_the_answers_of_the_slow_net(
    rule: str, architecture: Architecture, nonnegative: bool, task: xr.Dataset
) -> None:
    active = 1 if rule == "calcium_threshold" else 5  # its thresholds are out of reach of a cell of rate 1 / sqrt(5)
    assert_the_same_fast_weights(programmer(architecture, rule, active=active, nonnegative=nonnegative), task, 1e-9)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_conductances_have_a_largest_one(architecture: Architecture, task: xr.Dataset) -> None:
    bounded = programmer(architecture, "delta", active=5, nonnegative=True, w_max=0.05)
    assert_the_same_fast_weights(bounded, task, 1e-9)
    free = programmer(architecture, "delta", active=5, nonnegative=True)
    assert not torch.allclose(
        run(bounded, episodes(task, dtype=torch.float64))[0], run(free, episodes(task, dtype=torch.float64))[0]
    )
    assert bounded.network().bounds == (0, 0.05)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("rule", ["delta", "gated_delta"])
def test_also_in_the_precision_that_it_is_trained_in(rule: str, architecture: Architecture, task: xr.Dataset) -> None:
    assert_the_same_fast_weights(programmer(architecture, rule).float(), task, 1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_keys_and_queries_are_one_code_where_there_is_something_to_do(
    architecture: Architecture, seen: Episodes
) -> None:
    model = programmer(architecture)
    with torch.no_grad():
        _, signals = model(seen)
        code = model.keys(seen.cue)
    write = seen.write[..., None]
    torch.testing.assert_close(signals.key, code * write)
    torch.testing.assert_close(signals.query, code * ~write)
    torch.testing.assert_close(signals.value, 0.8 * (seen.content + 0.2) * write)
    assert not signals.gate[~seen.write].any()
    assert ((signals.gate[seen.write] > 0) & (signals.gate[seen.write] < 1)).all()
    assert (signals.retention == 1).all()  # delta forgets nothing by itself


@pytest.mark.parametrize("rule", DECAYING)
def test_retention_is_learned_where_the_rule_has_one(rule: str, seen: Episodes) -> None:
    with torch.no_grad():
        _, signals = programmer(rule=rule)(seen)
    assert ((signals.retention > 0) & (signals.retention < 1)).all()
    assert float(signals.retention.std()) > 0.01
    fresh = Programmer(Shape(cue=64, content=WAYS, rule=rule), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        _, signals = fresh(replace(seen, **{name: each.float() for name, each in floats(seen).items()}))
    assert float(signals.retention.min()) > 0.9  # training starts from a memory that lasts


def floats(seen: Episodes) -> dict[str, Tensor]:
    return {name: each for name, each in vars(seen).items() if each.is_floating_point()}


def test_before_training_an_open_gate_and_one_pair_give_the_content_itself() -> None:
    """Values are content, shifted and scaled; the answer undoes it."""
    first = tasks.few_shot(2, 1, 1, 1, seed=5).isel(event=[0, 0])
    cue, content = torch.tensor(first["cue"].values), torch.tensor(first["content"].values)
    write = torch.tensor([[True, False]])
    asked = Episodes(
        cue=cue, content=content * write[..., None], context=cue[..., :0], write=write,
        probe=cue, asked=~write, target=content * ~write[..., None], wanted=~write,
    )  # fmt: skip
    for nonnegative in (False, True):
        shape = Shape(64, 2, pre=30, active=5, value_offset=-0.2, value_gain=0.8, nonnegative=nonnegative)
        model = Programmer(shape, generator=torch.Generator().manual_seed(0)).double()
        with torch.no_grad():
            model.gate.bias.fill_(100.0)
        answer, _ = run(model, asked)
        torch.testing.assert_close(answer[0, 1], content[0, 0], rtol=1e-6, atol=1e-6)


def test_conductances_are_never_negative(seen: Episodes) -> None:
    """A rule that would take a weight below 0 is clamped there, so that bounds change what is read."""
    for architecture in ARCHITECTURES:
        free, bound = (programmer(architecture, nonnegative=each) for each in (False, True))
        with torch.no_grad():
            free.gate.bias.fill_(3.0)
            bound.gate.bias.fill_(3.0)
        bounded, free_answer = run(bound, seen)[0], run(free, seen)[0]
        assert float((bounded - free_answer)[seen.asked].abs().max()) > 1e-3


@pytest.mark.parametrize("rule", ["delta", "gated_delta"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nothing_depends_on_what_comes_later(architecture: Architecture, rule: str, seen: Episodes) -> None:
    model, at = programmer(architecture, rule), 12
    generator = torch.Generator().manual_seed(6)
    changed = {name: getattr(seen, name).clone() for name in ("cue", "content")}
    for each in changed.values():
        each[:, at:] += torch.rand(each[:, at:].shape, generator=generator, dtype=torch.float64)
    later = replace(seen, **changed, probe=changed["cue"])
    for before, after in zip(run(model, seen), run(model, later), strict=True):
        torch.testing.assert_close(before[:, :at], after[:, :at], rtol=0, atol=1e-12)
        assert float((before - after)[:, at:].abs().max()) > 1e-3


def test_what_a_closed_gate_keeps_out_changes_no_answer() -> None:
    """A gate that opens by the context alone, on distractors not at all: they might as well have been others."""
    task = tasks.gated_pairs(3, 4, 2, seed=8)
    stored = task["stored"].values & task["write"].values
    context = np.where(stored, 1.0, -1.0)[..., None]
    model = programmer(cue=64, content=64, context=1)
    with torch.no_grad():
        for parameter in (*model.controller.parameters(), *model.gate.parameters()):
            parameter.zero_()
        model.controller.input.weight[0, -1] = 1
        model.gate.weight[0, 0] = 1e4
        model.gate.bias.fill_(-5e3)
    shown = episodes(task.assign(context=(("episode", "event", "entry"), context)), dtype=torch.float64)
    answer, gate = run(model, shown)
    np.testing.assert_array_equal(gate.numpy(), stored)
    distractor = shown.write & ~torch.tensor(stored)
    other = torch.where(distractor[..., None], shown.content.flip(-1).neg(), shown.content)
    others = torch.where(distractor[..., None], shown.cue.flip(-1), shown.cue)
    again, _ = run(model, replace(shown, content=other, cue=others))
    torch.testing.assert_close(again[shown.asked], answer[shown.asked], rtol=0, atol=1e-12)

    assigned = task.assign(context=(("episode", "event", "entry"), context))
    weight = RateNetwork("delta").run(TrainedSlowNet(model, "gated-pairs")(assigned))["weight"].values
    change = np.abs(np.diff(weight, axis=1, prepend=0.0)).max((2, 3))
    np.testing.assert_array_equal(change > 0, stored)


def after_a_change_of_content(model: Programmer, seen: Episodes, at: int) -> Tensor:
    """How far the gate of each event moves when the content of one write was another."""
    content = seen.content.clone()
    content[:, at] *= -1
    return (run(model, replace(seen, content=content))[1] - run(model, seen)[1]).abs().amax(0)


def test_which_controller_sees_the_past(seen: Episodes) -> None:
    """Of earlier content feed-forward knows nothing; gru has seen it; recurrent knows it from fast weights."""
    later = torch.arange(seen.write.shape[1]) > 0
    writes = seen.write[0] & later
    moved = {name: after_a_change_of_content(programmer(name), seen, 0) for name in ARCHITECTURES}
    assert all(float(each[0]) > 1e-3 for each in moved.values())
    assert not moved["feed-forward"][later].any()
    assert (moved["gru"][writes] > 1e-9).all()
    assert float(moved["recurrent"][writes].max()) > 1e-6


@pytest.mark.parametrize(("architecture", "depends"), [("feed-forward", False), ("gru", False), ("recurrent", True)])
def test_only_recurrent_gates_depend_on_what_fast_weights_say(
    architecture: Architecture, depends: bool, seen: Episodes
) -> None:
    one, other = programmer(architecture, "delta"), programmer(architecture, "hebbian")
    other.load_state_dict(one.state_dict())
    difference = (run(one, seen)[1] - run(other, seen)[1]).abs().amax(0)
    assert bool(difference.any()) == depends
    assert not difference[:2].any()  # the first read before which two writes differ comes after the second event


def test_recurrent_gates_are_those_of_the_read_before(seen: Episodes) -> None:
    """Gates made again, event by event, from a RateNetwork's weights: a query's read, else that of the key."""
    model = programmer("recurrent")
    with torch.no_grad():
        _, signals = model(seen)
    own = torch.where(seen.asked[..., None], signals.query, signals.key)
    own = own / own.norm(dim=-1, keepdim=True)
    both = torch.cat([seen.cue, seen.content], dim=-1)
    weight = torch.zeros(2, WAYS, 30, dtype=torch.float64)
    read = torch.zeros(2, WAYS, dtype=torch.float64)
    for event in range(both.shape[1]):
        with torch.no_grad():
            hidden = (model.controller.input(both[:, event]) + model.controller.feedback(read.tanh())).relu()
            gate = torch.sigmoid(model.gate(hidden))[:, 0] * seen.write[:, event]
        torch.testing.assert_close(gate, signals.gate[:, event])
        key, value = signals.key[:, event], signals.value[:, event]
        key = key / key.norm(dim=-1, keepdim=True).clamp_min(1e-9)
        error = value - (weight @ key[..., None])[..., 0]
        weight = weight + gate[:, None, None] * error[:, :, None] * key[:, None, :]
        read = (weight @ own[:, event, :, None])[..., 0]


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("active", [5, None])
@pytest.mark.parametrize("rule", ["delta", "gated_delta", "key_decay"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_everything_is_learned(
    architecture: Architecture, rule: str, active: int | None, nonnegative: bool, seen: Episodes
) -> None:
    model = programmer(architecture, rule, active=active, nonnegative=nonnegative)
    answer, _ = model(seen)
    (answer - seen.target).square()[seen.asked].mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
    assert (model.retention is not None) == (rule in DECAYING)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_gradient_of_the_gate_is_that_of_the_answers(architecture: Architecture, seen: Episodes) -> None:
    """Through rule, controller and, if recurrent, reads: against central differences."""
    model = programmer(architecture, "gated_delta")

    def loss() -> Tensor:
        return (model(seen)[0] - seen.target).square()[seen.asked].mean()

    loss().backward()
    for parameter in (model.gate.bias, model.retention.bias, model.controller.get_parameter(
        "memory.bias_ih_l0" if architecture == "gru" else "input.bias"
    )):  # fmt: skip
        index = int(parameter.grad.abs().argmax())
        found = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                parameter[index] += step
                found.append(float(loss()))
                parameter[index] -= step
        assert float(parameter.grad[index]) == pytest.approx((found[0] - found[1]) / 2e-5, rel=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_retention_of_nothing_forgets_everything_and_breaks_nothing(
    architecture: Architecture, seen: Episodes
) -> None:
    """So far down that the logistic function rounds to 0."""
    model = programmer(architecture, "gated_delta").float()
    with torch.no_grad():
        model.retention.bias.fill_(-300.0)
    single = replace(seen, **{name: each.float() for name, each in floats(seen).items()})
    answer, _ = model(single)
    answer[single.asked].sum().backward()
    # what was written before the last event is gone, and reads come after other events
    torch.testing.assert_close(answer[single.asked].detach(), torch.full((18, WAYS), -0.4), rtol=0, atol=1e-6)
    assert all(parameter.grad is None or parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"cue": 0}, "cue must be a whole number of 1 or more, not 0"),
        ({"pre": 2.5}, "pre must be a whole number of 1 or more, not 2.5"),
        ({"context": -1}, "context must be a whole number of 0 or more, not -1"),
        ({"pre": 10, "active": 10}, "active must be at least 1 and below pre (10), not 10"),
        ({"active": 0}, "active must be at least 1 and below pre (1000), not 0"),
        ({"active": 2.5}, "active must be"),
        ({"value_gain": 0.0}, "value_gain"),
        ({"architecture": "gur"}, "unknown architecture 'gur'; did you mean 'gru'?"),
        ({"rule": "delt"}, "unknown rule 'delt'; did you mean 'delta'?"),
        ({"rule": "mesa"}, "rule 'mesa' takes other signals than a slow net programs"),
    ],
)
def test_a_shape_that_cannot_be_is_named(changed: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        Shape(**{"cue": 4, "content": 3} | changed)


@pytest.mark.parametrize(("name", "found", "made_for"), [("cue", 64, 63), ("content", 3, 4), ("context", 0, 8)])
def test_episodes_of_other_sizes_are_refused(name: str, found: int, made_for: int, seen: Episodes) -> None:
    model = programmer(**{name: made_for})
    expected = f"the {name} of this task has {found} entries, but this slow net was made for {made_for}"
    with pytest.raises(InputError, match=expected):
        model(seen)
