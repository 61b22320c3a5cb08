"""How a Program drives a rule: the signals of its events, as the rule takes them.

A rule that takes more than a Program has, or whose W has a scale of its own, has further parameters in fits,
`Rule.fitted_with`: what each does is said in `neurofwp.rules.free`. One that is not given does nothing, and an argument
that a Program lacks has the default of its parameter.

- An argument that a rule takes like the key or the value, where it is left out, is the Program's key or value.
- A rule that takes no write gate sees values only through it, beta v. Where there is a lowest value, as no plateau is
  less than none, those below it count as that.
- A retention of each cell is the Program's, the same for all cells, but for presynaptic cells, which fade as they fire:
  the slow nets of gated linear attention (Yang et al. 2024) and Kimi delta attention give each key cell a log decay
  that depends on its input, and the simplest such dependence is one in proportion to the cell's activity. As in those
  networks the write gate has no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules import Event, Rule
from neurofwp.rules.free import DECAY, KEY_FADING, RATE
from neurofwp.rules.rule import per_post, per_synapse


def drive(
    rule: Rule,
    parameters: Mapping[str, Tensor],
    key: Tensor,
    value: Tensor,
    gate: Tensor,
    retention: Tensor,
    duration: Tensor | None = None,
) -> Event:
    """The signals of all events: key (..., event, pre), value (..., event, post), gate and retention (..., event).

    Parameters
    ----------
    parameters : each broadcasts against the leading dims (...).
    duration : (..., event), seconds; left out, an event lasts what a rule that asks says.
    """
    given = extra_parameters(rule, parameters)
    others = constant_arguments(rule, parameters, key, value)
    if duration is not None and rule.timed_by:
        others[rule.timed_by] = duration
    if rule.argument("beta") is None:
        value = value * per_post(gate)
    taken = rule.argument("value")
    if taken is not None and math.isfinite(taken.low):
        value = value.clamp_min(taken.low)
    if RATE.name in given:
        gate = gate * per_post(given[RATE.name])
    if DECAY.name in given:
        retention = retention * per_post(given[DECAY.name])
    if rule.dims("log_decay"):  # a Program has one retention for all cells
        retention = retention[..., None]
    if KEY_FADING.name in given:
        retention = retention * (-per_synapse(given[KEY_FADING.name]) * key.abs()).exp()
    return Event(key, value, gate, retention, others=others)


def relative_keys(rule: Rule) -> bool:
    """Whether a rule's keys are at most 1, the largest activity: it is given them in units of the typical key of an
    active cell (`neurofwp.program.typical_key`), whatever norm they have."""
    taken = rule.argument("key")
    return taken is not None and math.isfinite(taken.high)


def extra_parameters(rule: Rule, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of `parameters` that are not the rule's own."""
    return {each.name: parameters[each.name] for each in rule.fitted_with if each.name in parameters}


def constant_arguments(rule: Rule, parameters: Mapping[str, Tensor], key: Tensor, value: Tensor) -> dict[str, Tensor]:
    """The arguments of a rule that a Program lacks: like its key or value, or the same for all events and cells."""
    sizes = {"pre": key.shape[-1], "post": value.shape[-1]}
    made = {each.name: key if each.like == "key" else value for each in rule.arguments if each.like}
    for parameter in rule.fitted_with:
        argument = rule.argument(parameter.name)
        if argument is None:
            continue
        number = parameters.get(parameter.name, key.new_tensor(parameter.default))
        shape = [*([key.shape[-2]] if argument.per_event else []), *(sizes[dim] for dim in argument.dims)]
        made[parameter.name] = number[(..., *[None] * len(shape))].expand(*number.shape, *shape)
    return made
