"""Within which bounds parameters of a synapse model are fitted: around their published values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurofwp.errors import InputError, unknown
from neurofwp.laboratory.prediction import (
    TRIPLET,
    TWO_THRESHOLD,
    VOLTAGE,
    closed_form_parameters,
    closed_form_values,
    family,
)
from neurofwp.optimisation import BoundedParameter
from neurofwp.synapses.model import SynapseModel

# By default; thresholds, weights and where synapses are before a protocol stay as published. Of a two-threshold synapse
# the closed form sees gamma_p/tau_rho, gamma_d/tau_rho and sigma^2/tau_rho only, so tau_rho stays as well.
FITTED = {
    TWO_THRESHOLD: ("tau_calcium", "pre_jump", "post_jump", "pre_delay", "gamma_p", "gamma_d", "sigma"),
    TRIPLET: ("A2_plus", "A3_plus", "A2_minus", "A3_minus", "tau_x", "tau_y"),
    VOLTAGE: ("A_LTD", "A_LTP"),  # all others cost an integral over the voltage for every set of parameters
}
AMPLITUDES = ("A2_plus", "A3_plus", "A2_minus", "A3_minus")
FACTOR = 5.0  # from the published value to either bound


@dataclass(frozen=True, kw_only=True)
class PublishedParameter(BoundedParameter):
    """A parameter with its published value, and why its bounds lie where they do."""

    published: float
    source: str

    @property
    def width(self) -> float:
        """From bound to bound: in factors of e, or in largest published amplitudes."""
        return float(np.log(self.high / self.low)) if self.scale == "log" else FACTOR


def published_bounds(model: SynapseModel, names: Sequence[str] = ()) -> list[PublishedParameter]:
    """Bounds of the parameters `names`, by default of those in `FITTED` that are not published as 0.

    A factor of 5 around the published value, as far as a model may have it; for the amplitudes of the triplet rule,
    some of which were published as 0 or almost 0, from 0 to 5 times the largest of them.

    Raises
    ------
    InputError
        for a model without a closed form, an unknown parameter, one twice, or one that is 0, which has no such bounds.
    """
    known, values = closed_form_parameters(model), closed_form_values(model)
    default = [name for name in FITTED[family(model)] if name in AMPLITUDES or values.get(name)]
    largest = max((values.get(name, 0.0) for name in AMPLITUDES), default=0.0)
    bounded = []
    for name in names or default:
        if name not in known:
            raise unknown(f"parameter of {model.name}", name, known)
        if list(names).count(name) > 1:
            raise InputError(f"{name!r} is among the parameters to be fitted twice")
        parameter, value = known[name], values[name]
        if name in AMPLITUDES and largest > 0:
            low, high, source = 0.0, FACTOR * largest, f"0 to {FACTOR:g} times the largest published amplitude"
        elif value > 0:
            low, high, source = value / FACTOR, value * FACTOR, f"published value, divided and multiplied by {FACTOR:g}"
        else:
            raise InputError(f"{name} is {value:g} in {model.name}: bounds are a factor of {FACTOR:g} around a value")
        low, high = max(low, parameter.low), min(high, parameter.high)
        scale: Literal["linear", "log"] = "log" if low > 0 else "linear"
        bounded.append(PublishedParameter(name, parameter.unit, low, high, scale, published=value, source=source))
    return bounded
