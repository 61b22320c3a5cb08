"""Variants of a synapse model, which differ in parameters alone, side by side on one bench.

One Brian2 network, compiled once for a number of variants and protocols: what a generation of a fit needs. Numbers are
those of `Laboratory.change`, one variant at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from brian2 import Quantity, nS, second
from numpy.typing import ArrayLike, NDArray

from neurofwp.brian import backends
from neurofwp.errors import InputError, unknown
from neurofwp.laboratory.bench import Bench
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.parameters import Parameter, parse_unit

Floats = NDArray[np.float64]


def declared_parameters(model: SynapseModel) -> dict[str, Parameter]:
    """All parameters of a model's stages that change what a synapse does, by name: optional ones only say units."""
    return {each.name: each for stage in model.stages for each in stage.parameters if not each.optional}


def declared_values(model: SynapseModel) -> dict[str, float]:
    """Their values as numbers, in the units in which they are declared."""
    return {
        name: float(model.values[name] / parse_unit(own.unit, name)) for name, own in declared_parameters(model).items()
    }


def variants(model: SynapseModel, numbers: Mapping[str, ArrayLike]) -> list[SynapseModel]:
    """A model for each set of numbers (sets,), by name of the parameter, in declared units.

    Raises
    ------
    InputError
        for an unknown parameter, a value that it cannot have, and a parameter that is written into the code of the
        synapse, as an exponent is.
    """
    known = declared_parameters(model)
    if stray := next((name for name in numbers if name not in known), None):
        raise unknown(f"parameter of {model.name}", stray, known)
    quantities = {
        name: [known[name].check(float(number) * parse_unit(known[name].unit, name), name) for number in np.ravel(each)]
        for name, each in numbers.items()
    }
    count = max((len(each) for each in quantities.values()), default=1)
    made = [
        replace(model, values={**model.values, **{name: each[index] for name, each in quantities.items()}})
        for index in range(count)
    ]
    for name in numbers:
        alone = replace(model, values={**model.values, name: made[0].values[name]})
        if alone.update != model.update:
            raise InputError(f"{name} of {model.name} is part of the code of the synapse: variants cannot differ in it")
    return made


def change_variants(
    model: SynapseModel,
    numbers: Mapping[str, ArrayLike],
    protocols: Sequence[Protocol],
    *,
    repeats: int = 1,
    seed: int = 0,
    step: Quantity | None = None,
    backend: str = "auto",
) -> xr.Dataset:
    """Mean weight long after each protocol, relative to before, of each variant: `Laboratory.change` for many.

    Parameters
    ----------
    numbers : (sets,) by name of the parameter, in declared units. repeats, seed : of each protocol, as of
        `Laboratory`. step : of everything, by default 0.1 ms.

    Returns
    -------
    Dataset of ``ratio`` and ``sem`` (set, protocol), as of `Laboratory.change`.

    Raises
    ------
    InputError
        as `variants` and `Laboratory.change`.
    """
    made = variants(model, numbers)
    laboratory = Laboratory(model, backend=backend) if step is None else Laboratory(model, step=step, backend=backend)
    synapse, cell = laboratory._load()
    populations = [_population(each, protocol) for each in made for protocol in protocols]
    states = len(populations[0])
    every = [
        replace(protocol, name=f"{index} {protocol.name} {state}", initial=populations[index][state][0])
        for index, protocol in enumerate(list(protocols) * len(made))
        for state in range(states)
    ]
    bench = Bench(
        synapse=synapse,
        cell=cell,
        protocols=every,
        repeats=repeats,
        step=laboratory.step,
        duration=max(protocol.duration for protocol in protocols) * second,
        variants=[each for each in made for _ in range(len(protocols) * states)],
        own=tuple(sorted(numbers)),
    )
    done = bench.result(bench.run(backends.choose(backend)[0], bench.numbers(), seed))
    shape = (len(made), len(protocols), states, repeats)
    share = np.array([[share for _, share in each] for each in populations]).reshape(shape[:3])
    before = (done["before"].values.reshape(shape).mean(-1) * share).sum(-1)
    if not before.all():
        raise InputError(f"synapses of {model.name} have no weight before the protocol, so no change relative to it")
    expressed = done["expressed"].values.reshape(shape)
    after = np.stack([each.settle(own) for each, own in zip(made, expressed, strict=True)])
    spread = after.var(-1, ddof=1) / repeats if repeats > 1 else np.full(shape[:3], np.nan)
    one = {"units": "1"}
    ratio, sem = (after.mean(-1) * share).sum(-1) / before, np.sqrt((spread * share**2).sum(-1)) / before
    return xr.Dataset({"ratio": (("set", "protocol"), ratio, one), "sem": (("set", "protocol"), sem, one)})


def _population(model: SynapseModel, protocol: Protocol) -> list[tuple[float, float]]:
    """Weights (nS) before a protocol, each with the share of synapses that have it."""
    return [
        (float(weight / nS) if protocol.initial is None else protocol.initial, share)
        for weight, share in model.population
    ]
