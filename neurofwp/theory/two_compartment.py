"""Parameters of a value cell with coupled compartments that runs what the uncoupled one does, in closed form.

Coupling soma and dendrite does two things to an error-correcting synapse. It divides the error by 1 + k, k about .3 at
5 nS, which scales teacher and feedback and changes no rule; and it moves the soma's operating point between reading,
where the dendrite is near -73 mV, and writing, where it is near V*, the voltage at which depression and potentiation
cancel. Linearised there, with prediction p = key . weights, teacher t and rate r of the soma,

    r = r_w + phi' (A p + g_c delta),   delta = V_d - V* = a (T t - F r + const)
    =>  delta = a (T t - F phi' A p - F r_w + const) / (1 + k),    k = a F phi' g_c,

so that the rate r_w of a naive soma that is written is a constant inhibition, which depresses wherever nothing was
predicted. Perisomatic inhibition while the gate is open makes r_w that of reading. The dendrite's balance gives

    V_c    = (g_L E_L + g_tonic E_I + N_c E_E + g_c V_s) / (g_L + g_tonic + N_c + g_c)       while the gate is closed
    exc    = exc_0 + g_c (V_s - V_c) / (E_E - V_s)                                    reading is as without coupling
    g_peri = c g_c (V* - V_c) / (V_s - E_I)                                           writing is as reading
    g_gate = [g_L (E_L - V*) + g_c (V_s - V*) + b C_d r] / (V* - E_E) - N             no error at V*
    ratio  = [g_L + g_c + g_gate + N + N' (V* - E_E)] / (g_L + g_gate0)               dendrite excitable as before

with S the summed gating of the keys that are active in a write, N = g_nmda S B(V*) and N' its slope there, N_c the
same at V_c, b what a spike of the soma adds to the dendrite and r the rate at which it fires at V*. Teacher and
feedback are multiplied by `ratio`, the latter also by what it takes to undo b. Voltages in mV, conductances in nS,
rates in Hz, capacitances in pF.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurofwp.errors import InputError

CROSSOVER = -44.0  # mV: where calcium of the error-correcting synapse neither depresses nor potentiates
SOMA = -58.0  # mV: mean of a soma that is read
SHARE = 0.75  # of the perisomatic inhibition that is exact; .5 to 1.25 work
STEPS = 200  # of the fixed point of V_c


@dataclass(frozen=True)
class Dendrite:
    """What the closed form starts from.

    coupling, nmda : g_c and the NMDA conductance of one fully open synapse, nS. backpropagation : b, mV.
    base : parameters of the uncoupled circuit (mV, nS, pF, ms), as of models/circuits/apical-feedback.toml, with g_gaba
        of the synapse model. gating : S. magnesium : mM. rate : r, Hz.
    """

    coupling: float
    nmda: float
    base: Mapping[str, float]
    backpropagation: float = 0.0
    gating: float = 15.0
    magnesium: float = 1.0
    rate: float = 30.0
    crossover: float = CROSSOVER
    soma: float = SOMA

    def unblocked(self, voltage: float) -> float:
        """B(V) of Jahr & Stevens 1990."""
        return float(1 / (1 + np.exp(-0.062 * voltage) * self.magnesium / 3.57))

    @property
    def closed(self) -> float:
        """V_c, mV, of a read with as many keys as a write."""
        own, voltage = self.base, self.soma
        for _ in range(STEPS):
            open_nmda = self.nmda * self.gating * self.unblocked(voltage)
            total = own["dendrite_g_leak"] + own["g_tonic"] + open_nmda + self.coupling
            drive = own["dendrite_g_leak"] * own["E_leak"] + own["g_tonic"] * own["E_inh"] + open_nmda * own["E_exc"]
            voltage = (drive + self.coupling * self.soma) / total
        return voltage

    @property
    def current(self) -> tuple[float, float]:
        """N at V*, nS, and its slope, nS/mV."""
        share = self.unblocked(self.crossover)
        n = self.nmda * self.gating * share
        return n, n * 0.062 * (1 - share)


def summed_gating(active: float, rate: float = 60.0, alpha: float = 0.5, tau: float = 0.1) -> float:
    """S of `active` key cells that fire at `rate` (Hz) for long, ds/dt = -s/tau, s += alpha (1 - s) at spikes.

    The mean s of a Poisson train, x / (1 + x) with x = rate alpha tau (s).
    """
    x = rate * alpha * tau
    return active * x / (1 + x)


def two_compartment(cell: Dendrite) -> dict[str, float]:
    """The parameters of the coupled circuit that differ from `cell.base`, in nS and mV.

    Returns
    -------
    g_coupling, g_nmda_dendrite, backpropagation, soma_exc_mean, g_perisomatic, g_gate, g_teach, g_gaba.

    Raises
    ------
    InputError
        where there is none, since the NMDA current alone takes the dendrite beyond V*; and for conductances below 0.
    """
    own = cell.base
    for name, number in {"coupling": cell.coupling, "NMDA conductance": cell.nmda, "gating": cell.gating}.items():
        if not number >= 0:
            raise InputError(f"{name} must be 0 or more, not {number:g}")
    v_star, n, slope = cell.crossover, *cell.current
    leak, away = own["dendrite_g_leak"], own["E_exc"] - v_star
    spikes = cell.backpropagation * own["dendrite_C"] * cell.rate / 1000  # mV pF / ms = pA
    needed = (leak * (v_star - own["E_leak"]) + cell.coupling * (v_star - cell.soma) - spikes) / away
    g_gate = needed - n
    if g_gate < 0:
        raise InputError(
            f"an NMDA conductance of {cell.nmda:g} nS has no closed form at a coupling of {cell.coupling:g} nS: its "
            f"current alone takes the dendrite beyond {v_star:g} mV, where nothing should change; at most "
            f"{max(needed, 0) / (cell.gating * cell.unblocked(v_star)):.3g} nS leave the write gate something to do"
        )
    total = leak + cell.coupling + g_gate + n - slope * away
    ratio = total / (leak + own["g_gate"])
    per_spike = own["g_gaba"] * ratio * own["tau_gaba"] * (v_star - own["E_inh"])  # nS ms mV = fC: charge of inhibition
    closed = cell.closed
    undone = 1 + cell.backpropagation * own["dendrite_C"] / per_spike if per_spike else 1.0
    return {
        "g_coupling": cell.coupling,
        "g_nmda_dendrite": cell.nmda,
        "backpropagation": cell.backpropagation,
        "soma_exc_mean": own["soma_exc_mean"] + cell.coupling * (cell.soma - closed) / (own["E_exc"] - cell.soma),
        "g_perisomatic": SHARE * cell.coupling * (v_star - closed) / (cell.soma - own["E_inh"]),
        "g_gate": g_gate,
        "g_teach": own["g_teach"] * ratio,
        "g_gaba": own["g_gaba"] * ratio * undone,
    }
