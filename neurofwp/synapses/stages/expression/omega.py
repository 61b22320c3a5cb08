"""Calcium control hypothesis: weights move to Omega(c) at the rate eta(c).

dW/dt = eta(c) (Omega(c) - W)
Omega(c) = 0.25 + sig(c - a2) - 0.25 sig(c - a1), sig logistic with slope b
eta(c) = 1 / (P1/(P2 + c^3) + P4)

Shouval, Bear & Cooper 2002, PNAS 99:10831, with W in units of `w_scale`. Depression between a1 and a2, potentiation
above. At rest W relaxes to 0.25 within hours, in steps below single precision: `synapse_dtype=float` shows them.
A step of the plasticity clock is exact while calcium stands still.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Population, Stage, Values


class Omega(Stage):
    """Weights move to Omega(c) at the rate eta(c)."""

    stage = "expression"
    form = "omega"
    source = "Shouval, Bear & Cooper 2002, PNAS 99:10831"
    parameters = (
        Parameter("w_scale", "nS", "conductance of W = 1", low=0),
        Parameter("a1", "1", "calcium above which synapses depress", low=0),
        Parameter("a2", "1", "calcium above which synapses potentiate", low=0),
        Parameter("slope", "1", "slope of both logistic functions", low=0),
        Parameter("P1", "s", "learning time constant times calcium cubed", low=0),
        Parameter("P2", "1", "sets the learning time constant at rest", low=1e-12),
        Parameter("P4", "s", "learning time constant at high calcium", low=0),
    )
    synaptic_update = """
        omega = 0.25 + 1/(1 + exp(-slope*(calcium - a2))) - 0.25/(1 + exp(-slope*(calcium - a1)))
        learned = -expm1(-plasticity_step/(P1/(P2 + calcium*calcium*calcium) + P4))
        weight = weight + (w_scale*omega - weight)*learned
    """

    def population(self, values: Values) -> Population:
        return ((0.25 * values["w_scale"], 1.0),)

    def thresholds(self, values: Values) -> dict[str, float]:
        return {"depression": float(values["a1"]), "potentiation": float(values["a2"])}


def omega(calcium: ArrayLike, values: Values) -> NDArray[np.float64]:
    """Omega (1) at each level of calcium, for the parameters `values` of a model with this form."""
    level = np.asarray(calcium, dtype=float)
    a1, a2, slope = (float(values[name]) for name in ("a1", "a2", "slope"))
    from scipy.special import expit  # takes longer to import than all stages

    return np.asarray(0.25 + expit(slope * (level - a2)) - 0.25 * expit(slope * (level - a1)))
