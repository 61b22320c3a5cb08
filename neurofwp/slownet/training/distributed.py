"""Training by several processes at once, which torch's launcher starts: `torchrun --nproc-per-node N -m neurofwp ...`.

Every process holds the whole model and takes its share of each batch; gradients are averaged, so that all take the
same step, and the result is that of one process with the whole batch, to rounding.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import torch
from torch import Tensor, distributed


def first() -> bool:
    """Whether this process is the only one, or the first of those that torchrun started."""
    return int(os.environ.get("RANK", "0")) == 0


def workers() -> tuple[int, int]:
    """The number of this process, and how many train together: (0, 1) without torchrun."""
    joined = distributed.is_available() and distributed.is_initialized()
    return (distributed.get_rank(), distributed.get_world_size()) if joined else (0, 1)


@contextmanager
def together(device: str) -> Iterator[str]:
    """Join the processes that torchrun started, if it did; yields the device of this one, such as "cuda:1"."""
    if "WORLD_SIZE" not in os.environ or "RANK" not in os.environ:
        yield device
        return
    if device == "cuda":
        device = f"cuda:{int(os.environ.get('LOCAL_RANK', '0')) % torch.cuda.device_count()}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield device
    finally:
        distributed.destroy_process_group()


def leave() -> NoReturn:
    """End a process that has nothing to save, at once: threads of torch's communication that are still at work when the
    interpreter goes down abort it now and then, and the launcher then stops the first process while it saves."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def agree(numbers: dict[str, float]) -> dict[str, float]:
    """The numbers of the first process, for all: rounding must not let one stop while others go on."""
    if workers()[1] == 1:
        return numbers
    shared = [numbers]
    distributed.broadcast_object_list(shared, src=0)
    return shared[0]


def average(parameters: Sequence[Tensor]) -> None:
    """Replace gradients by their means over all processes; without others, leave them."""
    _, world = workers()
    if world == 1:
        return
    gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]
    summed = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(summed)
    parts = (summed / world).split([gradient.numel() for gradient in gradients])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = part.view_as(parameter)
