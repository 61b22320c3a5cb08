"""Trafficking that follows expression with one time constant: dw/dt = (s - w)/tau_expression, s what is expressed.

Chindemi et al. 2022, Nat Commun 13:3038: conductance follows the efficacy within minutes. A step of the plasticity
clock is exact while s stands still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy import exp

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity


def _derived(values: Values, dt: Quantity) -> dict[str, Quantity | float]:
    return {"lag": float(exp(-dt / values["tau_expression"]))}


GRADUAL = Stage(
    stage="trafficking",
    form="gradual",
    source="Chindemi et al. 2022, Nat Commun 13:3038",
    parameters=(Parameter("tau_expression", "s", "time constant with which weights follow", low=1e-3),),
    synaptic="slots : siemens",
    update="weight = slots + (weight - slots)*lag",
    derived=_derived,
)
