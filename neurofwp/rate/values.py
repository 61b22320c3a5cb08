"""Whether numbers in a tensor can be looked at. Where they cannot, checks of values are skipped."""

from __future__ import annotations

import torch
from torch import Tensor


def are_known(tensor: Tensor) -> bool:
    """Whether Python may ask for the values: not while torch.compile or torch.export traces, under a transform of
    torch.func, while a CUDA graph is captured, or on the device "meta"."""
    if torch.compiler.is_compiling() or tensor.is_meta:
        return False
    if torch._C._functorch.maybe_current_level() is not None:  # there is no public way to ask
        return False
    return not (tensor.is_cuda and torch.cuda.is_current_stream_capturing())
