"""Rules fitted to the weights of a Trace: which rule did these synapses run?"""

from importlib import import_module
from types import ModuleType

from neurofwp.identification.competing import candidates, excluded
from neurofwp.identification.decision import Verdict
from neurofwp.identification.fit_rule import Fit, fit, fitted_network
from neurofwp.identification.identify_rule import identify
from neurofwp.identification.leave_one_out import leave_one_out
from neurofwp.identification.noise_ceiling import noise_ceiling
from neurofwp.identification.report import verdict
from neurofwp.identification.tables import (
    SCORES,
    best_fit,
    best_rules,
    ceiling_table,
    score_table,
    verdict_table,
)

__all__ = [
    "SCORES",
    "Fit",
    "Verdict",
    "best_fit",
    "best_rules",
    "candidates",
    "ceiling_table",
    "excluded",
    "fit",
    "fitted_network",
    "identify",
    "leave_one_out",
    "noise_ceiling",
    "score_table",
    "verdict",
    "verdict_table",
]


def __getattr__(name: str) -> ModuleType:
    """`given`, `power`, `recovery` and `transfer` when they are asked for."""
    if name in ("given", "power", "recovery", "transfer"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
