"""Fast weight programmers in rate networks and in spiking synapses, comparable event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes

if TYPE_CHECKING:
    from neurofwp import (
        calibration as calibration,
        identification as identification,
        laboratory as laboratory,
        metrics as metrics,
        optimisation as optimisation,
        plots as plots,
        program as program,
        rate as rate,
        rules as rules,
        runtime as runtime,
        slownet as slownet,
        spike_trains as spike_trains,
        spiking as spiking,
        synapses as synapses,
        tasks as tasks,
        theory as theory,
        trace as trace,
        transforms as transforms,
    )
    from neurofwp.brian.own_network import synapse as synapse
    from neurofwp.brian.own_trace import from_brian2 as from_brian2
    from neurofwp.identification import identify as identify
    from neurofwp.rate import RateNetwork as RateNetwork
    from neurofwp.runtime.registry import register as register
    from neurofwp.spiking import SpikingNetwork as SpikingNetwork

__version__ = "0.1.0"

PACKAGES = (
    "calibration", "identification", "laboratory", "metrics", "optimisation", "plots", "program", "rate", "rules",
    "runtime", "slownet", "spike_trains", "spiking", "synapses", "tasks", "theory", "trace", "transforms",
)  # fmt: skip
NAMES = {
    "RateNetwork": "rate",
    "SpikingNetwork": "spiking",
    "from_brian2": "brian.own_trace",
    "identify": "identification",
    "register": "runtime.registry",
    "synapse": "brian.own_network",
}

__all__ = [*PACKAGES, *NAMES]
__getattr__ = attributes(__name__, dict.fromkeys(PACKAGES) | NAMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
