"""What `run` promises whatever the rule: going on, bounds, normalisers, layouts in memory, and rules of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from neurofwp import rules
from neurofwp.errors import InputError
from neurofwp.rate import Result, run
from neurofwp.rate.backends import WORTH_CHUNKING
from neurofwp.rules import RULES, Argument, Event, Parameter, Rule
from neurofwp.rules.rule import outer
from neurofwp.rules.signals import KEY, LOG_DECAY, RESERVED, VALUE

from .forms import EACH_MODE

Stream = Callable[..., dict]

EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def between(given: Mapping, rule: Rule, first: int, last: int) -> dict:
    """The stream from one event to another."""
    made = {}
    for name, signal in given.items():
        argument = Argument("query", "", ("pre",)) if name == "query" else rule.argument(name)
        if argument is None or not argument.per_event:
            made[name] = signal
        else:
            steps = given["micro_steps"] if "micro" in argument.dims else 1
            made[name] = signal[:, first * steps : last * steps]
    return made


def close(made: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(made, expected, rtol=1e-11, atol=1e-11)


def compare(made: Result, expected: Result) -> None:
    close(made.read, expected.read)
    assert made.state.keys() == expected.state.keys()
    for name, tensor in expected.state.items():
        close(made.state[name], tensor)


@EACH_MODE
@pytest.mark.parametrize("cut", [1, 20, 32, 49])
def test_a_run_goes_on_from_where_another_stopped(rule: Rule, mode: str, cut: int, stream: Stream) -> None:
    given_ = stream(rule, seed=cut, time=50)
    normalised = rule.reads_linearly and "key" in given_
    if normalised:
        given_ |= {name: given_[name].abs() for name in ("query", "key")}
    for normaliser in ("attention", None) if normalised else (None,):
        options = {"mode": mode, "normaliser": normaliser}
        whole = run(rule, **given_, **options)
        first = run(rule, **between(given_, rule, 0, cut), **options)
        rest = {name: signal for name, signal in between(given_, rule, cut, 50).items() if name != "initial"}
        second = run(rule, initial=first.state, **rest, **options)
        close(torch.cat([first.read, second.read], dim=1), whole.read)
        for name, tensor in whole.state.items():
            close(second.state[name], tensor)


@EACH
def test_a_result_unpacks_and_says_what_ran(rule: Rule, stream: Stream) -> None:
    given_ = stream(rule, time=WORTH_CHUNKING)
    made = run(rule, **given_)
    read, weight = made
    assert read is made.read
    assert weight is made.weight is made.state["weight"]
    assert read.shape[:3] == given_["query"].shape[:3]
    assert made.backend == ("chunkwise" if rule.has_chunkwise else "recurrent")
    assert run(rule, **between(given_, rule, 0, WORTH_CHUNKING - 1)).backend == "recurrent"
    compare(run(rule.id, **given_), made)
    compare(run(rule, mode="recurrent", **given_), made)


@EACH
def test_events_do_not_reach_back_in_time_nor_across_batches_and_heads(rule: Rule, stream: Stream) -> None:
    here, other = stream(rule, seed=1, time=20), stream(rule, seed=2, time=20)
    constant = {name for name, signal in here.items() if isinstance(signal, int) or name == "initial"}
    constant |= {argument.name for argument in rule.arguments if not argument.per_event}
    steps = {name: signal.shape[1] // 20 for name, signal in here.items() if name not in constant}
    mixed = dict(here)
    for name in steps:
        later = here[name].clone()
        later[0, 11 * steps[name] :, 1] = other[name][0, 11 * steps[name] :, 1]
        mixed[name] = later
    one, two = run(rule, **here), run(rule, **mixed)
    changed = ((one.read - two.read).abs() > 1e-12).any(-1)  # (batch, time, head)
    assert changed[0, 11:, 1].any()
    changed[0, 11:, 1] = False
    assert not changed.any()


@EACH
def test_heads_are_runs_of_their_own_with_parameters_of_their_own(rule: Rule, stream: Stream) -> None:
    given_ = stream(rule, seed=3, time=9)
    numbers = torch.tensor([0.6, 0.9]).to(given_["query"])
    p = {each.name: (numbers * (each.default or 1.0)).clamp(*each.domain) for each in rule.parameters}
    both = run(rule, parameters=p, **given_)
    for head in range(2):
        alone = {}
        for name, signal in given_.items():
            if isinstance(signal, int):
                alone[name] = signal
            else:
                argument = rule.argument(name)
                dim = 1 if name == "initial" else 2 if argument is None or argument.per_event else 0
                alone[name] = signal.narrow(dim, head, 1)
        own = {name: float(number[head]) for name, number in p.items()}
        close(run(rule, parameters=own, **alone).read, both.read[:, :, head : head + 1])


@EACH_MODE
def test_any_layout_in_memory_gives_the_same(rule: Rule, mode: str, stream: Stream) -> None:
    given_ = stream(rule, seed=4, time=33)
    expected = run(rule, mode=mode, **given_)

    def strided(tensor: Tensor) -> Tensor:
        """Dims stored in reverse order, with gaps."""
        stored = torch.empty(*reversed(tensor.shape), 2, dtype=tensor.dtype, device=tensor.device)[..., 0]
        return stored.permute(*reversed(range(tensor.ndim))).copy_(tensor)

    scattered = {name: strided(signal) if isinstance(signal, Tensor) else signal for name, signal in given_.items()}
    assert not scattered["query"].is_contiguous()
    compare(run(rule, mode=mode, **scattered), expected)


@EACH_MODE
def test_expanded_inputs_are_as_good_as_copies(rule: Rule, mode: str, stream: Stream) -> None:
    given_ = stream(rule, seed=5, time=33)
    tensors = {name for name, signal in given_.items() if isinstance(signal, Tensor)}
    expanded = {name: signal[:1].expand_as(signal) if name in tensors else signal for name, signal in given_.items()}
    copied = {name: signal.clone() if name in tensors else signal for name, signal in expanded.items()}
    compare(run(rule, mode=mode, **expanded), run(rule, mode=mode, **copied))


@EACH_MODE
@pytest.mark.parametrize("time", [1, 20])
def test_results_share_no_memory_with_what_went_in(rule: Rule, mode: str, time: int, stream: Stream) -> None:
    given_ = stream(rule, seed=6, time=time)
    inputs = {name: signal for name, signal in given_.items() if isinstance(signal, Tensor)}
    before = {name: signal.clone() for name, signal in inputs.items()}
    state = run(rule, mode=mode, **given_).state
    inputs |= {f"state {name}": tensor for name, tensor in state.items()}
    made = run(rule, mode=mode, **given_ | {"initial": state})
    taken = {signal.untyped_storage().data_ptr(): name for name, signal in inputs.items()}
    for name, tensor in {"read": made.read, **made.state}.items():
        memory = tensor.untyped_storage().data_ptr()
        assert memory not in taken, f"{name} lies in {taken[memory]}"
    assert all(torch.equal(inputs[name], signal) for name, signal in before.items())


CLAMPABLE = pytest.mark.parametrize("rule", [rule for rule in RULES if rule.clampable], ids=lambda rule: rule.id)


@CLAMPABLE
@settings(max_examples=10)
@given(low=st.floats(-0.5, 0.4), span=st.floats(0.05, 0.5), seed=st.integers(0, 1000))
def test_bounds_hold_after_every_event(rule: Rule, low: float, span: float, seed: int, stream: Stream) -> None:
    given_ = stream(rule, seed=seed, time=8)
    given_["query"] = given_["query"] * 3
    high, state = low + span, None
    for event in range(8):
        now = between(given_, rule, event, event + 1)
        if state is not None:
            now["initial"] = state
        free = run(rule, **now).weight
        bounded = run(rule, bounds=(low, high), **now)
        # clamping is all that bounds do, and the next event starts from clamped weights
        assert torch.equal(bounded.weight, free.clamp(low, high))
        state = bounded.state
    whole = run(rule, bounds=(low, high), **given_)
    assert torch.equal(whole.weight, state["weight"])
    assert ((low <= whole.weight) & (whole.weight <= high)).all()


def test_reads_are_of_clamped_weights(stream: Stream) -> None:
    given_ = stream("hebbian", time=30)
    given_ |= {name: given_[name].abs() for name in ("query", "key", "value")}
    made = run("hebbian", bounds=(0.0, 0.1), **given_)
    assert made.backend == "recurrent"
    most = 0.1 * given_["query"].sum(-1, keepdim=True)
    assert (made.read <= most + 1e-15).all()
    assert (made.read[:, -1] == most[:, -1]).any()


@pytest.mark.parametrize("mode", ["recurrent", "chunkwise"])
@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6), time=st.integers(1, 40), pre=st.integers(1, 5), power=st.floats(-3, 3),
    offset=st.floats(-10, 10),
)  # fmt: skip
def test_attention_normalised_reads_are_weighted_means_of_values(
    mode: str, seed: int, time: int, pre: int, power: float, offset: float, stream: Stream
) -> None:
    given_ = stream("hebbian", seed=seed, time=time, pre=pre)
    given_["beta"] = torch.ones_like(given_["beta"])
    given_ |= {name: 1e-3 + given_[name].abs() * 10**power for name in ("query", "key")}
    read = run("hebbian", mode=mode, normaliser="attention", **given_).read
    lowest, highest = given_["value"].cummin(1).values, given_["value"].cummax(1).values
    assert ((lowest - 1e-12 <= read) & (read <= highest + 1e-12)).all()
    moved = given_ | {"value": given_["value"] + offset}
    close(run("hebbian", mode=mode, normaliser="attention", **moved).read, read + offset)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.reads_linearly and rule.argument("key")], ids=lambda rule: rule.id
)
def test_attention_normalisation_divides_by_all_keys_so_far_times_the_query(rule: Rule, stream: Stream) -> None:
    given_ = stream(rule, seed=8, time=12)
    given_ |= {name: given_[name].abs() for name in ("query", "key")}
    keys = given_["key"].unflatten(1, (12, -1)).sum(2)  # micro-steps too
    written = (keys.cumsum(1) * given_["query"]).sum(-1, keepdim=True)
    made = run(rule, normaliser="attention", **given_)
    close(made.read, run(rule, **given_).read / written)
    close(made.state["key_sum"], keys.sum(1))


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3))
def test_sum_normalised_runs_do_not_depend_on_the_size_of_keys_and_queries(
    seed: int, scale: float, stream: Stream
) -> None:
    given_ = stream("delta", seed=seed, time=20)
    given_ |= {name: given_[name].abs() for name in ("query", "key")}
    scaled = given_ | {"key": scale * given_["key"], "query": given_["query"] / scale}
    compare(run("delta", normaliser="sum", **scaled), run("delta", normaliser="sum", **given_))


@pytest.mark.parametrize("rule", ["hebbian", "delta", "delta_product", "mesa"])
@pytest.mark.parametrize(("normaliser", "divided"), [("attention", "the sum of all keys"), ("sum", "key by its sum")])
def test_a_division_by_zero_names_the_event(rule: str, normaliser: str, divided: str, stream: Stream) -> None:
    given_ = stream(rule, time=6)
    given_ |= {name: 0.1 + given_[name].abs() for name in ("query", "key")}
    steps = given_.get("micro_steps", 1)
    zero = given_["key"].clone()
    first = 3 if normaliser == "sum" else 0
    zero[1, first * steps : (first + 1) * steps, 0] = 0
    with pytest.raises(InputError, match=rf"{divided}.*is 0 at \[batch 1, time {first}, head 0\]"):
        run(rule, normaliser=normaliser, **given_ | {"key": zero})


def test_keys_and_queries_whose_sum_vanishes_are_refused_only_where_they_are_divided_by(stream: Stream) -> None:
    given_ = stream("hebbian", time=6)
    given_["query"] = torch.zeros_like(given_["query"])
    assert torch.equal(run("hebbian", **given_).read, torch.zeros_like(given_["value"]))
    for normaliser in ("attention", "sum"):
        with pytest.raises(InputError, match="is 0 at"):
            run("hebbian", normaliser=normaliser, **given_)


# A rule as a user may write it: what is written waits for a signal of its own, and every cell has an optional gain.
REWARD = Argument("reward", "what came of it", ("post",), low=-1.0, high=1.0)
GAIN = Argument("gain", "of each presynaptic cell", ("pre",), low=0.0, default=1.0)


class Rewarded(Rule):
    id = "rewarded"
    parameters = (Parameter("speed", 0.5, 0.0, 2.0, "how fast"),)
    equation = "alpha W + speed (reward v) (gain k)'"
    objective = "none"
    signals = ("key", "value", "retention")
    reading = "three factors"
    source = "none"
    arguments = (KEY, VALUE, LOG_DECAY, REWARD, GAIN)

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        written = outer(event.others["reward"] * event.value, event.others["gain"] * event.key)
        return event.retention[..., None, None] * weight + p["speed"][..., None, None] * written


MINE = Rewarded()


def like(rule: Rule, **changed: Any) -> Rule:
    """A rule that differs from another in these attributes."""
    changed_rule: Rule = type("Changed", (type(rule),), changed)()
    return changed_rule


def test_a_rule_of_ones_own_runs(stream: Stream) -> None:
    given_ = stream(MINE, time=20)
    made = run(MINE, parameters={"speed": 0.3}, **given_)
    assert made.backend == "recurrent"
    weight = torch.zeros_like(made.weight)
    for t in range(20):
        reward, value, gain, key = (given_[name][:, t] for name in ("reward", "value", "gain", "key"))
        weight = given_["log_decay"][:, t].exp()[..., None, None] * weight
        weight = weight + 0.3 * torch.einsum("bhi,bhj->bhij", reward * value, gain * key)
        close(made.read[:, t], torch.einsum("bhij,bhj->bhi", weight, given_["query"][:, t]))
    ones = given_ | {"gain": torch.ones_like(given_["gain"])}
    compare(run(MINE, **{name: signal for name, signal in given_.items() if name != "gain"}), run(MINE, **ones))


def test_what_may_be_left_out_takes_its_sizes_from_what_may_not(stream: Stream) -> None:
    wide = Argument("wide", "of each cell and place", ("pre", "place"))
    gain = Argument("place_gain", "of each place", ("place",), default=1.0)

    def step(self: Rule, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        written = (event.others["wide"] * event.others["place_gain"][..., None, :]).sum(-1)
        return weight + outer(event.value, written)

    mine = like(MINE, id="placed", step=step, parameters=(), arguments=(VALUE, gain, wide))
    given_ = stream(mine)
    ones = given_ | {"place_gain": torch.ones_like(given_["place_gain"])}
    compare(run(mine, **{name: signal for name, signal in given_.items() if name != "place_gain"}), run(mine, **ones))


def test_a_rule_must_not_take_what_run_takes_nor_signals_that_nobody_knows() -> None:
    assert set(inspect.signature(run).parameters) - {"arguments"} == RESERVED
    for name in RESERVED:
        message = f"rule 'rewarded' must not call an argument {name!r}, which run uses itself"
        with pytest.raises(InputError, match=message):
            like(MINE, arguments=(KEY, VALUE, LOG_DECAY, replace(REWARD, name=name)))
    message = "reward of rule 'rewarded' must have no default, or an argument without one must have its dim 'place'"
    with pytest.raises(InputError, match=message):
        like(MINE, arguments=(KEY, VALUE, LOG_DECAY, replace(REWARD, dims=("place",), default=0.0)))
    message = "reward of rule 'rewarded' must be like its key or its value, and have the same dims"
    for alike in ("value", "query", "reward"):
        with pytest.raises(InputError, match=message):
            like(MINE, arguments=(KEY, VALUE, LOG_DECAY, replace(REWARD, dims=("pre",), like=alike)))
    message = "unknown signal of rule 'rewarded', 'valeu'; did you mean 'value'?"
    with pytest.raises(InputError, match=message):
        like(MINE, signals=("key", "valeu"))
    with pytest.raises(InputError, match=message):
        like(MINE, arguments=(KEY, VALUE, LOG_DECAY, replace(REWARD, signal="valeu")))


def test_a_parameter_that_is_learned_keeps_its_gradient_even_at_its_default(stream: Stream) -> None:
    given_ = stream("delta", time=WORTH_CHUNKING)
    threshold = torch.zeros((), dtype=torch.float64, device=given_["query"].device, requires_grad=True)
    made = run("delta", parameters={"prediction_threshold": threshold}, **given_)
    assert made.backend == "recurrent"
    (slope,) = torch.autograd.grad(made.read.sum(), threshold)
    with torch.no_grad():  # that of the sum of reads as the threshold rises from 0
        near = run("delta", parameters={"prediction_threshold": 1e-7}, **given_).read.sum()
        expected = (near - made.read.sum()) / 1e-7
    torch.testing.assert_close(slope, expected, rtol=1e-4, atol=0)
    message = "rule 'delta' has no chunkwise form through which prediction_threshold could be learned"
    with pytest.raises(InputError, match=message):
        run("delta", mode="chunkwise", parameters={"prediction_threshold": threshold}, **given_)


@pytest.mark.parametrize(("chunk", "expected"), [(None, 35), (5, 5), (100, 100)])
def test_chunks_have_the_size_that_is_asked_for(chunk: int | None, expected: int, stream: Stream) -> None:
    """Left out: 70 events in two chunks as even as can be, since more than 64 do not suit the rule."""
    hebbian, sizes = rules.get("hebbian"), []

    def noting(
        self: Rule, query: Tensor, events: Event, state: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        sizes.append(size)
        return hebbian.chunkwise(query, events, state, p, size)

    run(like(hebbian, id="noting", chunkwise=noting), chunk=chunk, **stream("hebbian", time=70))
    assert sizes == [expected]


def test_a_rule_of_ones_own_is_held_to_what_it_declares(stream: Stream) -> None:
    given_ = stream(MINE)
    for changed, message in (
        ({"reward": None}, r"rule 'rewarded' needs reward, what came of it: \(batch, time, head, post\)"),
        ({"reward": given_["reward"] * 3}, r"reward must be in \[-1, 1\], but reward\["),
        ({"gain": given_["gain"][..., :1]}, r"gain must be \(batch, time, head, pre\) with pre = 5"),
        ({"beta": given_["log_decay"].exp()}, "rule 'rewarded' does not use beta; it takes query, key, value"),
        ({"mode": "chunkwise"}, "rule 'rewarded' has no chunkwise form"),
    ):
        with pytest.raises(InputError, match=message):
            run(MINE, **given_ | changed)
