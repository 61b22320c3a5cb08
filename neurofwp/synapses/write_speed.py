"""The same synapse, writing faster or slower: all rates of its expression times one factor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from brian2 import Quantity
from numpy.typing import ArrayLike

from neurofwp.errors import unknown
from neurofwp.synapses.model import load

# of each form of expression: parameters that are rates, and times, of a change of weight
RATES = {
    "calcium-control": ("P", "D"),
    "btsp": ("k_plus", "k_minus"),
    "linear": ("eta",),
    "omega": (),
}
TIMES = {"omega": ("P1", "P4")}


def at_speed(model: str | Path, speed: ArrayLike) -> dict[str, Quantity]:
    """Parameters with which a synapse model writes at `speed` (any shape, relative to its file), by name.

    For `SpikingNetwork(parameters=...)`, or, with one speed for each condition, for
    `neurofwp.spiking.conditions.from_quantities`. Weights move towards the same values as before.

    Raises
    ------
    InputError
        for a model that cannot be loaded, or one whose form of expression has no rate that is known here.
    """
    loaded = load(model)
    form = next(stage.form for stage in loaded.stages if stage.stage == "expression")
    if form not in RATES:
        raise unknown("form of expression with a write speed", form, RATES)
    factor = np.asarray(speed, dtype=float)
    faster = {name: loaded.values[name] * factor for name in RATES[form]}
    return faster | {name: loaded.values[name] / factor for name in TIMES.get(form, ())}
