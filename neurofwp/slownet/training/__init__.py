"""Training slow nets: the loop, its checkpoints, several processes, and meta-training over episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes

if TYPE_CHECKING:
    from neurofwp.slownet.training.loop import Outcome as Outcome, train as train
    from neurofwp.slownet.training.meta_training import (
        initial_programmer as initial_programmer,
        meta_train as meta_train,
    )
    from neurofwp.slownet.training.settings import MetaTraining as MetaTraining, Training as Training

__getattr__ = attributes(
    __name__,
    {
        "MetaTraining": "settings",
        "Outcome": "loop",
        "Training": "settings",
        "meta_train": "meta_training",
        "train": "loop",
        "initial_programmer": "meta_training",
    },
)
