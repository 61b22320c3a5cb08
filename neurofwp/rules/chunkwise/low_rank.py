"""A transition that is diagonal plus an outer product of any two vectors: chunkwise."""

from __future__ import annotations

import torch
from torch import Tensor

from neurofwp.rules.chunkwise.chunks import join, split
from neurofwp.rules.chunkwise.decay import Decay


def low_rank_sum(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    removal: Tensor,
    replacement: Tensor,
    *,
    decay: Decay,
    initial: Tensor,
    size: int,
) -> tuple[Tensor, Tensor]:
    """W_t = W_{t-1} (a_t + r_t b_t') + v_t k_t', y_t = W_t q_t (Peng et al. 2025, arXiv 2503.14456).

    What is moved, u_t = W_{t-1} r_t, is read before the weights decay; within a chunk the u_t depend on each other
    through a unit triangular system, as in the WY representation of the delta rule.

    Parameters
    ----------
    query, key, removal, replacement : (..., time, pre), the q, k, r and b. value : (..., time, post).
    decay : the a_t, over pre, cut into chunks of `size`. initial : (..., post, pre), W_0.

    Returns
    -------
    reads (..., time, post), and the last weights (..., post, pre).
    """
    length = query.shape[-2]
    vectors = (split(each, size, axis=-2) for each in (query, key, value, removal, replacement))
    query, key, value, removal, replacement = vectors
    # event t reads weights that have decayed as at t - 1: its vector stands in that place, and the result moves back
    early = torch.cat([removal[..., 1:, :], torch.zeros_like(removal[..., :1, :])], dim=-2)
    by_replacement, by_key = (_later(decay.pairs(early, each)) for each in (replacement, key))
    from_start = torch.cat([removal[..., :1, :], decay.from_start(early)[..., :-1, :]], dim=-2)
    wanted = torch.cat([by_key @ value, from_start], dim=-1)
    solved = torch.linalg.solve_triangular(-by_replacement, wanted, upper=False, unitriangular=True)
    alone, taken = solved.split([value.shape[-1], key.shape[-1]], dim=-1)  # u = alone + taken W'

    before, moves = [], []
    weight = initial
    parts = (each.unbind(-3) for each in (alone, taken, decay.to_end(replacement), decay.to_end(key), value))
    for index, (whole, share, replaced, kept, new) in enumerate(zip(*parts, strict=True)):
        before.append(weight)
        moves.append(whole + share @ weight.mT)
        left = decay.across(index)
        weight = (weight if left is None else left * weight) + moves[-1].mT @ replaced + new.mT @ kept
    start = torch.stack(torch.broadcast_tensors(*before, weight)[:-1], dim=-3)
    moved = torch.stack(moves, dim=-3)
    read = decay.pairs(query, key) @ value + decay.pairs(query, replacement) @ moved
    return join(read + decay.from_start(query) @ start.mT, length), weight


def _later(rows: Tensor) -> Tensor:
    """Rows moved down by one, the first one zero."""
    return torch.cat([torch.zeros_like(rows[..., :1, :]), rows[..., :-1, :]], dim=-2)
