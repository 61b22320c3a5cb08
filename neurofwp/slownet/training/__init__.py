"""Training slow nets: the loop, its checkpoints, several processes, and meta-training over episodes."""

from neurofwp.slownet.training.loop import Outcome, Training, train
from neurofwp.slownet.training.meta_training import MetaTraining, meta_train, untrained
from neurofwp.slownet.training.side_by_side import side_by_side

__all__ = ["MetaTraining", "Outcome", "Training", "meta_train", "side_by_side", "train", "untrained"]
