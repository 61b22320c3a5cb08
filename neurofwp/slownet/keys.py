"""Key maps: from a cue to presynaptic activity. The same map makes keys and queries."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurofwp.slownet.whitening import whitening

STEEPNESS = 4.0  # of the logistic function that stands for the step, per standard deviation of the input


class DenseKeys(nn.Module):
    """A linear map: activity of both signs, about of norm one for cues of unit variance."""

    def __init__(self, cue: int, pre: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.map = nn.Parameter(torch.randn(pre, cue, generator=generator) / (pre * cue) ** 0.5)

    def forward(self, cue: Tensor) -> Tensor:
        """(..., cue) -> (..., pre)."""
        return cue @ self.map.T


class SparseKeys(nn.Module):
    """A binary code in which the `active` cells with most input fire at peak rate (1) and the others not at all.

    Cues are decorrelated (`decorrelate`), expanded by a learned linear map, and compete: no cell can win by firing
    more. In the backward pass a logistic function around the winners' threshold stands for the step (straight-through;
    Bengio, Leonard & Courville 2013, arXiv 1308.3432).
    """

    def __init__(self, cue: int, pre: int, active: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.active = active
        self.mean: Tensor
        self.whitening: Tensor
        self.register_buffer("mean", torch.zeros(cue))
        self.register_buffer("whitening", torch.eye(cue))
        self.expansion = nn.Parameter(torch.randn(pre, cue, generator=generator) / cue**0.5)
        self.bias = nn.Parameter(torch.zeros(pre))

    @torch.no_grad()
    def decorrelate(self, cues: Tensor) -> None:
        """Whiten with the mean and covariance of these cues (sample, cue), which is not learned any further."""
        mean, matrix = whitening(cues.double().numpy())
        self.mean.copy_(torch.as_tensor(mean))
        self.whitening.copy_(torch.as_tensor(matrix))

    def forward(self, cue: Tensor) -> Tensor:
        """(..., cue) -> (..., pre), with exactly `active` ones."""
        drive = nn.functional.linear((cue - self.mean) @ self.whitening, self.expansion, self.bias)
        top = drive.topk(self.active + 1, dim=-1)
        hard = torch.zeros_like(drive).scatter(-1, top.indices[..., :-1], 1.0)
        if not (torch.is_grad_enabled() and drive.requires_grad):
            return hard
        threshold = top.values[..., -2:].mean(-1, keepdim=True)
        spread = drive.detach().std(-1, keepdim=True)
        soft = torch.sigmoid(STEEPNESS * (drive - threshold) / torch.where(spread > 0, spread, 1.0))
        return hard + (soft - soft.detach())
