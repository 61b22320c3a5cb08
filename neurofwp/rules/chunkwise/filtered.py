"""Sums of writes that a few coupled variables of each synapse hand on to each other: chunkwise."""

from __future__ import annotations

import torch
from torch import Tensor

from neurofwp.rules.chunkwise.chunks import join, split


def filtered_sum(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    transition: Tensor,
    write: Tensor,
    mask: Tensor | None = None,
    initial: Tensor,
    size: int,
) -> tuple[Tensor, Tensor]:
    """X_t = A_t X_{t-1} + b_t v_t k_t', y_t = X_t[0] q_t: every synapse has n variables, and the first is its weight.

    Parameters
    ----------
    query, key : (..., time, pre). value : (..., time, post). transition : (..., time, n, n), the A_t.
    write : (..., time, n), the b_t. mask : (..., time), which events happen; others leave X as it was.
    initial : (..., n, post, pre), X_0. size : of a chunk.

    Returns
    -------
    reads (..., time, post), and the last X (..., n, post, pre).
    """
    length, count = query.shape[-2], write.shape[-1]
    missing = -length % size
    # the variables move without any write too: a last chunk is filled up with events that leave them alone
    rest = torch.eye(count, dtype=query.dtype, device=query.device)
    if mask is not None:
        transition = torch.where(mask[..., None, None], transition, rest)
        write = torch.where(mask[..., None], write, 0.0)
    filled = rest.expand(*transition.shape[:-3], missing, -1, -1)
    transition = torch.cat([transition, filled], dim=-3).unflatten(-3, (-1, size))
    query, key, value, write = (split(each, size, axis=-2) for each in (query, key, value, write))
    response, start, ends, across = _responses(transition, write)

    before = []
    state = initial
    for index in range(key.shape[-3]):
        before.append(state)
        share = ends[..., index, :, :].mT[..., :, :, None] * value[..., index, :, :][..., None, :, :]
        added = share.mT @ key[..., index, :, :][..., None, :, :]  # (..., n, post, pre)
        state = torch.einsum("...mn,...nij->...mij", across[..., index, :, :], state) + added
    first = torch.stack(torch.broadcast_tensors(*before, state)[:-1], dim=-4)  # (..., chunk, n, post, pre)
    within = (response * (query @ key.mT)) @ value
    return join(within + torch.einsum("...tn,...nij,...tj->...ti", start, first, query), length), state


def _responses(transition: Tensor, write: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What a unit write does within each chunk: transition (..., chunk, size, n, n), write (..., chunk, size, n).

    Returns
    -------
    what is left in the first variable at t of a write at s (..., size, size), and of each variable before the chunk
    (..., size, n); what is left after the chunk in all variables of a write at s (..., size, n), and of each variable
    before it (..., n, n).
    """
    size = write.shape[-2]
    rows, starts = [], []
    left = write[..., :0, :]
    across: Tensor | None = None
    for time in range(size):
        one = transition[..., time, :, :]
        across = one if across is None else one @ across
        left = torch.cat([left @ one.mT, write[..., time : time + 1, :]], dim=-2)
        rows.append(torch.nn.functional.pad(left[..., 0], (0, size - 1 - time)))
        starts.append(across[..., 0, :])
    assert across is not None
    return torch.stack(rows, dim=-2), torch.stack(starts, dim=-2), left, across
