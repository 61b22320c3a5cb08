"""Value cells whose dendrite drives them: coupled compartments, NMDA current, and a write gate that is spikes.

::

                          write gate ──> VIP cells ──┤ somatostatin cells ──┤ parvalbumin cells
                                                              ┴                     ┴
    key cells ──(NMDA, AMPA weight)──> value cells:  soma <══> dendrite           soma
                                          └──> interneurons ──┴   ▲
                                               (prediction)    teaching, gate

As `apical_feedback`, with what that cell leaves out (equations and values: `neurofwp.theory.two_compartment`):

- soma and dendrite are coupled both ways, and a spike of the soma raises the dendrite by `backpropagation`;
- open NMDA channels, which magnesium unblocks by the membrane's own voltage, carry current into the dendrite;
- while the gate is closed, somatostatin (SOM) cells hold dendrites at rest and silence parvalbumin (PV) cells. Cells
  with vasoactive intestinal peptide (VIP) carry the gate: they silence SOM cells, which frees the dendrite and lets PV
  cells inhibit the soma, by what the depolarised dendrite drives into it (Pfeffer et al. 2013, Nat Neurosci 16:1068:
  VIP cells inhibit SOM cells, SOM cells all others). Without that inhibition a soma that is written has another
  operating point than one that is read, and error correction is lost.

`BY_NUMBER` has none of these three kinds of cells: the gate is a number that sets both conductances.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurofwp.spiking.circuits import cells
from neurofwp.spiking.circuits.cells import fluctuation
from neurofwp.spiking.circuits.circuit import Circuit, Connection, Pairs, Population, Sizes, pools
from neurofwp.synapses.parameters import Parameter

BROAD = 16  # value cells of other pools that an interneuron inhibits
SHARE, FEWEST, MOST = 4, 8, 32  # value cells for each somatostatin and each parvalbumin cell; of these in a network

COUPLED: tuple[Parameter, ...] = (
    Parameter("g_coupling", "nS", "mean conductance between soma and dendrite", low=0),
    Parameter("coupling_least", "1", "least coupling of a cell, in units of g_coupling", low=0),
    Parameter("coupling_most", "1", "largest coupling of a cell, in units of g_coupling", low=0),
    Parameter(
        "homeostasis", "1", "share of a cell's own coupling that its somatic inhibition makes up for", low=0, high=1
    ),
    Parameter("soma_exc_uncoupled", "nS", "mean background excitation that a cell without coupling needs", low=0),
    Parameter("ampa_on_dendrite", "1", "share of the AMPA conductance that lies on the dendrite", low=0, high=1),
    Parameter("g_nmda_dendrite", "nS", "NMDA conductance of the dendrite for one synapse's fully open channels", low=0),
    Parameter("backpropagation", "mV", "depolarisation of the dendrite by a spike of the soma", low=0),
    Parameter("feedback", "1", "share of g_gaba that interneurons use; 0: no prediction reaches the dendrite", low=0),
    Parameter("shared_feedback", "1", "share of a dendrite's inhibition that is from other pools", low=0, high=1),
    Parameter("feedback_delay", "ms", "delay of dendritic inhibition", low=0),
    Parameter("g_perisomatic", "nS", "mean inhibition of the soma by parvalbumin cells while the gate is open", low=0),
    Parameter("tau_perisomatic", "ms", "decay of perisomatic inhibition", low=0.1),
)
GATE: tuple[Parameter, ...] = (
    Parameter("som_exc_mean", "nS", "mean excitation of a somatostatin cell", low=0),
    Parameter("pv_exc_mean", "nS", "mean excitation of a parvalbumin cell", low=0),
    Parameter("vip_exc_mean", "nS", "mean excitation of a VIP cell while the gate is closed", low=0),
    Parameter("g_gate_vip", "nS", "mean excitation of a VIP cell by the fully open write gate", low=0),
    Parameter("g_vip_som", "nS", "inhibition that a spike of every VIP cell would add to a somatostatin cell", low=0),
    Parameter("g_som_pv", "nS", "inhibition that a spike of every somatostatin cell would add to a PV cell", low=0),
    Parameter(
        "som_rate", "Hz", "rate of somatostatin cells while the gate is closed: g_tonic is at that rate", low=0.1
    ),
    Parameter("pv_rate", "Hz", "rate of PV cells while the gate is open: g_perisomatic is at that rate", low=0.1),
)
PARAMETERS: tuple[Parameter, ...] = (
    *cells.KEY_PARAMETERS, *cells.SOMA_PARAMETERS, *cells.DENDRITE_PARAMETERS, *COUPLED, *cells.INTERNEURON_PARAMETERS,
    *cells.TIMING_PARAMETERS,
)  # fmt: skip

VALUE = """
    dv/dt = (soma_g_leak*(E_leak - v) + ((1 - ampa_on_dendrite)*g_ampa + g_exc)*(E_exc - v)
             + (g_inh + compensation*g_pv)*(E_inh - v) + coupling*(v_dendrite - v))/soma_C : volt (unless refractory)
    dv_dendrite/dt = (dendrite_g_leak*(E_leak - v_dendrite)
                      + (g_apical + ampa_on_dendrite*g_ampa
                         + g_nmda_dendrite*nmda_gain*nmda_open*nmda_unblocked)*(E_exc - v_dendrite)
                      + (g_feedback + g_shunt)*(E_inh - v_dendrite) + coupling*(v - v_dendrite))/dendrite_C : volt
    share_of_coupling : 1 (constant)
    coupling : siemens
    compensation : 1
    exc_mean : siemens
