"""The stack: causality, streaming, what order means to each rule, and learning to recall."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.rate.stack import CausalConvolution, FastWeightStack

from .sizes import SIZES


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(rule: str = "delta", **settings) -> FastWeightStack:
    settings = {"feature_map": "silu-l2", "convolution": 3, "sizes": SIZES.get(rule), "generator": seeded()} | settings
    return FastWeightStack(11, rule, 8, 4, 3, 2, **settings).double()


def tokens(batch: int, time: int, seed: int = 1) -> Tensor:
    return torch.randint(0, 11, (batch, time), generator=seeded(seed))


@pytest.mark.parametrize("rule", ["delta", "hebbian", "mlstm", "self_referential", "delta_product", "three_factor"])
def test_streaming_and_parallel_agree(rule):
    stack = make(rule)
    asked = tokens(2, 25)
    parallel = stack(asked)
    assert parallel.shape == (2, 25, 11)
    state = None
    for t, token in enumerate(asked.unbind(1)):
        logits, state = stack.step(token, state)
        torch.testing.assert_close(logits, parallel[:, t], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("convolution", [1, 4])
def test_a_token_changes_its_own_logits_and_later_ones_but_none_before(convolution):
    stack = make(convolution=convolution)
    asked = tokens(2, 30)
    other = asked.clone()
    other[:, 17] = (other[:, 17] + 1) % 11
    differs = (stack(asked) != stack(other)).any(-1)
    assert not differs[:, :17].any()
    assert differs[:, 17:].all()


def test_one_layer_without_convolution_forgets_order_if_its_rule_is_a_sum_and_not_if_it_corrects():
    asked = tokens(4, 20)
    shuffled = torch.cat([asked[:, torch.randperm(19, generator=seeded(2))], asked[:, 19:]], dim=1)
    for rule, forgets in (("hebbian", True), ("mesa", True), ("delta", False), ("interpolating", False)):
        stack = make(rule, layers=1, convolution=1)
        if rule == "mesa":  # least squares forgets order where nothing decays
            with torch.no_grad():
                stack.blocks[0].layer.signals["log_decay"].bias.fill_(100.0)
        change = (stack(asked)[:, -1] - stack(shuffled)[:, -1]).abs().amax(-1)
        assert bool((change < 1e-10).all() if forgets else (change > 1e-4).all()), rule


def test_convolution_against_a_loop():
    convolution = CausalConvolution(3, 4, dtype=torch.float64)
    torch.nn.init.normal_(convolution.taps, generator=seeded())
    x = torch.randn(2, 6, 3, dtype=torch.float64, generator=seeded(1))
    expected = torch.zeros_like(x)
    for t in range(6):
        for back in range(min(4, t + 1)):
            expected[:, t] += convolution.taps[:, 0, 3 - back] * x[:, t - back]
    before = torch.zeros(2, 3, 3, dtype=torch.float64)
    torch.testing.assert_close(convolution(x, before), (expected, x[:, 3:].mT))


def test_one_seed_makes_one_stack_and_its_weights_can_be_carried_over():
    asked = tokens(2, 9)
    stack, twin, other = make(), make(), make(generator=seeded(1))
    torch.testing.assert_close(stack(asked), twin(asked), rtol=0, atol=0)
    assert not torch.allclose(stack(asked), other(asked))
    other.load_state_dict(stack.state_dict())
    torch.testing.assert_close(stack(asked), other(asked), rtol=0, atol=0)
    torch.testing.assert_close(stack(asked), copy.deepcopy(stack)(asked), rtol=0, atol=0)
    first, second = (block.layer.out.weight for block in stack.blocks)
    assert not torch.allclose(first, second)


def recall_task(batch: int, pairs: int, words: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """key value key value ... key: the keys 0 ... words - 1, all different; the values words ... 2 words - 1."""
    key = torch.rand(batch, words, generator=generator).argsort(1)[:, :pairs]
    value = words + torch.randint(0, words, (batch, pairs), generator=generator)
    chosen = torch.randint(0, pairs, (batch, 1), generator=generator)
    pairwise = torch.stack([key, value], dim=-1).flatten(1)
    return torch.cat([pairwise, key.gather(1, chosen)], dim=1), value.gather(1, chosen)[:, 0]


@pytest.mark.parametrize("convolution", [1, 2])
def test_a_small_stack_learns_to_recall_if_one_event_sees_both_key_and_value(convolution):
    generator = seeded(0)
    stack = FastWeightStack(
        16, "delta", 32, 16, 16, 1, layers=1, convolution=convolution, feature_map="silu-l2", generator=generator
    )
    optimiser = torch.optim.AdamW(stack.parameters(), lr=1e-2)
    for _ in range(200):
        asked, answer = recall_task(64, 4, 8, generator)
        loss = torch.nn.functional.cross_entropy(stack(asked)[:, -1], answer)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    asked, answer = recall_task(1000, 4, 8, generator)
    accuracy = (stack(asked)[:, -1].argmax(-1) == answer).double().mean()
    if convolution == 2:
        assert accuracy > 0.95
    else:  # keys and values lie in different events: what is left is the most frequent value, right in 41 %
        assert accuracy < 0.5


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"vocabulary": 0}, "vocabulary must be a whole number of 1 or more, not 0"),
        ({"layers": 0}, "layers must be a whole number of 1 or more, not 0"),
        ({"convolution": 0}, "convolution must be a whole number of 1 or more, not 0"),
        ({"heads": 0}, "heads must be a whole number of 1 or more, not 0"),
        ({"rule": "detla"}, "unknown rule 'detla'; did you mean 'delta'?"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(settings, sentence):
    valid = {"vocabulary": 5, "rule": "delta", "d_model": 4, "d_key": 2, "d_value": 2, "heads": 1}
    with pytest.raises(InputError, match=re.escape(sentence)):
        FastWeightStack(**(valid | settings))


def test_tokens_that_do_not_fit_are_refused():
    stack = make()
    for wrong, sentence in (
        (torch.zeros(2, 3), "tokens must be of dtype int64 or int32, not torch.float32"),
        (torch.zeros(3, dtype=torch.int64), "tokens must have shape (batch, time), not (3,)"),
        (torch.zeros(2, 0, dtype=torch.int64), "tokens must not be empty, but their shape is (2, 0)"),
        (torch.tensor([[0, 11]]), "tokens must be from 0 to 10, but they go from 0 to 11"),
        (torch.tensor([[-1, 3]]), "tokens must be from 0 to 10, but they go from -1 to 3"),
    ):
        with pytest.raises(InputError, match=re.escape(sentence)):
            stack(wrong)
    with pytest.raises(InputError, match=re.escape("tokens must have shape (batch), not (2, 3)")):
        stack.step(tokens(2, 3))


def test_a_state_of_another_stack_or_batch_is_refused():
    stack, token = make(), tokens(2, 1)[:, 0]
    for wrong, sentence in (
        (make(layers=3).begin(2), "state is of 3 layers and a batch of 2, but the stack has 2 and token 2"),
        (stack.begin(3), "state is of 2 layers and a batch of 3, but the stack has 2 and token 2"),
    ):
        with pytest.raises(InputError, match=re.escape(sentence)):
            stack.step(token, wrong)
