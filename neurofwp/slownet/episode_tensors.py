"""Episodes: a Task as the tensors that a slow net is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import xarray as xr
from torch import Tensor


@dataclass(frozen=True)
class Episodes:
    """What happens in each event of a batch of episodes.

    cue (episode, event, entry) : what the key is made of. content (episode, event, entry) : what is to be bound to it.
    context (episode, event, entry) : what else is seen; of size 0 where nothing is.
    write (episode, event) : whether cue and content come together, to be written or not.
    probe (episode, event, entry) : what the query is made of, where something is asked.
    asked (episode, event) : whether there is a read. target (episode, event, entry) : of a read, else 0.
    wanted (episode, event) : whether the read should return its target; the other reads should return nothing.
    """

    cue: Tensor
    content: Tensor
    context: Tensor
    write: Tensor
    probe: Tensor
    asked: Tensor
    target: Tensor
    wanted: Tensor

    def __len__(self) -> int:
        return len(self.cue)


def episodes(task: xr.Dataset, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> Episodes:
    """The tensors of a Dataset of a task, which has at least `cue`, `content` and `target`.

    Without `probe` reads ask by the cue; without `write` every event writes; without `stored` every target is wanted.
    """

    def numbers(name: str) -> Tensor:
        return torch.as_tensor(task[name].values).to(device, dtype)

    def truths(name: str) -> Tensor:
        return torch.as_tensor(task[name].values, device=device)

    target = numbers("target")
    asked = target.isfinite().all(-1)
    cue = numbers("cue")
    return Episodes(
        cue=cue,
        content=numbers("content"),
        context=numbers("context") if "context" in task else cue[..., :0],
        write=truths("write") if "write" in task else torch.ones_like(asked),
        probe=numbers("probe") if "probe" in task else cue,
        asked=asked,
        target=target.where(asked[..., None], 0.0),
        wanted=asked & truths("stored") if "stored" in task else asked,
    )
