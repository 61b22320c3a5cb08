"""Truths with parameters drawn, of the library or outside it, and the Traces that they leave."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from benchmarks.verdicts.outside import MIXTURES, RULES
from neurofwp.identification.recovery import network_of, truth
from neurofwp.rules import Rule


class Truth:
    """A rule, or a mixture of two, with parameters drawn.

    Parameters
    ----------
    name : of a rule of the library, or of `outside.TRUTHS`.
    program : that it will run, see `neurofwp.identification.recovery.truth`.
    """

    def __init__(self, name: str, rng: np.random.Generator, program: xr.Dataset) -> None:
        drawn: list[tuple[str | Rule, Mapping[str, float]]]
        if name in MIXTURES:
            drawn = [(rule, _draw(spans, rng)) for rule, spans in MIXTURES[name].items()]
        elif name in RULES:
            drawn = [(RULES[name], _draw(RULES[name].spans, rng))]
        else:
            drawn = [(name, truth(name, rng, program))]
        self.networks = [network_of(rule, parameters) for rule, parameters in drawn]

    def run(self, program: xr.Dataset) -> xr.Dataset:
        """The Trace of a Program whose keys were divided by their norms."""
        first, *others = (network.run(program) for network in self.networks)
        made = first.copy()
        for name in {"conductance", "weight"} & set(first) if others else ():
            made[name] = first[name].copy(data=np.mean([each[name].values for each in (first, *others)], axis=0))
        return made


def _draw(spans: Mapping[str, tuple[float, float]], rng: np.random.Generator) -> dict[str, float]:
    return {name: float(rng.uniform(*span)) for name, span in spans.items()}
