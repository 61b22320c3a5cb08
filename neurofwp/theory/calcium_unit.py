"""The concentration that one unit of a model's calcium stands for.

Dimensionless calcium comes to s H at voltage V, with H = g_calcium (E_calcium - V) B(V). The charge that NMDA receptors
carry into a spine brings

    c(V) = tau f P g s B(V) (0 mV - V) / (2 F volume),    P = 0.6 x 4 [Ca]/(4 [Ca] + 87 mM),

f the share of calcium that is not bound and P the share of calcium in the current, as `stages.calcium.spine` has it
(after Chindemi et al. 2022, Nat Commun 13:3038). Both are equal at one voltage, and 1 there is c/(s H). Away from it
they part: a current that reverses at 0 mV rises less steeply with voltage than one that reverses at 130 mV.
"""

from __future__ import annotations

from math import pi

from neurofwp.synapses.stages.calcium.spine import FARADAY

OUTSIDE = 2.0  # mM
CALCIUM_SHARE = 0.6 * 4 * OUTSIDE / (4 * OUTSIDE + 87)


def calcium_unit(
    g_nmda: float,
    tau: float,
    g_calcium: float,
    E_calcium: float = 130.0,
    *,
    voltage: float = -44.0,
    free_share: float = 0.04,
    diameter: float = 0.58,
) -> float:
    """Micromolar that calcium of 1 stands for.

    Parameters
    ----------
    g_nmda : conductance of all NMDA receptors of a synapse, nS. tau : decay time constant of calcium, ms.
    g_calcium, E_calcium : of the model, 1/mV and mV.
    voltage : at which both are equal, mV; by default where depression and potentiation of the coupled cell cancel.
    free_share, diameter : of calcium in the spine, and of the spine in micrometres, as in chindemi-2022.

    The magnesium block is in both and cancels.
    """
    charge = CALCIUM_SHARE * g_nmda * 1e-9 * -voltage * 1e-3 * tau * 1e-3  # C, of what enters within tau
    volume = pi / 6 * (diameter * 1e-5) ** 3  # litres
    concentration = free_share * charge / (2 * FARADAY * volume) * 1e6
    return concentration / (g_calcium * (E_calcium - voltage))
