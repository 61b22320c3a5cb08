"""Controllers against their equations, written out in loops, and what each of them can and cannot know."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from neurofwp.slownet.controller import ARCHITECTURES, GRU, FeedForward, Recurrent
from neurofwp.slownet.training.settings import Architecture

SEEN, READ, HIDDEN = 5, 3, 4


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def named(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: tensor.detach().numpy() for name, tensor in module.named_parameters()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_there_is_one_for_every_name() -> None:
    assert set(ARCHITECTURES) == set(get_args(Architecture))


@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_all_weights_come_from_the_generator(architecture: Architecture) -> None:
    made = []
    for unrelated in (1, 2):
        torch.manual_seed(unrelated)
        made.append(named(ARCHITECTURES[architecture](SEEN, READ, HIDDEN, seeded(7))))
    other = named(ARCHITECTURES[architecture](SEEN, READ, HIDDEN, seeded(8)))
    for name, weights in made[0].items():
        np.testing.assert_array_equal(weights, made[1][name])
        if weights.any():  # some biases start from 0
            assert (weights != other[name]).any(), name


def test_feed_forward_knows_the_present_event_alone() -> None:
    controller, seen = FeedForward(SEEN, READ, HIDDEN, seeded()).double(), normal(2, 6, SEEN)
    torch.nn.init.normal_(controller.input.bias, generator=seeded(4))
    weights = named(controller)
    expected = np.maximum(seen.numpy() @ weights["input.weight"].T + weights["input.bias"], 0)
    torch.testing.assert_close(controller(seen).detach(), torch.as_tensor(expected))
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(controller(seen[:, order]), controller(seen)[:, order])


def test_gru_is_a_gated_recurrent_unit_and_a_layer() -> None:
    """r, z = S(A x + a + B h + b); n = tanh(A x + a + r (B h + b)); h <- (1 - z) n + z h."""
    controller, seen = GRU(SEEN, READ, HIDDEN, seeded()).double(), normal(2, 6, SEEN)
    w = named(controller)
    for episode in range(2):
        h, expected = np.zeros(HIDDEN), []
        for x in seen[episode].numpy():
            of_x = np.split(w["memory.weight_ih_l0"] @ x + w["memory.bias_ih_l0"], 3)
            of_h = np.split(w["memory.weight_hh_l0"] @ h + w["memory.bias_hh_l0"], 3)
            r, z = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
            h = (1 - z) * np.tanh(of_x[2] + r * of_h[2]) + z * h
            expected.append(np.maximum(w["output.weight"] @ h + w["output.bias"], 0))
        np.testing.assert_allclose(controller(seen)[episode].detach(), np.stack(expected), rtol=1e-10, atol=1e-12)


def test_gru_remembers_the_past_and_knows_nothing_of_the_future() -> None:
    controller, seen = GRU(SEEN, READ, HIDDEN, seeded()).double(), normal(2, 6, SEEN)
    changed = seen.clone()
    changed[:, 2] += 1
    difference = (controller(changed) - controller(seen)).abs().amax((0, 2))
    assert not difference[:2].any()
    assert (difference[2:] > 1e-6).all()


def test_recurrent_knows_the_event_and_what_was_read_before_it() -> None:
    controller = Recurrent(SEEN, READ, HIDDEN, seeded()).double()
    torch.nn.init.normal_(controller.input.bias, generator=seeded(4))
    seen, read, w = normal(20, SEEN), 3 * normal(20, READ, seed=2), named(controller)
    drive = seen.numpy() @ w["input.weight"].T + w["input.bias"] + np.tanh(read.numpy()) @ w["feedback.weight"].T
    torch.testing.assert_close(controller(seen, read).detach(), torch.as_tensor(np.maximum(drive, 0)))
    # reads of any size are taken in: fast weights that blow up cannot blow up the slow net
    torch.testing.assert_close(controller(seen, 1e6 * read), controller(seen, 1e9 * read))
