"""Whether NMDA current alone holds a dendrite depolarised after its input has ended.

A dendrite with leak g toward the voltage E and NMDA conductance N, unblocked as by Jahr & Stevens 1990, rests where

    g (E - V) + N B(V) (0 mV - V) = 0.

With N from this balance, the NMDA current grows faster with V than the leak where

    (V - E) (B'(V)/B(V) + 1/V) > 1,    B'/B = 0.062/mV (1 - B(V)).

Neither g nor N is left in it: two stable voltages need an E below V - 1/(B'/B + 1/V) at some V, whatever the
conductances. Leak, inhibition and the coupling to the soma together make E; potassium channels that rectify inward, or
GABA-B receptors, would bring it down (Sanders, Berends, Major, Goldman & Lisman 2013, J Neurosci 33:424).
"""

from __future__ import annotations

import numpy as np


def plateau_rest(magnesium: float = 1.0) -> float:
    """The reversal E (mV) of all that is not NMDA below which a dendrite has plateaus.

    magnesium : outside, mM, above 0.
    """
    voltage = np.linspace(-150.0, -1.0, 14901)
    unblocked = 1 / (1 + np.exp(-0.062 * voltage) * magnesium / 3.57)
    steepness = 0.062 * (1 - unblocked) + 1 / voltage
    rising = steepness > 0
    return float((voltage[rising] - 1 / steepness[rising]).max())
