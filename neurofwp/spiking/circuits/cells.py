"""What circuits share: key cells, interneurons, and of value cells all but their currents.

Background input is an Ornstein-Uhlenbeck conductance (Destexhe et al. 2001, Neuroscience 107:13): the diffusion limit
of Poisson shots of size `quantum`, whose variance is quantum * mean / 2. It, the program's tables and slow factors
advance on the plasticity clock. What looks up a table stands apart from what follows, which the compiler can then turn
into vector instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from neurofwp.spiking.circuits.circuit import Connection, Population, Value, one_per_key, pools
from neurofwp.synapses.parameters import Parameter

BETWEEN = {"v": ("v_reset", "v_threshold")}  # where membrane voltages begin

KEY_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("key_peak_rate", "Hz", "rate of a Poisson key cell at key = 1", low=0),
    Parameter("key_rest_rate", "Hz", "rate of a Poisson key cell at key = 0", low=0),
    Parameter("key_peak_drive", "mV", "mean depolarising drive of an integrate-and-fire key cell at key = 1", low=0),
    Parameter("key_rest_drive", "mV", "the same at key = 0", low=0),
    Parameter("key_noise", "mV", "standard deviation of its fluctuating drive", low=0),
    Parameter("key_tau", "ms", "membrane time constant of a key cell", low=0.1),
    Parameter("key_refractory", "ms", "refractory period of a key cell", low=0),
)
# of a value cell; reversal potentials and spiking are shared by all integrate-and-fire cells
SOMA_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("E_leak", "mV", "leak reversal potential"),
    Parameter("E_exc", "mV", "reversal potential of excitation"),
    Parameter("E_inh", "mV", "reversal potential of inhibition"),
    Parameter("v_threshold", "mV", "spike threshold"),
    Parameter("v_reset", "mV", "reset after a spike"),
    Parameter("soma_C", "pF", "capacitance of the soma", low=1),
    Parameter("soma_g_leak", "nS", "leak conductance of the soma", low=0),
    Parameter("soma_refractory", "ms", "refractory period of the soma", low=0),
    Parameter("soma_exc_mean", "nS", "mean background excitation of the soma", low=0),
    Parameter("soma_exc_quantum", "nS", "size of one background excitatory shot", low=0),
    Parameter("soma_inh_mean", "nS", "mean background inhibition of the soma", low=0),
    Parameter("soma_inh_quantum", "nS", "size of one background inhibitory shot", low=0),
    Parameter("tau_exc", "ms", "decay of background and dendritic excitation", low=0.1),
    Parameter("tau_inh", "ms", "decay of background inhibition", low=0.1),
    Parameter("external_calcium", "mM", "calcium around the synapses of value cells", low=0),
)
DENDRITE_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("dendrite_C", "pF", "capacitance of the apical dendrite", low=1),
    Parameter("dendrite_g_leak", "nS", "leak conductance of the apical dendrite", low=0),
    Parameter("g_gate", "nS", "mean dendritic excitation by the fully open write gate", low=0),
    Parameter("g_teach", "nS", "mean dendritic excitation by a teaching signal of 1", low=0),
    Parameter("dendrite_quantum", "nS", "size of one dendritic excitatory shot", low=0),
    Parameter("g_tonic", "nS", "tonic inhibition of the dendrite while the gate is closed", low=0),
    Parameter("tau_tonic", "ms", "time constant with which tonic inhibition follows the gate", low=0.1),
)
INTERNEURON_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("inter_C", "pF", "capacitance of an interneuron", low=1),
    Parameter("inter_g_leak", "nS", "leak conductance of an interneuron", low=0),
    Parameter("inter_refractory", "ms", "refractory period of an interneuron", low=0),
    Parameter("inter_exc_mean", "nS", "mean background excitation of an interneuron", low=0),
    Parameter("inter_exc_quantum", "nS", "size of one background shot", low=0),
    Parameter("inter_tau_exc", "ms", "decay of excitation of an interneuron", low=0.1),
    Parameter("g_soma_inter", "nS", "excitation that a spike of every soma of a pool would add", low=0),
    Parameter("g_gaba", "nS", "inhibition that a spike of every interneuron of a pool would add", low=0),
    Parameter("tau_gaba", "ms", "decay of dendritic inhibition", low=0.1),
)
# timing of an event
TIMING_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("gate_delay", "ms", "time from the onset of a write to the opening of the gate", low=0),
    Parameter("pause", "ms", "silence after each write and each read", low=0),
)


def fluctuation(name: str, *, mean: str, quantum: str, tau: str) -> str:
    """The exact update of an Ornstein-Uhlenbeck conductance over one step of the plasticity clock, kept above zero."""
    decay, spread = f"exp(-plasticity_step/{tau})", f"sqrt(0.5*{quantum}*{mean}*(1 - exp(-2*plasticity_step/{tau})))"
    return f"{name} = clip({mean} + ({name} - {mean})*{decay} + {spread}*randn(), 0*siemens, inf*siemens)"


KEY_LIF = """
    dv/dt = (E_leak - v + drive + fluctuation)/key_tau : volt (unless refractory)
    drive : volt
    fluctuation : volt
