"""Slow nets: they turn the events of a Task into a Program."""

from neurofwp.slownet.base import SlowNet
from neurofwp.slownet.encoder import FixedEncoder
from neurofwp.slownet.overlap import key_overlap

__all__ = ["FixedEncoder", "SlowNet", "key_overlap"]
