"""Calcium that jumps at the spikes of both cells and decays between them.

dc/dt = -c/tau_calcium + pre_jump sum delta(t - t_pre - pre_delay) + post_jump sum delta(t - t_post)

Graupner & Brunel 2012, PNAS 109:3991. c is in units of the threshold of depression.
"""

from brian2 import Quantity, exp

from neurofwp.synapses.base import Stage, Values
from neurofwp.synapses.parameters import Parameter

PARAMETERS = (
    Parameter("tau_calcium", "ms", "decay time constant of spine calcium", low=0.1),
    Parameter("pre_jump", "1", "calcium that a presynaptic spike brings (C_pre)", low=0),
    Parameter("post_jump", "1", "calcium that a postsynaptic spike brings (C_post)", low=0),
    Parameter("pre_delay", "ms", "time from a presynaptic spike to its calcium (D)", low=0),
)


def _derived(values: Values, dt: Quantity) -> dict[str, Quantity | float]:
    return {"calcium_survival": float(exp(-dt / values["tau_calcium"]))}


JUMPS = Stage(
    stage="calcium",
    form="jumps",
    source="Graupner & Brunel 2012, PNAS 109:3991",
    parameters=PARAMETERS,
    synaptic="calcium : 1",
    update="calcium = calcium*calcium_survival",
    late_spike="calcium = calcium + pre_jump",
    delay="pre_delay",
    spike_post="calcium = calcium + post_jump",
    derived=_derived,
)
