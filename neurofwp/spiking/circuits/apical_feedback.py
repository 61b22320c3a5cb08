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

Its key cells and interneurons, what value cells look up, and what input is: `cells`.
"""

from __future__ import annotations

from neurofwp.spiking.circuits import cells
from neurofwp.spiking.circuits.circuit import Circuit, Connection, Population, pools
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
    g_shunt : siemens
"""


CIRCUIT = Circuit(
    "apical-feedback",
    PARAMETERS,
    key=cells.KEY,
    value=Population(
        "value",
        pools,
        VALUE + cells.VALUE_STATES,
        cells.VALUE_LOOKUP,
        cells.update_value_cells("soma_exc_mean") + cells.TONIC,
        refractory="soma_refractory",
        spread=cells.BETWEEN,
        start=cells.start_value_cells,
    ),
    others=(cells.FEEDBACK_CELLS,),
    connections=(
        cells.RELAY,
        Connection("feedback", "interneuron", "value", "g_feedback_post += g_gaba/per_pool"),
    ),
)
