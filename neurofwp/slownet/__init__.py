"""Slow nets: they turn the events of a Task into a Program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes

if TYPE_CHECKING:
    from neurofwp.slownet import training as training
    from neurofwp.slownet.encoder import FixedEncoder as FixedEncoder
    from neurofwp.slownet.overlap import key_overlap as key_overlap
    from neurofwp.slownet.programmer import Programmer as Programmer
    from neurofwp.slownet.retrieval_net import RetrievalNet as RetrievalNet
    from neurofwp.slownet.retrieval_net import retrieval_errors as retrieval_errors
    from neurofwp.slownet.slow_net import SlowNet as SlowNet
    from neurofwp.slownet.trained import TrainedSlowNet as TrainedSlowNet
    from neurofwp.slownet.trained import load as load

HOMES = {
    "FixedEncoder": "encoder",
    "Programmer": "programmer",
    "RetrievalNet": "retrieval_net",
    "SlowNet": "slow_net",
    "TrainedSlowNet": "trained",
    "key_overlap": "overlap",
    "load": "trained",
    "retrieval_errors": "retrieval_net",
    "training": None,
}

__all__ = [
    "FixedEncoder",
    "Programmer",
    "RetrievalNet",
    "SlowNet",
    "TrainedSlowNet",
    "key_overlap",
    "load",
    "retrieval_errors",
    "training",
]

# settings of families are read without torch
__getattr__ = attributes(__name__, HOMES)