"""
KEY_LIF_LOOKUP = """
    drive = key_rest_drive + (key_peak_drive - key_rest_drive)*key_table((phase_at(t) + 0.5)*second, i)
"""
KEY_LIF_UPDATE = """
    fluctuation *= exp(-plasticity_step/tau_exc)
    fluctuation += key_noise*sqrt(1 - exp(-2*plasticity_step/tau_exc))*randn()
"""

KEY_POISSON = """
    rate : Hz
"""
KEY_POISSON_LOOKUP = """
    rate = key_rest_rate + (key_peak_rate - key_rest_rate)*key_table((phase_at(t) + 0.5)*second, i)
"""

INTERNEURON = """
    dv/dt = (inter_g_leak*(E_leak - v) + (g_drive + g_exc)*(E_exc - v))/inter_C : volt (unless refractory)
    dg_drive/dt = -g_drive/inter_tau_exc : siemens
    g_exc : siemens
"""
INTERNEURON_UPDATE = f"""
    {fluctuation("g_exc", mean="inter_exc_mean", quantum="inter_exc_quantum", tau="inter_tau_exc")}
"""

KEY = {
    "lif": Population(
        "key", one_per_key, KEY_LIF, KEY_LIF_LOOKUP, KEY_LIF_UPDATE, refractory="key_refractory", spread=BETWEEN
    ),
    "poisson": Population("key", one_per_key, KEY_POISSON, KEY_POISSON_LOOKUP, threshold="rand() < rate*dt", reset=""),
}
FEEDBACK_CELLS = Population(
    "interneuron",
    pools,
    INTERNEURON,
    update=INTERNEURON_UPDATE,
    refractory="inter_refractory",
    spread=BETWEEN,
    start=lambda parameter, gate: {"g_exc": parameter("inter_exc_mean")},
)

RELAY = Connection("relay", "value", "interneuron", "g_drive_post += g_soma_inter/per_pool")

# of value cells with a soma and an apical dendrite, whatever currents they have
VALUE_STATES = """
    dg_feedback/dt = -g_feedback/tau_gaba : siemens
    g_exc : siemens
    g_inh : siemens
    g_apical : siemens
    g_apical_mean : siemens
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
# tonic inhibition of the dendrite where the gate is a number
TONIC = """
    g_shunt += (g_tonic*(1 - gate)*(1 - gate_by_conductance) - g_shunt)*(1 - exp(-plasticity_step/tau_tonic))
"""


def update_value_cells(soma_exc_mean: str) -> str:
    """What follows from the lookup in value cells; `soma_exc_mean` : where a cell's own mean excitation stands."""
    return f"""
    opened += gate
    v_opened += gate*v_dendrite
    nmda_gain = 1 - gate_by_conductance*(1 - gate)
    {fluctuation("g_apical", mean="g_apical_mean", quantum="dendrite_quantum", tau="tau_exc")}
    {fluctuation("g_exc", mean=soma_exc_mean, quantum="soma_exc_quantum", tau="tau_exc")}
    {fluctuation("g_inh", mean="soma_inh_mean", quantum="soma_inh_quantum", tau="tau_inh")}
"""


def start_value_cells(parameter: Callable[[str], Value], gate_by_conductance: bool) -> Mapping[str, Value]:
    """The dendrite as tonic inhibition holds it, and conductances at their means."""
    return {
        "v_dendrite": parameter("E_inh"),
        "g_exc": parameter("soma_exc_mean"),
        "g_inh": parameter("soma_inh_mean"),
        "g_shunt": parameter("g_tonic") * (not gate_by_conductance),
        "calcium_outside": parameter("external_calcium"),
    }
