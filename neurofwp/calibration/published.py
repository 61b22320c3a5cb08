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
    family,
    has_closed_form,
)
from neurofwp.laboratory.variants import declared_parameters, declared_values
from neurofwp.optimisation import BoundedParameter
from neurofwp.synapses.model import SynapseModel

# By default; thresholds, weights and where synapses are before a protocol stay as published. Of a two-threshold synapse
# the closed form sees gamma_p/tau_rho, gamma_d/tau_rho and sigma^2/tau_rho only, so tau_rho stays as well.
FITTED = {
    TWO_THRESHOLD: ("tau_calcium", "pre_jump", "post_jump", "pre_delay", "gamma_p", "gamma_d", "sigma"),
    TRIPLET: ("A2_plus", "A3_plus", "A2_minus", "A3_minus", "tau_x", "tau_y"),
    VOLTAGE: ("A_LTD", "A_LTP"),  # all others cost an integral over the voltage for every set of parameters
}
# Of models that are simulated, by the form of their expression, as far as they have them: what calcium does to weights,
# and how much calcium there is. Chindemi et al. fitted these of theirs, and the time constant of the integral, on which
# the peaks that set the thresholds depend.
SIMULATED = {
    "omega": ("tau_calcium", "g_calcium", "a1", "a2", "P1"),
    "integrated-calcium": ("pre_in_d", "post_in_d", "pre_in_p", "post_in_p", "gamma_d", "gamma_p"),
    "calcium-control": ("g_calcium", "P", "K_P", "D", "K_D"),
    "two-threshold": ("tau_calcium", "g_calcium", "gamma_p", "gamma_d", "theta_p", "theta_d"),
}
# Of parameters about published values, in the natural logarithm, before any measurement. Those by family are from
# points and groups of points left out of fits (`neurofwp.calibration.measurement_fits`), the last one was not tried.
SPREADS = {TWO_THRESHOLD: 0.2, TRIPLET: 1.0, VOLTAGE: 1.0}
SPREAD_SIMULATED = 0.5
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


def default_spread(model: SynapseModel) -> float:
    """Standard deviation of parameters about published values."""
    return SPREADS[family(model)] if has_closed_form(model) else SPREAD_SIMULATED


def default_names(model: SynapseModel) -> tuple[str, ...]:
    """Parameters that are fitted where none are named: by the closed form, or else by the form of the expression.

    Raises
    ------
    InputError
        for a model without a closed form whose form of expression is in neither table.
    """
    if has_closed_form(model):
        return FITTED[family(model)]
    form = next(stage.form for stage in model.stages if stage.stage == "expression")
    if form not in SIMULATED:
        raise InputError(f"name the parameters of {model.name} to fit: there are none by default for {form!r}")
    return tuple(name for name in SIMULATED[form] if name in model.values)


def published_bounds(model: SynapseModel, names: Sequence[str] = ()) -> list[PublishedParameter]:
    """Bounds of the parameters `names`, by default of `default_names` that are not published as 0.

    A factor of 5 around the published value, as far as a model may have it; for the amplitudes of the triplet rule,
    some of which were published as 0 or almost 0, from 0 to 5 times the largest of them.

    Raises
    ------
    InputError
        as `default_names`; for an unknown parameter, one twice, or one that is 0, which has no such bounds.
    """
    known = closed_form_parameters(model) if has_closed_form(model) else declared_parameters(model)
    values = declared_values(model)
    default = [] if names else [name for name in default_names(model) if name in AMPLITUDES or values.get(name)]
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
