"""Slow nets: they turn the events of a Task into a Program."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofwp.slownet.encoder import FixedEncoder as FixedEncoder
    from neurofwp.slownet.overlap import key_overlap as key_overlap
    from neurofwp.slownet.slow_net import SlowNet as SlowNet
    from neurofwp.slownet.trained import TrainedSlowNet as TrainedSlowNet
    from neurofwp.slownet.trained import load as load

NAMES = {
    "FixedEncoder": "encoder",
    "SlowNet": "slow_net",
    "TrainedSlowNet": "trained",
    "key_overlap": "overlap",
    "load": "trained",
}

__all__ = ["FixedEncoder", "SlowNet", "TrainedSlowNet", "key_overlap", "load"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: settings of families are read without torch."""
    if name in NAMES:
        return getattr(import_module(f"{__name__}.{NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
