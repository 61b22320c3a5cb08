"""Slow nets: they turn the events of a Task into a Program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes

if TYPE_CHECKING:
    from neurofwp.slownet import families as families, training as training
    from neurofwp.slownet.encoder import FixedEncoder as FixedEncoder
    from neurofwp.slownet.episode_tensors import episodes as episodes
    from neurofwp.slownet.overlap import key_overlap as key_overlap
    from neurofwp.slownet.programmer import Programmer as Programmer
    from neurofwp.slownet.retrieval_net import RetrievalNet as RetrievalNet, retrieval_errors as retrieval_errors
    from neurofwp.slownet.slow_net import SlowNet as SlowNet
    from neurofwp.slownet.trained import TrainedSlowNet as TrainedSlowNet, load as load

__getattr__ = attributes(
    __name__,
    {
        "FixedEncoder": "encoder",
        "Programmer": "programmer",
        "RetrievalNet": "retrieval_net",
        "SlowNet": "slow_net",
        "TrainedSlowNet": "trained",
        "episodes": "episode_tensors",
        "key_overlap": "overlap",
        "load": "trained",
        "retrieval_errors": "retrieval_net",
        "families": None,
        "training": None,
    },
)
