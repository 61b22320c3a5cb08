"""Quadratic expression: potentiation grows with the square of calcium, dw/dt = steepness c^2."""

from __future__ import annotations

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage


class Quadratic(Stage):
    """Potentiation by the square of calcium."""

    stage = "expression"
    form = "quadratic"
    source = "a package outside neurofwp"
    parameters = (Parameter("steepness", "nS/s", "potentiation per squared calcium", low=0),)
    synaptic_update = "weight = weight + plasticity_step*steepness*calcium*calcium"
