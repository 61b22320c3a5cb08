"""Slow nets: they turn the events of a Task into a Program."""

from neurofwp.slownet import training
from neurofwp.slownet.encoder import FixedEncoder
from neurofwp.slownet.episodes import episodes
from neurofwp.slownet.overlap import key_overlap
from neurofwp.slownet.programmer import Programmer
from neurofwp.slownet.retrieval_net import RetrievalNet, retrieval_errors
from neurofwp.slownet.slow_net import SlowNet
from neurofwp.slownet.trained import TrainedSlowNet, load

__all__ = [
    "FixedEncoder",
    "Programmer",
    "RetrievalNet",
    "SlowNet",
    "TrainedSlowNet",
    "episodes",
    "key_overlap",
    "load",
    "retrieval_errors",
    "training",
]
