"""Hopfield networks: patterns completed by iteration, where fast weights read once."""

from __future__ import annotations

import torch
from torch import Tensor


def dense_recall(pattern: Tensor, query: Tensor, steps: int = 50) -> Tensor:
    """States (episode, pattern, cell) that a Hopfield network of sign cells (Hopfield 1982) reaches from `query`.

    W is the sum of x x' over the patterns (episode, pattern, cell) of an episode, without self-connections; all cells
    are updated at once, up to `steps` times, and one without input keeps its state.
    """
    weight = _without_self(pattern)
    state = query
    for _ in range(steps):
        drive = state @ weight
        new = torch.where(drive == 0, state, drive.sign())
        if torch.equal(new, state):
            break
        state = new
    return state


def sparse_recall(pattern: Tensor, query: Tensor, active: int, steps: int = 50) -> Tensor:
    """The same for patterns (episode, pattern, cell) of 0 and 1, `active` ones in each; queries (episode, read, cell).

    W is the sum of (x - f)(x - f)' with f = active / cells (Amit, Gutfreund & Sompolinsky 1987; Tsodyks & Feigelman
    1988); inhibition that is shared by all cells lets the `active` ones with most input fire. Of cells with the same
    input those with the lower number come first.
    """
    weight = _without_self(pattern * pattern.shape[-1] - active)  # times cells: whole numbers, whose ties are ties
    state = query
    for _ in range(steps):
        winners = (state @ weight).sort(dim=-1, descending=True, stable=True).indices[..., :active]
        new = torch.zeros_like(state).scatter(-1, winners, 1.0)
        if torch.equal(new, state):
            break
        state = new
    return state


def _without_self(pattern: Tensor) -> Tensor:
    weight = pattern.mT @ pattern
    weight.diagonal(dim1=-2, dim2=-1).zero_()
    return weight
