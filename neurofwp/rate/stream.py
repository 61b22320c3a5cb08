"""Any rule on any stream of keys, values and queries, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from neurofwp import errors, rules
from neurofwp.errors import InputError
from neurofwp.rate import kernels
from neurofwp.rate.arguments import (
    argument_ranges,
    check_arguments,
    check_bounds,
    check_compute_dtype,
    check_normaliser,
    check_parameters,
    parameter_ranges,
)
from neurofwp.rate.backends import MODES, Mode, choose_backend
from neurofwp.rate.evaluation import Result, evaluate
from neurofwp.rate.initial_state import check_initial, state_ranges
from neurofwp.rate.normalisers import Normaliser
from neurofwp.rate.ranges import check_ranges
from neurofwp.rate.scan import Bounds
from neurofwp.rate.sequences import Offsets, check_sequences
from neurofwp.rate.values import are_known
from neurofwp.rules import Rule


def run(
    rule: str | Rule,
    *,
    query: Tensor,
    mode: Mode = "auto",
    normaliser: Normaliser | None = None,
    initial: Tensor | Mapping[str, Tensor] | None = None,
    bounds: Bounds | None = None,
    chunk: int | None = None,
    micro_steps: int | None = None,
    parameters: Mapping[str, float | Tensor] | None = None,
    mask: Tensor | None = None,
    cu_seqlens: Offsets | None = None,
    compute_dtype: torch.dtype | None = None,
    **arguments: Tensor | None,
) -> Result:
    """Write and read at every event: W changes by the rule, then y = W q.

    Nothing is scaled, cast or broadcast in silence; all tensors have the dtype and device of `query`, and autocast does
    not reach in.

    Values are not checked where Python cannot see them: under torch.compile, torch.export and torch.func, while a CUDA
    graph is captured, and on the device "meta". Numbers out of range then give what the equations give.

    Parameters
    ----------
    rule : id of a rule (see `neurofwp.rules.RULES`), or a Rule.
    query : (batch, time, head, d_k).
    arguments : what the rule takes, see its `arguments`: key (batch, time, head, d_k), value (batch, time, head, d_v),
        beta (batch, time, head) in [0, 2], by default 1; log_decay <= 0, one per head, or per channel; and so on. With
        micro-steps, key, value and beta are (batch, micro_steps x time, head, ...).
    mode : "recurrent", one event after the other; "chunkwise", in parallel, the same to rounding; "auto", a kernel or
        chunks wherever they can serve (very small keys and values may be faster one after the other).
    normaliser : "attention", reads are divided by z.q, z the sum of all keys so far, whatever the rule did with them;
        "sum", keys and queries are divided by their sums.
    initial : weights before the first event, (batch, head, post, pre), or a `Result.state`, to resume from; else zero.
    bounds : (low, high), to which weights are clamped after every event; (0, inf) for conductances.
    chunk : events per chunk; by default what suits the rule and the length.
    micro_steps : writes per event, for a rule that has micro-steps.
    parameters : of the rule, by name: numbers, or tensors (head,).
    mask : (batch, time), bool, which events happen, in any pattern: padding at either end, or holes. What does not
        happen changes nothing and its signals may be anything, NaN too: reads, last states and gradients are those of
        each sequence alone.
    cu_seqlens : where each of several sequences starts, one after the other in tensors of batch 1, and where the last
        one ends: (sequences + 1,), int32 or int64, as in flash-attention, or a tuple. `initial` and the states that
        come out have one entry for each sequence. Those of similar length are padded and run together.
    compute_dtype : torch.float32 or torch.float64, to which all tensors are cast first, so that half precision runs
        anywhere; states stay in it, reads are cast back. Left out, the dtype of `query`; float32 where a kernel would
        serve half precision but for d_k, above 256 in the delta rules.

    Raises
    ------
    InputError
        for anything that does not fit the rule, with the name of the argument, the index of the first offender and
        what would be right; and if reads or weights are not finite.
    """
    rule = rules.get(rule)
    if mode not in MODES:
        raise errors.unknown("mode", str(mode), MODES)
    sizes = check_arguments(rule, query, arguments, micro_steps)
    sequences = check_sequences(mask, cu_seqlens, query)
    check_compute_dtype(compute_dtype)
    asked = query if compute_dtype is None else query.to(compute_dtype)
    present = {name: tensor.to(asked.dtype) for name, tensor in arguments.items() if tensor is not None}
    given = {} if parameters is None else parameters
    numbers = check_parameters(rule, given, sizes["head"], asked)
    check_normaliser(rule, normaliser)
    check_bounds(rule, bounds)
    if chunk is not None and (type(chunk) is not int or chunk < 1):
        raise InputError(f"chunk must be a whole number of 1 or more, not {chunk!r}")
    if sequences is not None:
        sizes["batch"] = sequences.count or sizes["batch"]
    before = check_initial(rule, _cast(initial, query.dtype, asked.dtype), sizes, asked, normaliser)
    extremes = check_ranges(
        [
            *argument_ranges(rule, query, arguments, mask),
            *parameter_ranges(rule, given, numbers),
            *state_ranges(before, initial),
        ]
    )
    backend = choose_backend(
        rule, asked, _known(given, extremes), mode=mode, bounds=bounds, chunk=chunk, masked=sequences is not None
    )
    if asked.dtype in kernels.HALF and backend != "flash-linear-attention":
        asked, present = asked.float(), {name: tensor.float() for name, tensor in present.items()}
    work = partial(
        evaluate, rule, asked, present, numbers, before, backend=backend, normaliser=normaliser, bounds=bounds,
        chunk=chunk, micro_steps=micro_steps, sequences=sequences,
    )  # fmt: skip
    result = work(refuse_zero=False)
    if are_known(result.read) and not _is_finite(result.read, result.weight):
        work(refuse_zero=True)  # says so if it is the normaliser's fault
        _refuse(rule, result.read, result.weight)
    return result if asked.dtype == query.dtype else replace(result, read=result.read.to(query.dtype))


def _cast(
    initial: Tensor | Mapping[str, Tensor] | None, given: torch.dtype, computed: torch.dtype
) -> Tensor | Mapping[str, Tensor] | None:
    """An initial state in the precision of the computation, where it has that of the query."""
    if given == computed or initial is None:
        return initial
    if isinstance(initial, Mapping):
        return {name: part.to(computed) if _has(part, given) else part for name, part in initial.items()}
    return initial.to(computed) if _has(initial, given) else initial


def _has(tensor: Any, dtype: torch.dtype) -> bool:
    return isinstance(tensor, Tensor) and tensor.dtype == dtype


def _known(given: Mapping[str, Any], extremes: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    """Parameters as given, but, in place of tensors that nobody learns, their extremes: so they are looked at once."""
    return {
        name: extremes[name] if isinstance(number, Tensor) and name in extremes and not number.requires_grad else number
        for name, number in given.items()
    }


def _is_finite(read: Tensor, weight: Tensor) -> bool:
    with torch.no_grad():
        return bool(torch.isfinite(read.sum() + weight.sum()))


def _refuse(rule: Rule, read: Tensor, weight: Tensor) -> None:
    """read (batch, time, head, post), weight (batch, head, post, pre).

    Raises
    ------
    InputError
        if either is not finite, though the input was.
    """
    lost = ~read.isfinite().all(-1)
    if not bool(lost.any()) and bool(weight.isfinite().all()):
        return  # only the sum has grown beyond all numbers
    where = ""
    if bool(lost.any()):
        time = int(lost.any(-1).any(0).nonzero()[0])
        where = f" at event {time}"
    raise InputError(
        f"reads or weights of rule {rule.id!r} are not finite{where}: {rule.finite_with} would keep them so"
    )
