"""The postsynaptic cell of a bench: its voltage is given by what is done to it, not computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from brian2 import Quantity, ms

CELL = """
    v_dendrite = held*v_held + (1 - held)*(v_rest + plateau*v_plateau + spike + epsp) : volt
    spike = spike_fast + spike_slow : volt
    dspike_fast/dt = -spike_fast/tau_fast : volt
    dspike_slow/dt = -spike_slow/tau_slow : volt
    epsp = epsp_decaying - epsp_rising : volt
    depsp_decaying/dt = -epsp_decaying/epsp_decay : volt
    depsp_rising/dt = -epsp_rising/epsp_rise : volt
    held : 1
    v_held : volt (constant)
    plateau : 1
    plateau_before : 1
    calcium_outside : mmolar (constant)
    nmda_gain : 1
    forgetting : Hz
"""

# The voltage in a time step is the mean over it: of an exponential that begins with it, the share `mean_...`.
SPIKE = """
    spike_fast += fast_share*spike_height*mean_fast
    spike_slow += (1 - fast_share)*spike_height*mean_slow
"""
EPSP = """
    epsp_decaying += epsp_scale*mean_decaying
    epsp_rising += epsp_scale*mean_rising
"""


def cell_constants(cell: Mapping[str, Any], step: Quantity) -> dict[str, Any]:
    """What the parameters of the cell make of a time step."""
    decays = {"fast": "tau_fast", "slow": "tau_slow", "decaying": "epsp_decay", "rising": "epsp_rise"}
    means = {f"mean_{name}": _mean_of_step(float(step / cell[tau])) for name, tau in decays.items()}
    rise, decay = (float(cell[name] / ms) for name in ("epsp_rise", "epsp_decay"))
    peak = np.log(decay / rise) * rise * decay / (decay - rise)
    return {**means, "epsp_scale": cell["epsp_height"] / (np.exp(-peak / decay) - np.exp(-peak / rise))}


def _mean_of_step(share: float) -> float:
    """Of exp(-t) over a time `share`."""
    return float(-np.expm1(-share) / share)