"""
INHIBITED_BY_NUMBER = """
    g_shunt : siemens
    g_pv : siemens
"""
INHIBITED_BY_SPIKES = """
    dg_shunt/dt = -g_shunt/tau_tonic : siemens
    dg_pv/dt = -g_pv/tau_perisomatic : siemens
"""
UPDATE = """
    coupling = g_coupling*share_of_coupling
    compensation = 1 + homeostasis*(share_of_coupling - 1)
    exc_mean = soma_exc_uncoupled + compensation*(soma_exc_mean - soma_exc_uncoupled)
"""
BY_GATE = """
    g_pv += (g_perisomatic*gate - g_pv)*(1 - exp(-plasticity_step/tau_perisomatic))
"""
RESET = "v = v_reset\nv_dendrite += backpropagation"

GATING_CELL = """
    dv/dt = (inter_g_leak*(E_leak - v) + g_exc*(E_exc - v)
             + g_inhibition*(E_inh - v))/inter_C : volt (unless refractory)
    dg_inhibition/dt = -g_inhibition/tau_inh : siemens
    g_exc : siemens
"""
VIP_CELL = """
    dv/dt = (inter_g_leak*(E_leak - v) + g_exc*(E_exc - v))/inter_C : volt (unless refractory)
    g_exc : siemens
    g_exc_mean : siemens
    episode : integer (constant)
"""
VIP_LOOKUP = """
    g_exc_mean = vip_exc_mean + g_gate_vip*gate_table((phase_at(t) + 0.5)*second, episode)
