"""What an update rule is: a pure step on tensors, its parameters, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True)
class Parameter:
    """One number of a rule.

    `low` and `high` bound what a fit may try, for read-outs W k of order one, active key cells of activity one and
    values of norm one; otherwise a fit multiplies them by (typical read-out W k) ** weight_power, (typical key of one
    active cell) ** key_power and (typical |v|) ** value_power. The weight power is exact: a rule does the same if
    all weights, and each parameter to its power, are scaled together. The others are rough.
    """

    name: str
    default: float
    low: float
    high: float
    meaning: str
    weight_power: int = 0
    key_power: int = 0
    value_power: int = 0


@dataclass(frozen=True)
class Event:
    """The signals of one event. Leading dims (...) are any batch: restarts, episodes, ON and OFF pools.

    key (..., pre), value (..., post), gate (...) and retention (...), as in a Program.
    """

    key: Tensor
    value: Tensor
    gate: Tensor
    retention: Tensor


Step = Callable[[Tensor, Event, Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Rule:
    """An update rule of a fast weight matrix W (..., post, pre).

    `step(weight, event, parameters)` returns the weight after the event; each parameter is a tensor that
    broadcasts against (...).

    nests : the rules that are this one at some parameter values, and those values: a number, or the name of the
        nested rule's parameter that takes the place; what is not named keeps the nested rule's value, or is free.
    approaches : the rules that this one only tends to, as some parameters go to zero or infinity together.
    local_to : "post" where each row of W evolves without the others, "pre" where each column does.
    absorbs_offset : a constant added to every value is already a parameter of the rule.
    """

    id: str
    step: Step
    parameters: tuple[Parameter, ...]
    equation: str
    objective: str
    signals: tuple[str, ...]
    reading: str
    source: str
    nests: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    approaches: tuple[str, ...] = ()
    local_to: str = "post"
    absorbs_offset: bool = False

    def defaults(self) -> dict[str, float]:
        """The parameter values that make the textbook rule."""
        return {parameter.name: parameter.default for parameter in self.parameters}


def per_post(number: Tensor) -> Tensor:
    """(...) -> (..., 1), to multiply a value (..., post)."""
    return number[..., None]


def per_synapse(number: Tensor) -> Tensor:
    """(...) -> (..., 1, 1), to multiply a weight (..., post, pre)."""
    return number[..., None, None]


def outer(value: Tensor, key: Tensor) -> Tensor:
    """v k': (..., post) and (..., pre) -> (..., post, pre)."""
    return value[..., :, None] * key[..., None, :]


def read(weight: Tensor, key: Tensor) -> Tensor:
    """W k: (..., post, pre) and (..., pre) -> (..., post)."""
    return (weight @ key[..., :, None])[..., 0]
