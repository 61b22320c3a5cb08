"""What a family of tasks is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurofwp.runtime.lazy import torch

if TYPE_CHECKING:
    import xarray as xr
    from torch import Tensor

    from neurofwp.slownet.episode_tensors import Episodes
    from neurofwp.tasks.digits import Split


@dataclass(frozen=True)
class Family:
    """Tasks that have something in common, which a slow net can learn.

    draw : `draw(episodes, seed, split)`, that many episodes; where they are made of images, of those of the split.
    shape : fields of `neurofwp.slownet.programmer.Shape` that the tasks determine, or that suit them.
    measure : `measure(answer, episodes)`, numbers that say how good answers (episode, event, content) are.
    cues : samples (sample, cue) by which sparse keys are decorrelated; None where that is not needed.
    """

    draw: Callable[[int, int, Split | None], xr.Dataset]
    shape: dict[str, Any]
    measure: Callable[[Tensor, Episodes], dict[str, float]]
    cues: Callable[[], Tensor] | None = None


def training_digits() -> Tensor:
    """The digits of the training split, (image, pixel)."""
    from neurofwp.tasks.digits import images

    return torch.tensor(images("train"))


def centre() -> dict[str, float]:
    """The offset and the gain that give contents made of digits mean 0, and keep them in [-1, 1]."""
    from neurofwp.tasks.digits import images

    mean = float(2 * images("train").mean() - 1)
    return {"value_offset": mean, "value_gain": 1 / (1 + abs(mean))}


def r2(answer: Tensor, target: Tensor, where: Tensor) -> float:
    """Share of the variance of targets (episode, event, entry) about one mean that answers explain, at some events."""
    said, meant = answer[where], target[where]
    return float(1 - (meant - said).square().sum() / (meant - meant.mean()).square().sum())


def image_scores(answer: Tensor, episodes: Episodes) -> dict[str, float]:
    """`r2` of the reads that are wanted; `distractors_r2` of the others, if there are any."""
    numbers = {"r2": r2(answer, episodes.target, episodes.wanted)}
    others = episodes.asked & ~episodes.wanted
    return numbers | ({"distractors_r2": r2(answer, episodes.target, others)} if others.any() else {})
