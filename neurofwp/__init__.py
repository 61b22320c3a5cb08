"""Fast weight programmers in rate networks and in spiking synapses, comparable event by event."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurofwp import (
        calibration as calibration,
    )
    from neurofwp import (
        identification as identification,
    )
    from neurofwp import (
        laboratory as laboratory,
    )
    from neurofwp import (
        metrics as metrics,
    )
    from neurofwp import (
        optimisation as optimisation,
    )
    from neurofwp import (
        plots as plots,
    )
    from neurofwp import (
        program as program,
    )
    from neurofwp import (
        rate as rate,
    )
    from neurofwp import (
        rules as rules,
    )
    from neurofwp import (
        runtime as runtime,
    )
    from neurofwp import (
        slownet as slownet,
    )
    from neurofwp import (
        spiking as spiking,
    )
    from neurofwp import (
        synapses as synapses,
    )
    from neurofwp import (
        tasks as tasks,
    )
    from neurofwp import (
        theory as theory,
    )
    from neurofwp import (
        trace as trace,
    )
    from neurofwp import (
        transforms as transforms,
    )
    from neurofwp.identification import identify as identify
    from neurofwp.rate import RateNetwork as RateNetwork
    from neurofwp.runtime.registry import register as register
    from neurofwp.spiking import SpikingNetwork as SpikingNetwork

__version__ = "0.1.0"

PACKAGES = (
    "calibration", "identification", "laboratory", "metrics", "optimisation", "plots", "program", "rate", "rules",
    "runtime", "slownet", "spiking", "synapses", "tasks", "theory", "trace", "transforms",
)  # fmt: skip
NAMES = {
    "RateNetwork": "neurofwp.rate",
    "SpikingNetwork": "neurofwp.spiking",
    "identify": "neurofwp.identification",
    "register": "neurofwp.runtime.registry",
}

__all__ = [*PACKAGES, *NAMES]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: torch and brian2 take seconds."""
    if name in NAMES:
        return getattr(import_module(NAMES[name]), name)
    if name in PACKAGES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
