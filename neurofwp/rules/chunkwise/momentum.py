"""The delta rule with a trace of its own changes, which goes on moving the weights: chunkwise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neurofwp.rules.chunkwise.decay import products


def momentum_sum(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    write: Tensor,
    kept: Tensor,
    retention: Tensor,
    mask: Tensor | None = None,
    weight: Tensor,
    trace: Tensor,
    size: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """S_t = eta_t S_{t-1} + u_t k_t', u_t = w_t (v_t - W_{t-1} k_t); W_t = a_t W_{t-1} + S_t; y_t = W_t q_t.

    Parameters
    ----------
    query, key : (..., time, pre). value : (..., time, post). write, kept, retention : (..., time), the w, eta and a.
    mask : (..., time), which events happen; others, of write 0 and retention 1, leave W and S as they were.
    weight, trace : (..., post, pre), W_0 and S_0. size : of a chunk.

    Returns
    -------
    reads (..., time, post), the last weights and the last trace.
    """
    numbers = [write, kept, retention]
    if mask is not None:  # and how much of the trace each event adds to the weights
        numbers = [write, torch.where(mask, kept, 1.0), retention, mask.to(kept)]
    length = query.shape[-2]
    whole = length - length % size
    reads = []
    # the trace moves the weights without any input too: a last chunk cannot be filled up
    for first, last, width in ((0, whole, size), (whole, length, length - whole)):
        if first < last:
            vectors = [each[..., first:last, :].unflatten(-2, (-1, width)) for each in (query, key, value)]
            within = [each[..., first:last].unflatten(-1, (-1, width)) for each in numbers]
            read, weight, trace = _whole_chunks(vectors, within, weight, trace)
            reads.append(read.flatten(-3, -2))
    return torch.cat(reads, dim=-2), weight, trace


def _whole_chunks(
    vectors: Sequence[Tensor], numbers: Sequence[Tensor], weight: Tensor, trace: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """`momentum_sum` of query, key, value (..., chunk, size, dim) and numbers (..., chunk, size)."""
    query, key, value = vectors
    write, kept, retention, *moves = numbers
    # E[t, s] and A[t, s]: what is left at t of the trace, and of the weights, of s
    of_trace, of_weight = products(kept), products(retention)
    added = of_weight * moves[0][..., None, :] if moves else of_weight  # and what the trace of s has added to W_t
    trace_start = kept[..., :1] * of_trace[..., :, 0]  # what is left at t of S_0, (..., chunk, size)
    weight_start = retention[..., :1] * of_weight[..., :, 0]  # and of W_0
    moved_start = (added @ trace_start[..., None])[..., 0]  # what S_0 has added to W_t
    moved = added @ of_trace  # what a unit written at s has added to W_t

    # u = alone - by_weight W_0' - by_trace S_0', through what W_{t-1} predicts: rows moved down by one event
    write = write[..., None]
    coupling = write * _later(moved) * (key @ key.mT)
    wanted = torch.cat(
        [
            write * value,
            write * _later(weight_start[..., None], first=1.0) * key,
            write * _later(moved_start[..., None]) * key,
        ],
        dim=-1,
    )
    solved = torch.linalg.solve_triangular(coupling, wanted, upper=False, unitriangular=True)
    parts = solved.split([value.shape[-1], key.shape[-1], key.shape[-1]], dim=-1)

    starts = (weight_start, moved_start, trace_start)
    before, before_trace, written, weight, trace = _run_chunks(parts, key, starts, (moved, of_trace), weight, trace)
    read = (
        weight_start[..., None] * (query @ before.mT)
        + moved_start[..., None] * (query @ before_trace.mT)
        + (moved * (query @ key.mT)) @ written
    )
    return read, weight, trace


def _run_chunks(
    parts: Sequence[Tensor],
    key: Tensor,
    starts: tuple[Tensor, Tensor, Tensor],
    sums: tuple[Tensor, Tensor],
    weight: Tensor,
    trace: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Chunk after chunk.

    Parameters
    ----------
    parts : of what is written (..., chunk, size, dim): alone, by the weights and by the trace before the chunk.
    starts : what is left at t of W_0, what S_0 has added to W_t, and what is left of S_0 (..., chunk, size).
    sums : what a unit written at s has added to W_t, and what is left of it in S_t (..., chunk, size, size).

    Returns
    -------
    weights and traces before each chunk, what each has written, the last weights and the last trace.
    """
    weights, traces, writes = [], [], []
    for index, (alone, by_weight, by_trace) in enumerate(zip(*(part.unbind(-3) for part in parts), strict=True)):
        weights.append(weight)
        traces.append(trace)
        written = alone - by_weight @ weight.mT - by_trace @ trace.mT
        writes.append(written)
        keys = key[..., index, :, :]
        last = [each[..., index, -1, None, None] for each in starts]
        added = [(each[..., index, -1, :, None] * written).mT @ keys for each in sums]
        weight, trace = last[0] * weight + last[1] * trace + added[0], last[2] * trace + added[1]
    return _stack(weights), _stack(traces), _stack(writes), weight, trace


def _later(rows: Tensor, first: float = 0.0) -> Tensor:
    """Rows moved down by one, the first one filled up."""
    return torch.cat([torch.full_like(rows[..., :1, :], first), rows[..., :-1, :]], dim=-2)


def _stack(each: list[Tensor]) -> Tensor:
    return torch.stack(torch.broadcast_tensors(*each), dim=-3)