"""


def _value(inhibited: str, update: str) -> Population:
    return Population(
        "value", pools, VALUE + cells.VALUE_STATES + inhibited, cells.VALUE_LOOKUP,
        UPDATE + cells.update_value_cells("exc_mean") + update, reset=RESET, refractory="soma_refractory",
        spread={**cells.BETWEEN, "share_of_coupling": ("coupling_least", "coupling_most")},
        start=cells.start_value_cells,
    )  # fmt: skip


def count_inhibitory(sizes: Sizes) -> int:
    """Somatostatin cells, and as many parvalbumin cells, that all pools share."""
    return min(MOST, max(FEWEST, sizes.cells // SHARE))


def count_vip(sizes: Sizes) -> int:
    """VIP cells: half as many."""
    return count_inhibitory(sizes) // 2


def _gating(
    name: str, count: Callable[[Sizes], int], mean: str, equations: str = GATING_CELL, lookup: str = ""
) -> Population:
    """Cells that all pools share."""
    drive = "g_exc_mean" if lookup else mean
    return Population(
        name,
        count,
        equations,
        lookup,
        fluctuation("g_exc", mean=drive, quantum="inter_exc_quantum", tau="inter_tau_exc"),
        refractory="inter_refractory",
        spread=cells.BETWEEN,
        start=lambda parameter, gate: {"g_exc": parameter(mean)},
    )


def all_to_all(source: Callable[[Sizes], int], target: Callable[[Sizes], int] = pools) -> Callable[[Sizes], Pairs]:
    """Each cell of one kind to each of another, by default to all value cells."""

    def pairs(sizes: Sizes) -> Pairs:
        i, j = (index.ravel() for index in np.indices((source(sizes), target(sizes))))
        return i, j

    return pairs


def other_pools(sizes: Sizes) -> Pairs:
    """Each interneuron to `BROAD` value cells of other pools, drawn once and for all; fewer where there are fewer."""
    rng = np.random.default_rng(sizes.cells)
    cell = np.arange(sizes.cells)
    elsewhere = sizes.cells - sizes.per_pool
    count = min(BROAD, elsewhere)
    # every cell gives and gets as many: shifts around the ring of cells that lead out of the pool
    steps = rng.permutation(np.arange(sizes.per_pool, elsewhere + 1))[:count]
    i, j = np.repeat(cell, len(steps)), ((cell[:, None] + steps) % sizes.cells).ravel()
    return i, j


FEEDBACK = (
    cells.RELAY,
    Connection(
        "feedback",
        "interneuron",
        "value",
        "g_feedback_post += (1 - shared_feedback)*feedback*g_gaba/per_pool",
        delay="feedback_delay",
    ),
    Connection(
        "broad_feedback",
        "interneuron",
        "value",
        f"g_feedback_post += shared_feedback*feedback*g_gaba/{BROAD}",
        other_pools,
        delay="feedback_delay",
    ),
)
BY_NUMBER = Circuit(
    "two-compartment-by-number",
    PARAMETERS,
    key=cells.KEY,
    value=_value(INHIBITED_BY_NUMBER, cells.TONIC + BY_GATE),
    others=(cells.FEEDBACK_CELLS,),
    connections=FEEDBACK,
)
CIRCUIT = Circuit(
    "two-compartment",
    (*PARAMETERS, *GATE),
    key=cells.KEY,
    value=_value(INHIBITED_BY_SPIKES, ""),
    others=(
        cells.FEEDBACK_CELLS,
        _gating("vip", count_vip, "vip_exc_mean", VIP_CELL, VIP_LOOKUP),
        _gating("somatostatin", count_inhibitory, "som_exc_mean"),
        _gating("parvalbumin", count_inhibitory, "pv_exc_mean"),
    ),
    connections=(
        *FEEDBACK,
        Connection(
            "open", "vip", "somatostatin", "g_inhibition_post += g_vip_som/vip_cells",
            all_to_all(count_vip, count_inhibitory),
        ),
        Connection(
            "release", "somatostatin", "parvalbumin", "g_inhibition_post += g_som_pv/somatostatin_cells",
            all_to_all(count_inhibitory, count_inhibitory),
        ),
        # on average g_tonic, by cells that fire at som_rate, and g_perisomatic, by cells that fire at pv_rate
        Connection(
            "shunt", "somatostatin", "value", "g_shunt_post += g_tonic/(somatostatin_cells*som_rate*tau_tonic)",
            all_to_all(count_inhibitory),
        ),
        Connection(
            "perisomatic", "parvalbumin", "value",
            "g_pv_post += g_perisomatic/(parvalbumin_cells*pv_rate*tau_perisomatic)", all_to_all(count_inhibitory),
        ),
    ),
)  # fmt: skip
