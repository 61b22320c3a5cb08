"""Bad input: always an InputError, which names the argument, the place and what is right; never a wrong answer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings, strategies as st
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate import run
from neurofwp.rules import RULES, Argument, Rule

Stream = Callable[..., dict]

EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
BOUNDED = pytest.mark.parametrize(
    ("rule", "argument"),
    [
        pytest.param(rule, argument, id=f"{rule.id}-{argument.name}")
        for rule in RULES
        for argument in rule.arguments
        if math.isfinite(argument.low) or math.isfinite(argument.high)
    ],
)


def refused(rule: Rule | str, message: str, **given_: object) -> None:
    with pytest.raises(InputError, match=message) as raised:
        run(rule, **given_)
    assert "\n" not in str(raised.value)


def tensors(given_: dict) -> list[str]:
    return [name for name, signal in given_.items() if isinstance(signal, Tensor)]


@EACH
@given(data=st.data())
@settings(max_examples=15)
def test_a_number_that_is_not_finite_is_named_with_its_index(rule: Rule, data: st.DataObject, stream: Stream) -> None:
    given_ = stream(rule)
    name = data.draw(st.sampled_from(tensors(given_)))
    bad = data.draw(st.sampled_from([math.nan, math.inf, -math.inf]))
    index = tuple(data.draw(st.integers(0, size - 1)) for size in given_[name].shape)
    spoilt = given_[name].clone()
    spoilt[index] = bad
    # a second one, later, is not the first offender
    later = tuple(size - 1 for size in spoilt.shape)
    spoilt[later] = bad
    message = rf"^{name} must be .*, but {name}{re.escape(str(list(index)))} is {bad}$"
    refused(rule, message, **given_ | {name: spoilt})


@BOUNDED
@given(data=st.data())
@settings(max_examples=8)
def test_a_number_out_of_range_is_named_with_its_index(
    rule: Rule, argument: Argument, data: st.DataObject, stream: Stream
) -> None:
    ends = [(end, sign) for end, sign in ((argument.low, -1), (argument.high, 1)) if math.isfinite(end)]
    given_ = stream(rule)
    end, sign = data.draw(st.sampled_from(ends))
    beyond = end + sign * data.draw(st.floats(1e-12, 1e6))
    tensor = given_[argument.name].clone()
    index = tuple(data.draw(st.integers(0, size - 1)) for size in tensor.shape)
    tensor[index] = beyond
    message = (
        rf"^{argument.name} must be (in \[|finite and (at most|at least|positive)).*{re.escape(str(list(index)))} is "
    )
    refused(rule, message, **given_ | {argument.name: tensor})


@pytest.mark.parametrize(
    ("rule", "name", "number", "message"),
    [
        ("delta", "beta", 2 + 1e-12, r"beta must be in \[0, 2\], but beta\[0, 0, 0\] is 2\.000000000001$"),
        ("delta", "beta", -0.5, r"beta must be in \[0, 2\], but beta\[0, 0, 0\] is -0\.5$"),
        ("gated_delta", "log_decay", 0.1, r"log_decay must be finite and at most 0, but log_decay\[0, 0, 0\] is 0\.1$"),
        ("gated_oja", "log_decay", 1e-9, r"at most 0, but log_decay\[0, 0, 0, 0\] is 1e-09$"),
        ("momentum", "momentum", 1.5, r"momentum must be in \[0, 1\], but momentum\[0, 0, 0\] is 1\.5$"),
        ("mesa", "ridge", 0.0, r"ridge must be finite and positive, but ridge\[0, 0\] is 0\.0$"),
        ("btsp", "value", 1.1, r"value must be in \[0, 1\], but value\[0, 0, 0, 0\] is 1\.1$"),
    ],
)
def test_ranges_in_words(rule: str, name: str, number: float, message: str, stream: Stream) -> None:
    given_ = stream(rule)
    refused(rule, message, **given_ | {name: torch.full_like(given_[name], number)})


@EACH
@given(data=st.data())
@settings(max_examples=15)
def test_no_size_is_broadcast_or_cut(rule: Rule, data: st.DataObject, stream: Stream) -> None:
    given_ = stream(rule)
    names = tensors(given_)
    assume(len(names) > 1)
    name = data.draw(st.sampled_from(names))
    tensor = given_[name]
    dim = data.draw(st.integers(0, tensor.ndim - 1))
    # a dim that nothing else has is as large as it is given
    dims = {"query": ("batch", "time", "head", "pre"), "initial": ("batch", "head", *rule.weight_dims)}
    for each in rule.arguments:
        leading = ("batch", "time", "head") if each.per_event else ("head",)
        dims[each.name] = (*leading, *(own for own in each.dims if own != "micro"))
    assume(any(dims[name][dim] in dims[other] for other in names if other != name))
    size = data.draw(st.sampled_from([0, 1, tensor.shape[dim] - 1, tensor.shape[dim] + 1, 2 * tensor.shape[dim]]))
    index = torch.arange(size, device=tensor.device) % tensor.shape[dim]
    refused(rule, r"must|needs", **given_ | {name: tensor.index_select(dim, index)})


@pytest.mark.parametrize(("rule", "name"), [("gated_oja", "log_decay"), ("recurrent_delta", "recurrent")])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_what_is_per_postsynaptic_cell_has_the_size_of_the_value(
    rule: str, name: str, size: int, stream: Stream
) -> None:
    given_ = stream(rule)
    index = torch.arange(size, device=given_[name].device) % 3
    refused(rule, rf"{name} must be .* with post = 3, but", **given_ | {name: given_[name][..., index]})


@EACH
@given(data=st.data())
@settings(max_examples=10)
def test_a_wrong_rank_is_refused(rule: Rule, data: st.DataObject, stream: Stream) -> None:
    given_ = stream(rule)
    name = data.draw(st.sampled_from(tensors(given_)))
    tensor = given_[name]
    changes = [tensor[0], tensor[..., 0], tensor[None], tensor[..., None], tensor.flatten(), tensor.sum()]
    changed = data.draw(st.sampled_from(changes))
    words = r"initial" if name == "initial" else rf"^{name} must have {tensor.ndim} dims, \(.*shape is \("
    refused(rule, words, **given_ | {name: changed})


@EACH
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensor: tensor.float(), "float32"),
        (lambda tensor: tensor.half(), "float16"),
        (lambda tensor: tensor.long(), "int64"),
        (lambda tensor: tensor > 0, "bool"),
        (lambda tensor: tensor.cfloat(), "complex64"),
        (lambda tensor: tensor.cpu().numpy(), "must be a torch.Tensor.*ndarray"),
        (lambda tensor: tensor.tolist(), "must be a torch.Tensor.*list"),
        (lambda tensor: 1.0, "must be a torch.Tensor.*float"),
    ],
    ids=["float32", "float16", "int", "bool", "complex", "numpy", "list", "number"],
)
def test_nothing_is_cast(rule: Rule, change: Callable[[Tensor], object], message: str, stream: Stream) -> None:
    given_ = stream(rule)
    for name in tensors(given_):
        if name != "query" or len(tensors(given_)) > 1 or message != "float32":
            # with another query, it is the next argument that does not fit it
            words = message if name != "query" else "torch"
            refused(rule, words, **given_ | {name: change(given_[name])})


@EACH
def test_what_a_rule_needs_and_does_not_get_or_gets_and_does_not_use(rule: Rule, stream: Stream) -> None:
    given_ = stream(rule)
    for argument in rule.arguments:
        for rest in (given_ | {argument.name: None}, {n: s for n, s in given_.items() if n != argument.name}):
            if argument.required:
                refused(rule, rf"^rule '{rule.id}' needs {argument.name}, .*: \(", **rest)
            else:
                alike = given_[argument.like] if argument.like else None
                full = given_ | {
                    argument.name: torch.full_like(given_[argument.name], argument.default) if alike is None else alike
                }
                torch.testing.assert_close(run(rule, **rest).read, run(rule, **full).read)
    for name in {argument.name for other in RULES for argument in other.arguments} - {a.name for a in rule.arguments}:
        refused(rule, rf"^rule '{rule.id}' does not use {name}; it takes query", **given_ | {name: given_["query"]})
    refused(rule, rf"^rule '{rule.id}' does not use bta; it takes query", **given_ | {"bta": given_["query"]})
    if "micro_steps" in given_:
        for bad in (0, -1, 2.0, "2"):
            refused(rule, "micro_steps must be a whole number of 1 or more", **given_ | {"micro_steps": bad})
        refused(rule, f"rule '{rule.id}' needs micro_steps", **given_ | {"micro_steps": None})
        refused(rule, r"must be .* with time = 21", **given_ | {"micro_steps": 3})
    else:
        refused(rule, f"rule '{rule.id}' does not use micro_steps", **given_ | {"micro_steps": 2})


@EACH
@pytest.mark.parametrize("dim", ["batch", "time", "head", "pre"])
def test_nothing_may_be_empty(rule: Rule, dim: str, stream: Stream) -> None:
    given_ = stream(rule)
    axis = ["batch", "time", "head", "pre"].index(dim)
    none = {"query": given_["query"].narrow(axis, 0, 0)}
    for argument in rule.arguments:
        dims = (*(("batch", "time", "head") if argument.per_event else ("head",)), *argument.dims)
        dims = tuple(each for each in dims if each != "micro")
        if dim in dims:
            none[argument.name] = given_[argument.name].narrow(dims.index(dim), 0, 0)
    refused(rule, "query must not be empty, but its shape is", **given_ | none)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "gated_dleta"}, "unknown rule 'gated_dleta'; did you mean 'gated_delta'?"),
        ({"rule": 3}, "unknown rule '3'"),
        ({"rule": ["delta"]}, "unknown rule"),
        ({"mode": "chunk"}, "unknown mode 'chunk'; did you mean 'chunkwise'?"),
        ({"mode": None}, "unknown mode 'None'; known: auto, chunkwise, recurrent"),
        ({"normaliser": "attn"}, "unknown normaliser 'attn'; did you mean 'attention'?"),
        ({"normaliser": True}, "unknown normaliser 'True'; known: attention, sum"),
        ({"parameters": {"rates": 1}}, "unknown parameter of rule 'delta', 'rates'; did you mean 'rate'?"),
        (
            {"rule": "bcm", "parameters": {"memory": 0.0}},
            r"^memory must be finite and at least 1, but memory is 0\.0$",
        ),
        (
            {"rule": "btsp", "parameters": {"duration": -1.0}},
            r"^duration must be finite and positive, but duration is -1\.0$",
        ),
        (
            {"rule": "fixed_decay", "parameters": {"decay": [0.5, 2.0]}},
            r"^decay must be in \[0, 1\], but decay\[1\] is 2\.0$",
        ),
        ({"parameters": {1: 1}}, "unknown parameter of rule 'delta', '1'"),
        ({"parameters": ["rate"]}, "parameters must be a mapping from names to numbers, not list"),
        ({"parameters": {"rate": math.nan}}, "rate must be finite, but rate is nan$"),
        ({"parameters": {"rate": [1.0, math.inf]}}, r"rate must be finite, but rate\[1\] is inf$"),
        ({"parameters": {"rate": "fast"}}, "rate must be a number or one per head, not 'fast'"),
        ({"parameters": {"rate": [1.0, 2.0, 3.0]}}, r"one per head, \(2,\), but its shape is \(3,\)"),
        ({"parameters": {"rate": [1.0]}}, r"one per head, \(2,\), but its shape is \(1,\)"),
        ({"parameters": {"rate": torch.ones(2)}}, "rate must be of dtype torch.float64, not torch.float32"),
        ({"chunk": 0}, "chunk must be a whole number of 1 or more, not 0"),
        ({"chunk": -3}, "chunk must be a whole number"),
        ({"chunk": 2.0}, "chunk must be a whole number"),
        ({"chunk": True}, "chunk must be a whole number"),
        ({"bounds": (1, 0)}, r"bounds must be \(low, high\) with low < high, not \(1, 0\)"),
        ({"bounds": (0.5, 0.5)}, "with low < high"),
        ({"bounds": (0, math.nan)}, "with low < high"),
        ({"bounds": (0, 1, 2)}, "with low < high"),
        ({"bounds": [0, 1]}, "with low < high"),
        ({"bounds": (0, "1")}, "with low < high"),
        ({"bounds": (0, None)}, "with low < high"),
        ({"bounds": 1.0}, "with low < high"),
        ({"bounds": (0, 1), "mode": "chunkwise"}, "rule 'delta' has no chunkwise form with bounds"),
        ({"rule": "outstar", "mode": "chunkwise"}, "rule 'outstar' has no chunkwise form"),
        (
            {"parameters": {"prediction_threshold": 0.1}, "mode": "chunkwise"},
            "rule 'delta' has no chunkwise form unless prediction_threshold is 0",
        ),
        (
            {"parameters": {"prediction_threshold": [0.0, 0.1]}, "mode": "chunkwise"},
            "rule 'delta' has no chunkwise form unless prediction_threshold is 0",
        ),
    ],
    ids=str,
)
def test_options(options: dict, message: str, stream: Stream) -> None:
    rule = options.get("rule", "delta")
    known = isinstance(rule, str) and rule in {each.id for each in RULES}
    refused(**{"rule": "delta"} | stream(rule if known else "delta") | {"message": message} | options)


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.clampable], ids=lambda rule: rule.id)
def test_weights_that_follow_from_others_take_no_bounds(rule: Rule, stream: Stream) -> None:
    refused(rule, "takes no bounds: its weights follow from other variables", bounds=(0.0, 1.0), **stream(rule))


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.reads_linearly], ids=lambda rule: rule.id)
@pytest.mark.parametrize("normaliser", ["attention", "sum"])
def test_a_read_out_of_its_own_takes_no_normaliser(rule: Rule, normaliser: str, stream: Stream) -> None:
    refused(rule, "has a read-out of its own, which takes no normaliser", normaliser=normaliser, **stream(rule))


def test_rules_that_make_their_own_sizes_check_them(stream: Stream) -> None:
    given_ = stream("self_referential")
    few = given_["initial"][:, :, :14]
    refused("self_referential", "initial must have d_y .* but has 14$", **given_ | {"initial": few})
    refused("self_referential", "needs initial", query=given_["query"])
    given_ = stream("recurrent_delta")
    fewer = given_["recurrent"][:, 1:]
    refused("recurrent_delta", "recurrent must have .* = 14 rows .* not 13", **given_ | {"recurrent": fewer})
    state = run("recurrent_delta", **given_).state
    refused("recurrent_delta", "recurrent must have", **given_ | {"recurrent": fewer, "initial": state})


@pytest.mark.parametrize("mode", ["recurrent", "chunkwise"])
def test_a_ridge_that_rounding_loses_is_refused(mode: str, stream: Stream) -> None:
    given_ = stream("mesa")
    given_["key"] = given_["key"][:, :1].expand_as(given_["key"])
    given_["ridge"] = torch.full_like(given_["ridge"], 1e-30)
    refused("mesa", r"not finite at event 0: a ridge that rounding .* does not lose", mode=mode, **given_)


def test_half_precision_needs_a_kernel(stream: Stream) -> None:
    for dtype in (torch.float16, torch.bfloat16):
        for mode in ("recurrent", "chunkwise"):
            refused("delta", "query must be float32 or float64, not", mode=mode, **stream("delta", dtype=dtype))


def test_inputs_on_another_device_are_refused(stream: Stream) -> None:
    given_ = stream("delta")
    for name in tensors(given_)[1:]:
        refused("delta", f"{name} must be on the device of query", **given_ | {name: given_[name].to("meta")})


def test_numpy_numbers_and_lists_are_good_parameters(stream: Stream) -> None:
    given_ = stream("delta")
    expected = run("delta", parameters={"rate": torch.tensor([0.5, 0.7]).to(given_["query"])}, **given_).read
    for rate in ([0.5, 0.7], np.array([0.5, 0.7])):
        made = run("delta", parameters={"rate": rate}, **given_).read  # type: ignore[dict-item]
        torch.testing.assert_close(made, expected, rtol=1e-6, atol=1e-6)


def test_weights_that_overflow_are_refused_with_the_event() -> None:
    key = torch.full((1, 40, 1, 2), 1e3)  # beta |k|^2 far above 2: the delta rule diverges
    value = torch.ones(1, 40, 1, 2)
    with pytest.raises(InputError, match=r"rule 'delta' are not finite at event \d+: keys of norm one"):
        run("delta", query=key, key=key, value=value, mode="recurrent")
    large = torch.full((1, 4, 1, 2), 1e38)  # finite reads, though not their sum
    read, _ = run("hebbian", query=torch.eye(2).repeat(1, 2, 1)[:, :, None], key=large / 1e38, value=large / 8)
    assert read.isfinite().all()
