"""Where parameters of synapse and circuit are searched for: bounds, and places between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from brian2 import Quantity, Unit, nS
from numpy.typing import NDArray

from neurofwp.errors import InputError
from neurofwp.optimisation import BoundedParameter
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.synapses.parameters import parse_unit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SearchedParameter(BoundedParameter):
    """A parameter that is searched evenly in the logarithm, and why its bounds lie where they do."""

    scale: Literal["linear", "log"] = field(default="log", init=False)
    reason: str


# Calcium is in units of g_calcium, so its levels are bounded by what the NMDA receptors of this dendrite let in.
SPACE = (
    SearchedParameter(
        "P", "nS/s", 0.5, 20, "a write of 0.4 s changes a synapse by .2 nS to all of its AMPA conductance"
    ),
    SearchedParameter("K_P", "1", 0.3, 1.2, "calcium between an open gate alone and the strongest teaching"),
    SearchedParameter("D", "nS/s", 0.1, 1000, "as P, at half of the weight that a write leaves; see `removal`"),
    SearchedParameter(
        "K_D", "1", 0.1, 0.6, "calcium between rest and potentiation: Shouval et al. 2002, depression below it"
    ),
    SearchedParameter("K_m", "nS", 0.01, 100, "from removal at saturation to first order: Goldbeter & Koshland 1981"),
    SearchedParameter("w_max", "nS", 0.5, 10, "unitary AMPA conductance, from weak cortical to the strongest synapses"),
    SearchedParameter(
        "tau_turnover", "s", 2, 1000, "from short-term potentiation to turnover over a quarter of an hour"
    ),
    SearchedParameter("g_gate", "nS", 1.5, 6, "0.3 to 1.2 times the leak of the dendrite: it must not spike by itself"),
    SearchedParameter("g_teach", "nS", 1, 8, "as many unitary synapses (0.45 nS) as one tuft receives within 5 ms"),
    SearchedParameter("g_gaba", "nS", 0.1, 10, "from next to none to some ten unitary synapses of interneurons"),
)
WEIGHT = 0.2 * nS  # that a write leaves, or so
BOUNDS = {each.name: each for each in SPACE}


class Space:
    """Places (candidate, parameter) in the unit cube, and the quantities they stand for, around a start model.

    D and K_m alone say little: what a synapse of the weight w loses is removal(w) = D w/(w + K_m). So it is this, at
    `WEIGHT`, that is searched, within the bounds of P; D follows, and must lie within its own.
    """

    def __init__(self, start: str) -> None:
        network = SpikingNetwork(start)
        self.start = start
        self.own = {**network.synapse.values, **network.circuit}
        lacking = [each.name for each in SPACE if each.name not in self.own]
        if lacking:
            raise InputError(
                f"the start model {start!r} has no parameter {lacking[0]!r}: calibration starts from a model with "
                "graded calcium control of its weights, such as soft-bound or additive"
            )
        if float(network.synapse.initial):
            raise InputError(f"the start model {start!r} has weights before the first write; calibration needs none")

    def quantities(self, places: Floats) -> dict[str, Quantity]:
        """(candidate,) of every parameter."""
        numbers = {each.name: each.value(column) for each, column in zip(SPACE, places.T, strict=True)}
        removal = BOUNDS["P"].value(places[:, list(BOUNDS).index("D")])
        numbers["D"] = np.clip(removal * _saturation(numbers["K_m"]), BOUNDS["D"].low, BOUNDS["D"].high)
        return {name: Quantity(number * self.unit(name)) for name, number in numbers.items()}

    @property
    def origin(self) -> Floats:
        """The place (parameter,) of the start model, or the nearest within bounds."""
        numbers = {name: float(self.own[name] / self.unit(name)) for name in BOUNDS}
        places = {name: BOUNDS[name].place(number) for name, number in numbers.items()}
        places["D"] = BOUNDS["P"].place(numbers["D"] / _saturation(numbers["K_m"]))
        return np.array(list(places.values()))

    @staticmethod
    def unit(name: str) -> Unit | float:
        """In which a parameter is searched."""
        return parse_unit(BOUNDS[name].unit, name)


def _saturation(K_m: Any) -> Any:
    """D/removal, at `WEIGHT`; K_m in nS."""
    return 1 + K_m / float(WEIGHT / nS)
