"""Few-shot classification of digits whose labels are shuffled in every episode, so that examples have to be learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurofwp.slownet.family import Family, training_digits

if TYPE_CHECKING:
    from torch import Tensor

    from neurofwp.slownet.episode_tensors import Episodes


@dataclass(frozen=True)
class Settings:
    """The task."""

    ways: int = 5
    """Classes in an episode."""
    shots: int = 5
    """Examples of each class."""
    queries: int = 1
    """Images of each class that are asked for after every round of examples."""


def family(settings: Settings) -> Family:
    """Episodes of `neurofwp.tasks.few_shot`; values are centred, so that a read of nothing is for no label."""
    from neurofwp.tasks import few_shot
    from neurofwp.tasks.digits import images
    from neurofwp.tasks.task import whole

    whole("ways", settings.ways, low=2)
    mean = 2 / settings.ways - 1  # of a label's code, which is +1 once and -1 elsewhere
    return Family(
        draw=lambda episodes, seed, split: few_shot(
            settings.ways, settings.shots, settings.queries, episodes, seed=seed, split=split
        ),
        shape={
            "cue": images().shape[1],
            "content": settings.ways,
            "pre": 400,
            "active": 40,
            "value_offset": mean,
            "value_gain": 1 / (1 + abs(mean)),
        },
        measure=measure,
        cues=training_digits,
    )


def measure(answer: Tensor, episodes: Episodes) -> dict[str, float]:
    """`accuracy`, the share of reads whose largest entry is that of the right label."""
    right = answer.argmax(-1) == episodes.target.argmax(-1)
    return {"accuracy": float(right[episodes.asked].float().mean())}
