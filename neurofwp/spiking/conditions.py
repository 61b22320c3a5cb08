"""Conditions: networks that differ in parameters and run side by side as one.

They are a Dataset over the dimension ``condition``, with a variable for each parameter that differs, named like it and
with its unit in ``attrs["units"]``::

    from neurofwp.spiking import conditions

    conditions.from_quantities(["no feedback", "feedback"], g_gaba=[0, 2] * nS)

Conditions have their noise in common, so that what differs between them is what was changed. Where it is to differ as
well, as for a noise ceiling, a variable ``seed`` holds the seed of each, in place of that of the run. The Trace keeps
all of these, labels, and coordinates that say more about a condition, as coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from brian2 import Quantity
from numpy.typing import ArrayLike

from neurofwp.errors import InputError, unknown
from neurofwp.program import CONDITION
from neurofwp.spiking.network_parameters import parameters_by_name
from neurofwp.synapses.parameters import Parameter, parse_unit

if TYPE_CHECKING:
    from neurofwp.spiking.network import SpikingNetwork

SEED = "seed"


def from_quantities(
    labels: Sequence[Any] | None = None, *, seed: Sequence[int] | None = None, **parameters: Quantity | ArrayLike
) -> xr.Dataset:
    """Conditions from one quantity (condition,) for each parameter.

    Parameters
    ----------
    labels : of the conditions, where they are to have any.
    seed : of each, where they are not to have their noise in common.

    Raises
    ------
    InputError
        for a parameter that no synapse or circuit has, numbers that are not one for each condition, or a unit or value
        that the parameter cannot have.
    """
    known, variables = parameters_by_name(), {}
    for name, values in parameters.items():
        if name not in known:
            raise unknown("parameter", name, known)
        parameter = known[name]
        numbers = [
            float(parameter.check(value, f"{name} of condition {number}") / parse_unit(parameter.unit, name))
            for number, value in enumerate(_list(name, values))
        ]
        variables[name] = xr.Variable(CONDITION, numbers, {"units": parameter.unit})
    if seed is not None:
        variables[SEED] = xr.Variable(CONDITION, list(seed), {"units": "1"})
    try:
        return xr.Dataset(variables, coords=None if labels is None else {CONDITION: list(labels)})
    except ValueError:
        sizes = {name: each.size for name, each in variables.items()} | ({"labels": len(labels)} if labels else {})
        raise InputError(f"every parameter needs one value for each condition, but they have {sizes}") from None


def of_networks(networks: Sequence[SpikingNetwork], *, seed: Sequence[int] | None = None) -> xr.Dataset:
    """Networks of the same circuit and synapse model as conditions: the parameters that differ between some of them.

    Parameters
    ----------
    seed : of each, where they are not to have their noise in common.
    """
    every = [network.circuit | network.synapse.values for network in networks]
    differing = {
        name: [values[name] for values in every]
        for name, first in every[0].items()
        if any(values[name] != first for values in every)
    }
    labels = None if differing or seed is not None else range(len(every))
    return from_quantities(labels, seed=seed, **differing)


def seeds_of_runs(seed: int, runs: int) -> list[int]:
    """Seeds with which the same runs again and again, each time with other noise."""
    return [int(each) for each in np.random.SeedSequence(seed).generate_state(runs)]


def _list(name: str, values: Quantity | ArrayLike) -> Sequence[Any]:
    if np.ndim(values) != 1:
        raise InputError(f"{name} needs one value for each condition, not shape {np.shape(values)}")
    return [Quantity(value) if isinstance(values, Quantity) else value for value in values]  # type: ignore[union-attr]


def parameters(conditions: xr.Dataset, known: Mapping[str, Parameter]) -> dict[str, Quantity]:
    """The quantities (condition,) of all parameters, checked.

    Parameters
    ----------
    known : parameters of the network that is to run.

    Raises
    ------
    InputError
        for what is no Dataset over ``condition`` alone, a parameter that the network does not have, or a missing unit,
        another unit, or a value that the parameter cannot have.
    """
    if not isinstance(conditions, xr.Dataset) or set(conditions.dims) != {CONDITION}:
        raise InputError(
            f"conditions must be a Dataset over {CONDITION!r} alone, as neurofwp.spiking.conditions.from_quantities "
            f"makes it, not {tuple(getattr(conditions, 'dims', ())) or type(conditions).__name__}"
        )
    return {str(name): _quantity(each, known) for name, each in conditions.data_vars.items() if name != SEED}


def seeds(conditions: xr.Dataset) -> tuple[int, ...]:
    """Of each condition; none where they share that of the run.

    Raises
    ------
    InputError
        for what is no whole number of at least 0.
    """
    own = conditions[SEED].values if SEED in conditions else np.zeros(0, int)
    if own.dtype.kind not in "iu" or (own < 0).any():
        raise InputError(f"seed of the conditions must be whole numbers of at least 0, not {own.tolist()}")
    return tuple(own.tolist())


def _quantity(variable: xr.DataArray, known: Mapping[str, Parameter]) -> Quantity:
    name = str(variable.name)
    if name not in known:
        raise unknown("parameter", name, known)
    if "units" not in variable.attrs:
        raise InputError(f"{name} of the conditions has no attrs['units']; it needs a unit like {known[name].unit!r}")
    values = Quantity(variable.values * parse_unit(variable.attrs["units"], name))
    for label, value in zip(variable[CONDITION].values.tolist(), values, strict=True):
        known[name].check(value, f"{name} of condition {label!r}")
    return values
