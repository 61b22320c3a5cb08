"""Trafficking that follows expression with one time constant: dw/dt = (s - w)/tau_expression, s what is expressed.

Chindemi et al. 2022, Nat Commun 13:3038: conductance follows the efficacy within minutes. A step of the plasticity
clock is exact while s stands still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy import exp

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity


class Gradual(Stage):
    """Weights follow what is expressed."""

    stage = "trafficking"
    form = "gradual"
    source = "Chindemi et al. 2022, Nat Commun 13:3038"
    parameters = (Parameter("tau_expression", "s", "time constant with which weights follow", low=1e-3),)
    synaptic = "slots : siemens"
    synaptic_update = "weight = slots + (weight - slots)*lag"

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return {"lag": float(exp(-dt / values["tau_expression"]))}
