"""The two recurrences that most rules are: sums that decay, and sums that correct what they hold already."""

from __future__ import annotations

import torch
from torch import Tensor

from neurofwp.rules.chunkwise.chunks import join, split
from neurofwp.rules.chunkwise.decay import Decay


def decayed_sum(
    query: Tensor, key: Tensor, value: Tensor, *, write: Tensor | None, decay: Decay, initial: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """W_t = W_{t-1} a_t + w_t v_t k_t', y_t = W_t q_t (Sun et al. 2023; Yang et al. 2024, arXiv 2312.06635).

    Parameters
    ----------
    query, key : (..., time, pre). value : (..., time, post). write : (..., time), the w_t; None is 1.
    decay : the a_t, cut into chunks of `size`. initial : (..., post, pre), W_0. Leading dims broadcast.

    Returns
    -------
    reads (..., time, post), and the last weights (..., post, pre).
    """
    length = query.shape[-2]
    query, key, value = (split(each, size, axis=-2) for each in (query, key, value))
    if write is not None:
        value = split(write, size, axis=-1)[..., None] * value
    added = value.mT @ decay.to_end(key)  # (..., chunk, post, pre)
    before = []
    weight = initial
    for index, new in enumerate(added.unbind(-3)):
        before.append(weight)
        share = decay.across(index)
        weight = weight + new if share is None else torch.addcmul(new, share, weight)
    start = _stack(before, weight)
    read = decay.pairs(query, key) @ value + decay.from_start(query) @ start.mT
    return join(read, length), weight


def corrected_sum(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    write: Tensor | None,
    erase: Tensor | None,
    decay: Decay,
    initial: Tensor,
    size: int,
    removal: Tensor | None = None,
    transposed: bool = False,
) -> tuple[Tensor, Tensor]:
    """W_t = W_{t-1} a_t (I - e_t r_t k_t') + w_t v_t k_t', y_t = W_t q_t; r_t is k_t where it is left out.

    The writes of one chunk, u_t = w_t v_t - e_t W_{t-1} a_t r_t, depend on each other through a unit triangular system,
    solved for all chunks at once (Yang et al. 2024, arXiv 2406.06484, the WY representation; 2412.06464 with decay).

    Parameters
    ----------
    query, key : (..., time, pre). value : (..., time, post). write, erase : (..., time), the w_t and e_t; None
        is 1.
    removal : (..., time, pre), the r_t. decay : the a_t, over pre, cut into chunks of `size`.
    initial : (..., post, pre), W_0.
    transposed : read with the transpose: query (..., time, post), reads (..., time, pre). A rule that corrects what the
        *value* retrieves, as Oja's, is this with key and value exchanged.

    Returns
    -------
    reads (..., time, post), and the last weights (..., post, pre).
    """
    length = query.shape[-2]
    query, key, value = (split(each, size, axis=-2) for each in (query, key, value))
    asked = key if removal is None else split(removal, size, axis=-2)
    coupling = _times(erase, decay.pairs(asked, key), size)  # of which only what lies below the diagonal is used
    # the inverse, and two products, are faster than to solve for so many right-hand sides
    one = torch.eye(size, dtype=key.dtype, device=key.device).expand(coupling.shape)
    inverse = torch.linalg.solve_triangular(coupling, one, upper=False, unitriangular=True)
    # u = alone - taken W'
    alone, taken = inverse @ _times(write, value, size), inverse @ _times(erase, decay.from_start(asked), size)

    before, writes = [], []
    weight = initial
    parts = (each.unbind(-3) for each in (alone, taken, decay.to_end(key)))
    for index, (whole, share, kept) in enumerate(zip(*parts, strict=True)):
        before.append(weight)
        writes.append(whole - share @ weight.mT)
        left = decay.across(index)
        weight = (weight if left is None else left * weight) + writes[-1].mT @ kept
    start = _stack(before, weight)
    written = torch.stack(writes, dim=-3) if len(writes) > 1 else writes[0].unsqueeze(-3)
    if transposed:
        read = decay.combine(query @ written.mT, key) + decay.from_start(query @ start)
    else:
        read = decay.pairs(query, key) @ written + decay.from_start(query) @ start.mT
    return join(read, length), weight


def _stack(before: list[Tensor], last: Tensor) -> Tensor:
    """The weights before each chunk, (..., chunk, post, pre), of the shape that the last ones have."""
    if len(before) == 1:  # no copy
        return before[0].expand_as(last).unsqueeze(-3)
    return torch.stack(torch.broadcast_tensors(*before, last)[:-1], dim=-3)


def _times(strength: Tensor | None, rows: Tensor, size: int) -> Tensor:
    """Rows (..., chunk, size, dim) times numbers (..., time); None is 1."""
    return rows if strength is None else split(strength, size, axis=-1)[..., None] * rows
