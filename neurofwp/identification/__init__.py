"""Rules fitted to the weights of a Trace: which rule did these synapses run?"""

from typing import Any

from neurofwp.identification.fit_rule import Fit, fit
from neurofwp.identification.identify_rule import candidates, identify
from neurofwp.identification.noise_ceiling import noise_ceiling

__all__ = ["Fit", "candidates", "fit", "identify", "noise_ceiling"]


def __getattr__(name: str) -> Any:
    """`CANDIDATES`, the rules that can be fitted as of now: older code asks for them as if they could not change."""
    if name == "CANDIDATES":
        return candidates()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
