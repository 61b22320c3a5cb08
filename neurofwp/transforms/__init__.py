"""From one Program to another: other cells, other write gates, damaged keys, delays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes

if TYPE_CHECKING:
    from neurofwp.transforms import degradation as degradation, delays as delays, gates as gates, selection as selection

HOMES = dict.fromkeys(("degradation", "delays", "gates", "selection"))

__all__ = [*HOMES]
__getattr__ = attributes(__name__, HOMES)
