"""Sequences in segments, each from the state that the last one left: the same numbers, and less memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from neurofwp.rate import FastWeightLayer, segments
from neurofwp.rules import RULES, Rule
from neurofwp.runtime.cost import peak_bytes

from .sizes import SIZES
from .test_chunkwise import case, compare, with_gradients

CHUNKED = [rule for rule in RULES if rule.has_chunkwise]


@pytest.mark.parametrize("rule", CHUNKED, ids=lambda rule: rule.id)
def test_segments_are_the_whole(rule: Rule, stream: Callable[..., dict], monkeypatch: pytest.MonkeyPatch) -> None:
    given = case(rule, stream, seed=5, time=23, batch=2)
    whole = with_gradients(rule, given, mode="chunkwise", chunk=3)
    monkeypatch.setattr(segments, "NUMBERS", 1)  # every segment is one chunk
    compare(with_gradients(rule, given, mode="chunkwise", chunk=3), whole, 1e-11)


@pytest.mark.parametrize("masked", [False, True], ids=["full", "masked"])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_layer_in_segments_is_the_whole(rule: Rule, masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = FastWeightLayer(
        rule, 6, 4, 3, 2, "silu-l2", sizes=SIZES.get(rule.id), chunk=3, generator=generator, dtype=torch.float64
    )
    x = torch.randn(2, 21, 6, generator=generator, dtype=torch.float64)
    mask = torch.rand(2, 21, generator=generator) < 0.7 if masked else None
    whole = outputs_and_gradients(layer, x, mask)
    monkeypatch.setattr(segments, "EVENTS", 17)
    monkeypatch.setattr(segments, "NUMBERS", 1)
    torch.testing.assert_close(outputs_and_gradients(layer, x, mask), whole, rtol=1e-10, atol=1e-11)


def outputs_and_gradients(layer: FastWeightLayer, x: Tensor, mask: Tensor | None) -> list[Tensor]:
    """Outputs, last states, and the gradients of all weights."""
    y, state = layer.advance(x, mask=mask)
    weights = list(layer.parameters())
    gradients = torch.autograd.grad(y.square().sum(), weights, allow_unused=True, materialize_grads=True)
    return [y, *state.values(), *gradients]


def test_what_a_long_sequence_holds_is_its_output_twice() -> None:
    layer = FastWeightLayer("delta", 32, 16, 16, 2, "silu-l2")
    x = torch.randn(1, 4 * segments.EVENTS, 32)
    with torch.no_grad():
        short, long = (peak_bytes(partial(layer, x[:, : n * segments.EVENTS])) for n in (2, 4))
    output = 2 * segments.EVENTS * 32 * x.itemsize  # of what one has more than the other
    assert long - short <= 2.1 * output
