"""Voltage-based plasticity: depression by presynaptic spikes on a depolarised cell, potentiation by its spikes.

dw/dt = w_unit (-A_LTD X [u- - theta-]+ + A_LTP x [u - theta+]+ [u+ - theta-]+)
tau- du-/dt = -u- + u, tau+ du+/dt = -u+ + u, tau_x dx/dt = -x + X, X a train of presynaptic spikes, u the voltage

Clopath, Büsing, Vasilaki & Gerstner 2010, Nat Neurosci 13:344, without the homeostatic factor of A_LTD, which is slow.

The equations alone let a postsynaptic spike potentiate through the depolarisation that is its own: 50 single pairs,
10 ms apart, by 30 %, where Sjöström, Turrigiano & Nelson (2001, Neuron 32:1149) saw nothing. Simulations of the rule
(the example that comes with NEST) therefore read u- and u+ 4 ms late. Here u+ passes another low-pass filter, with
time constant `tau_lag`; as that goes to 0, the equations are those published. u- has none: it would change little.

Both filtered voltages are kept relative to theta-, so that a cell begins at theta-, its rest in the published set.
Weights stay at 0 where they would fall below; nothing bounds them above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity


class Clopath(Stage):
    """Presynaptic spikes depress, voltage potentiates."""

    stage = "expression"
    form = "clopath"
    source = "Clopath, Büsing, Vasilaki & Gerstner 2010, Nat Neurosci 13:344"
    parameters = (
        Parameter("A_LTD", "1/mV", "depression by a presynaptic spike, per depolarisation", low=0),
        Parameter("A_LTP", "1/mV/mV", "potentiation, per depolarisation squared", low=0),
        Parameter("theta_minus", "mV", "filtered voltage above which synapses change"),
        Parameter("theta_plus", "mV", "voltage above which they potentiate"),
        Parameter("tau_minus", "ms", "low-pass filter of the voltage, for depression", low=0.1),
        Parameter("tau_plus", "ms", "low-pass filter of the voltage, for potentiation", low=0.1),
        Parameter("tau_x", "ms", "decay of the presynaptic trace", low=0.1),
        Parameter("tau_lag", "ms", "by which the filtered voltage of potentiation lags further", low=1e-3),
        Parameter("w_unit", "nS", "weight of which changes are shares", low=1e-6),
        Parameter("w_initial", "nS", "weight at the beginning", low=0),
    )
    presynaptic = "dx_bar/dt = -x_bar/tau_x : Hz"
    presynaptic_spike = "x_bar += 1/tau_x"
    postsynaptic = """
        du_minus/dt = (v_dendrite - theta_minus - u_minus)/tau_minus : volt
        du_plus/dt = (v_dendrite - theta_minus - u_plus)/tau_plus : volt
        du_late/dt = (u_plus - u_late)/tau_lag : volt
        u_drive : volt**2
    """
    postsynaptic_update = """
        u_drive = clip(v_dendrite - theta_plus, 0*volt, inf*volt)*clip(u_late, 0*volt, inf*volt)
    """
    synaptic_update = "weight = weight + plasticity_step*w_unit*A_LTP*x_bar_pre*u_drive_post"
    spike = "weight = clip(weight - w_unit*A_LTD*clip(u_minus_post, 0*volt, inf*volt), 0*siemens, inf*siemens)"

    def initial(self, values: Values) -> Quantity:
        return values["w_initial"]
