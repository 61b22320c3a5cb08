"""In-context linear regression: y = w.x with a new w in every episode, predicted after some examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import xr
from neurofwp.slownet.family import Family

if TYPE_CHECKING:
    from torch import Tensor

    from neurofwp.slownet.episode_tensors import Episodes
    from neurofwp.tasks.digits import Split


@dataclass(frozen=True)
class Settings:
    """The task."""

    inputs: int = 10
    """Dimensions of x."""
    examples: int = 20
    """Examples in an episode, after which y is asked for."""


def family(settings: Settings) -> Family:
    """Episodes of `neurofwp.tasks.regression`, of whose probes only the last is asked, after all examples."""
    from neurofwp.tasks import regression
    from neurofwp.tasks.task import whole

    whole("inputs", settings.inputs)

    def draw(episodes: int, seed: int, split: Split | None) -> xr.Dataset:
        task = regression(settings.inputs, settings.examples, episodes, seed=seed)
        last = xr.DataArray(range(1 + settings.examples), dims="event") == settings.examples
        return task.assign(target=task["target"].where(last).assign_attrs(units="1"))

    return Family(
        draw=draw,
        shape={"cue": settings.inputs, "content": 1, "pre": settings.inputs, "active": None},
        measure=measure,
    )


def measure(answer: Tensor, episodes: Episodes) -> dict[str, float]:
    """`squared_error` of the reads, mean."""
    return {"squared_error": float((answer - episodes.target).square()[episodes.asked].mean())}
