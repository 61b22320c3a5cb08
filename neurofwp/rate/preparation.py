"""What a layer finds out once: its rule's parameters as tensors, and what runs the rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurofwp.rate import kernels
from neurofwp.rate.arguments import check_parameters
from neurofwp.rate.backends import WORTH_CHUNKING, Backend, Mode, choose_backend
from neurofwp.rate.scan import Bounds
from neurofwp.rate.values import are_known
from neurofwp.rules import Rule

Given = Mapping[str, float | Sequence[float] | Tensor]


class Prepared(NamedTuple):
    """The rule's parameters in the layer's precision, what runs it, and the number 1."""

    numbers: dict[str, Tensor]
    backend: Backend
    one: Tensor


class Preparation:
    """Found once for each precision, device and length, where values can be looked at."""

    def __init__(
        self,
        rule: Rule,
        given: Given,
        heads: int,
        mode: Mode,
        *,
        bounds: Bounds | None,
        chunk: int | None,
        compute_dtype: torch.dtype | None,
    ) -> None:
        self.rule, self.given, self.heads = rule, dict(given), heads
        self.mode, self.bounds, self.chunk, self.compute_dtype = mode, bounds, chunk, compute_dtype
        self._found: dict[tuple[Any, ...], Prepared] = {}

    def dtype(self, weight: Tensor) -> torch.dtype:
        """In what precision fast weights are computed, except by a kernel; weight : of the layer."""
        return self.compute_dtype or weight.dtype

    def state_dtype(self, weight: Tensor) -> torch.dtype:
        """Kernels return their state in float32."""
        dtype = self.dtype(weight)
        return torch.float32 if dtype in kernels.HALF else dtype

    def of_events(self, weight: Tensor, query: Tensor, masked: bool) -> Prepared:
        """For queries (batch, time, head, d_k); weight : of the layer. masked : whether events are left out."""
        kind = (self.dtype(weight), query.dtype, query.device, query.shape[1] < WORTH_CHUNKING, masked)
        if kind in self._found:
            return self._found[kind]
        like = weight.detach().to(self.state_dtype(weight))
        with torch.inference_mode(False):  # they outlive the mode in which they are made
            numbers = check_parameters(self.rule, self.parameters(like), self.heads, like)
            one = like.new_ones(())
        if self.compute_dtype is not None or not kernels.serve(self.rule, query, self.given):
            query = query.to(self.dtype(weight))  # under autocast: see `FastWeightLayer.advance`
        backend = choose_backend(
            self.rule, query, self.given, mode=self.mode, bounds=self.bounds, chunk=self.chunk, masked=masked
        )
        prepared = Prepared(numbers, backend, one)
        if are_known(query):
            self._found[kind] = prepared
        return prepared

    def of_one_event(self, weight: Tensor, x: Tensor) -> Prepared | None:
        """For one event x (batch, d_model) that can run by itself: after the first has been prepared, in one
        precision, without a kernel; else None."""
        dtype = weight.dtype
        found = self._found.get((self.compute_dtype or dtype, x.dtype, x.device, True, False))
        if found is None or found.backend != "recurrent" or torch.is_autocast_enabled(x.device.type):
            return None
        return found if x.dtype == dtype == (self.compute_dtype or dtype) else None

    def parameters(self, like: Tensor) -> dict[str, Any]:
        """Those given: plain numbers stay, so that rules know of them; all else is in the precision of `like`."""
        return {
            name: number if isinstance(number, Real) else torch.as_tensor(number).to(like)
            for name, number in self.given.items()
        }
