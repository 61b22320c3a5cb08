"""A synapse model with stages and parameters of one's own in place of some of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from neurofwp.errors import InputError, unknown
from neurofwp.synapses import STAGES, consistency
from neurofwp.synapses.model import SynapseModel, check_stages
from neurofwp.synapses.stage import ORDER, Stage

if TYPE_CHECKING:
    from brian2 import Quantity

M = TypeVar("M", bound=SynapseModel)


def adapt(
    model: M,
    *,
    stages: Iterable[Stage | type[Stage]] = (),
    parameters: Mapping[str, Quantity | float | str] | None = None,
) -> M:
    """The model with each of `stages` in place of its own form of that stage, and with these parameters.

    stages : classes or instances, as in ``class Mine(Stage): stage = "expression"; ...``.
    parameters : quantities or texts such as "25 ms"; all of those of new stages, any of the others.

    Raises
    ------
    InputError
        for a stage whose code does not go with the others, a parameter that there is not, that lacks or that is wrong.
    """
    mine = {each.stage: each for each in (own() if isinstance(own, type) else own for own in stages)}
    chosen = {each.stage: each for each in model.stages} | mine
    whole = tuple(chosen[name] for name in ORDER if name in chosen)
    for each in mine.values():
        if each not in STAGES:
            consistency.check(each, [other for other in whole if other is not each])
    check_stages(whole, model.name)
    declared = {each.name: each for stage in whole for each in stage.parameters}
    for name in parameters or {}:
        if name not in declared:
            raise unknown(f"parameter of {model.name!r}", name, declared)
    values = {name: model.values[name] for name in declared if name in model.values}
    values |= {name: declared[name].check(value, name) for name, value in (parameters or {}).items()}
    missing = [each for name, each in declared.items() if name not in values and not each.optional]
    if missing:
        raise InputError(f"{model.name!r} needs {missing[0].name!r}: {missing[0].meaning}, in {missing[0].unit}")
    return replace(model, stages=whole, values=values)
