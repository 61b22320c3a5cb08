"""The initial state of a run: what does not fit the rule, the sizes or the normaliser is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import assume, given, settings, strategies as st

from neurofwp.errors import InputError
from neurofwp.rate import run
from neurofwp.rules import RULES, Rule

Stream = Callable[..., dict]

EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def refused(rule: Rule | str, message: str, **given_: object) -> None:
    with pytest.raises(InputError, match=message) as raised:
        run(rule, **given_)
    assert "\n" not in str(raised.value)


@EACH
@given(data=st.data())
@settings(max_examples=10)
def test_an_initial_state_that_does_not_fit_is_refused(rule: Rule, data: st.DataObject, stream: Stream) -> None:
    given_ = stream(rule)
    state = run(rule, **given_).state
    name = data.draw(st.sampled_from(sorted(state)))
    tensor = state[name]
    dim = data.draw(st.integers(0, tensor.ndim - 1))
    assume("program" not in rule.weight_dims or dim != 2)  # a matrix of more rows has more outputs
    size = data.draw(st.sampled_from([0, 1, tensor.shape[dim] + 1]))
    assume(size != tensor.shape[dim])
    index = torch.arange(size, device=tensor.device) % tensor.shape[dim]
    bad = [tensor.index_select(dim, index), tensor[..., None], tensor[0], tensor.float(), tensor.cpu().numpy(), None]
    spoilt = tensor.clone()
    spoilt.view(-1)[-1] = math.nan
    for wrong in (*bad, spoilt):
        refused(rule, "^initial", **given_ | {"initial": state | {name: wrong}})
    fields = {"weight"} if rule.state is None else set(rule.state._fields)  # type: ignore[attr-defined]
    for changed in ({n: t for n, t in state.items() if n != name}, state | {"wieght": tensor}):
        refused(rule, f"^initial must have {', '.join(sorted(fields))}, but has", **given_ | {"initial": changed})


def test_an_index_in_the_initial_weights_is_named(stream: Stream) -> None:
    given_ = stream("delta")
    weight = torch.zeros(2, 2, 3, 5, dtype=torch.float64, device=given_["query"].device)
    weight[1, 0, 2, 3] = math.inf
    refused("delta", r"^initial must be finite, but initial\[1, 0, 2, 3\] is inf$", initial=weight, **given_)
    for wrong in (weight.cpu().numpy(), [1.0], 0.0, "weight"):
        refused("delta", "initial must be a torch.Tensor or the state of a Result, not", initial=wrong, **given_)


def test_the_sum_of_keys_so_far_must_fit_too(stream: Stream) -> None:
    given_ = stream("hebbian")
    given_ |= {name: given_[name].abs() for name in ("query", "key")}
    state = run("hebbian", normaliser="attention", **given_).state
    for wrong in (state["key_sum"][..., :1], state["key_sum"][..., None], state["key_sum"][..., 0]):
        changed = state | {"key_sum": wrong}
        refused("hebbian", "^initial", normaliser="attention", initial=changed, **given_)


def test_a_sum_of_keys_goes_with_its_normaliser() -> None:
    key, value = torch.rand(1, 4, 1, 2), torch.rand(1, 4, 1, 3)
    signals = {"query": key, "key": key, "value": value}
    normalised, plain = run("hebbian", normaliser="attention", **signals), run("hebbian", **signals)
    with pytest.raises(InputError, match="initial has a key_sum, .* where normaliser None needs none"):
        run("hebbian", initial=normalised.state, **signals)
    with pytest.raises(InputError, match="initial has no key_sum, .* where normaliser 'attention' needs one"):
        run("hebbian", initial=plain.state, normaliser="attention", **signals)
