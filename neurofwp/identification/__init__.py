"""Rules fitted to the weights of a Trace: which rule did these synapses run?"""

from importlib import import_module
from types import ModuleType

from neurofwp.identification.fit_rule import Fit, fit
from neurofwp.identification.identify_rule import candidates, identify
from neurofwp.identification.noise_ceiling import noise_ceiling
from neurofwp.identification.verdict import SCORES, best_fit, best_rules, ceiling_table, score_table

__all__ = [
    "SCORES",
    "Fit",
    "best_fit",
    "best_rules",
    "candidates",
    "ceiling_table",
    "fit",
    "identify",
    "noise_ceiling",
    "score_table",
]


def __getattr__(name: str) -> ModuleType:
    """`recovery` when it is asked for."""
    if name == "recovery":
        return import_module(f"{__name__}.recovery")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
