"""Value cells with an apical dendrite that interneurons inhibit.

::

    key cells ──(NMDA gating, AMPA weight)──> value cells: soma ──> interneurons
                                                ▲ dendrite <──(GABA: prediction)──┘
                             teaching, gate ────┘

A value cell is a leaky integrate-and-fire soma with an apical dendrite, both with conductances. Teaching input and
the slow net's write gate excite the dendrite; interneurons carry the soma's answer, the prediction, back to it as
inhibition (Urbanczik & Senn 2014; Sacramento et al. 2018). While the gate is closed, tonic inhibition holds the
dendrite where magnesium blocks the NMDA receptors, so that reading writes nothing. Each signed dimension has an ON and
an OFF pool.

The cell is simplified: soma and dendrite are not coupled electrically, a synapse's AMPA current enters the soma while
its NMDA receptors sit on the dendrite, and these carry calcium but no current. The dendrite reports; it does not drive.

Its key cells and interneurons, and what input is: `cells`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neurofwp.spiking.circuits import cells
from neurofwp.spiking.circuits.cells import fluctuation
from neurofwp.spiking.circuits.circuit import Circuit, Connection, Population, Value, pools
from neurofwp.synapses.parameters import Parameter

PARAMETERS: tuple[Parameter, ...] = (
    *cells.KEY_PARAMETERS,
    *cells.SOMA_PARAMETERS,
    *cells.DENDRITE_PARAMETERS,
    *cells.INTERNEURON_PARAMETERS,
    *cells.TIMING_PARAMETERS,
)

VALUE = """
    dv/dt = (soma_g_leak*(E_leak - v) + (g_ampa + g_exc)*(E_exc - v)
             + g_inh*(E_inh - v))/soma_C : volt (unless refractory)
    dv_dendrite/dt = (dendrite_g_leak*(E_leak - v_dendrite) + g_apical*(E_exc - v_dendrite)
                      + (g_feedback + g_shunt)*(E_inh - v_dendrite))/dendrite_C : volt
    dg_feedback/dt = -g_feedback/tau_gaba : siemens
    g_exc : siemens
    g_inh : siemens
    g_apical : siemens
    g_apical_mean : siemens
    g_shunt : siemens
    gate : 1
    opened : 1
    v_opened : volt
    nmda_gain : 1
    plateau : 1
    plateau_before : 1
    calcium_outside : mmolar (constant)
    forgetting : Hz
    episode : integer (constant)
    pool : integer (constant)
"""
VALUE_LOOKUP = """
    gate = gate_table((phase_at(t) + 0.5)*second, episode)
    forgetting = forgetting_table((phase_at(t) + 0.5)*second, episode)
    plateau = gate*teach_table((phase_at(t) + 0.5)*second, pool)
    g_apical_mean = g_gate*(gate_by_conductance + (1 - gate_by_conductance)*gate)
    g_apical_mean += g_teach*teach_table((phase_at(t) + 0.5)*second, pool)
"""
VALUE_UPDATE = f"""
    opened += gate
    v_opened += gate*v_dendrite
    nmda_gain = 1 - gate_by_conductance*(1 - gate)
    {fluctuation("g_apical", mean="g_apical_mean", quantum="dendrite_quantum", tau="tau_exc")}
    g_shunt += (g_tonic*(1 - gate)*(1 - gate_by_conductance) - g_shunt)*(1 - exp(-plasticity_step/tau_tonic))
    {fluctuation("g_exc", mean="soma_exc_mean", quantum="soma_exc_quantum", tau="tau_exc")}
    {fluctuation("g_inh", mean="soma_inh_mean", quantum="soma_inh_quantum", tau="tau_inh")}
"""


def _resting_value_cells(parameter: Callable[[str], Value], gate_by_conductance: bool) -> Mapping[str, Value]:
    """The dendrite as tonic inhibition holds it, and conductances at their means."""
    return {
        "v_dendrite": parameter("E_inh"),
        "g_exc": parameter("soma_exc_mean"),
        "g_inh": parameter("soma_inh_mean"),
        "g_shunt": parameter("g_tonic") * (not gate_by_conductance),
        "calcium_outside": parameter("external_calcium"),
    }


CIRCUIT = Circuit(
    "apical-feedback",
    PARAMETERS,
    key=cells.KEY,
    value=Population(
        "value",
        pools,
        VALUE,
        VALUE_LOOKUP,
        VALUE_UPDATE,
        refractory="soma_refractory",
        spread=cells.BETWEEN,
        start=_resting_value_cells,
    ),
    others=(cells.FEEDBACK_CELLS,),
    connections=(
        Connection("relay", "value", "interneuron", "g_drive_post += g_soma_inter/per_pool"),
        Connection("feedback", "interneuron", "value", "g_feedback_post += g_gaba/per_pool"),
    ),
)
