"""What an update rule is: a pure step on tensors, the signals and parameters it takes, and what is known about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from neurofwp import errors
from neurofwp.errors import InputError


@dataclass(frozen=True)
class Parameter:
    """One number of a rule.

    `low` and `high` bound what a fit may try, for read-outs W k of order one, active key cells of activity one and
    values of norm one; otherwise a fit multiplies them by (typical read-out W k) ** weight_power, (typical key of one
    active cell) ** key_power and (typical |v|) ** value_power. The weight power is exact: a rule does the same if
    all weights, and each parameter to its power, are scaled together. The others are rough.

    by_head : the default of every head, from their numbers 0, 1, ... (head,); left out, all heads have `default`.
    domain : the values for which the rule means anything, both ends included.
    """

    name: str
    default: float
    low: float
    high: float
    meaning: str
    weight_power: int = 0
    key_power: int = 0
    value_power: int = 0
    by_head: Callable[[Tensor], Tensor] | None = None
    domain: tuple[float, float] = (-math.inf, math.inf)


SHARE = (0.0, 1.0)
POSITIVE = (float(torch.finfo(torch.float32).tiny), math.inf)


@dataclass(frozen=True)
class Argument:
    """One signal that a rule takes at every event.

    dims : its own, after (batch, time, head): "pre", "post", or another name, whose size it then sets; "micro" stands
        for micro-steps, which lie one after the other along time.
    low, high : the allowed range, both included. default : what it is where it is left out; None if it must be given.
    per_event : False for what stays the same throughout, (head, *dims).
    signal : which of SIGNALS it is at one synapse; left out, what `at_synapse` derives.
    """

    name: str
    meaning: str
    dims: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    default: float | None = None
    per_event: bool = True
    signal: str = ""

    def at_synapse(self) -> str:
        """Which of SIGNALS it is at one synapse.

        Unless it says so itself, key, value, beta and log_decay are key, value, gate and retention; anything else is a
        gate or, if each cell has one, a third factor, and with dims that a synapse does not have, everything.
        """
        named = {"key": "key", "value": "value", "beta": "gate"}
        shared, own = ("retention", "retention") if self.name == "log_decay" else ("gate", "third factor")
        by_dims = {(): shared, ("pre",): f"{own} of pre", ("post",): f"{own} of post"}
        return self.signal or named.get(self.name) or by_dims.get(self.dims, "everything")


KEY = Argument("key", "presynaptic activity, or what is written under", ("pre",))
VALUE = Argument("value", "postsynaptic activity, or what is written", ("post",))
BETA = Argument("beta", "write strength", low=0.0, high=2.0, default=1.0)
LOG_DECAY = Argument("log_decay", "log of the share of the weights that survives", high=0.0)
OPTIONAL_LOG_DECAY = replace(LOG_DECAY, default=0.0)

SIGNALS = {
    "key": "k_j, activity of the presynaptic cell",
    "value": "v_i, activity of the postsynaptic cell",
    "gate": "beta, how much is written, the same for all synapses",
    "retention": "alpha, what survives of weights or traces, the same for all synapses",
    "retention of pre": "alpha_j",
    "retention of post": "alpha_i",
    "weight": "W_ij, its own",
    "prediction": "(W k)_i, what the postsynaptic cell receives",
    "back-projection": "(W'v)_j, what the presynaptic cell would receive back",
    "key norm": "|k|, total presynaptic activity",
    "value norm": "|v|, total postsynaptic activity",
    "key trace": "a trace of k_j",
    "value trace": "a trace of v_i or of its square",
    "synapse trace": "a trace of the synapse's own changes",
    "third factor of pre": "gamma_j, a gate of the presynaptic cell",
    "third factor of post": "gamma_i, a gate of the postsynaptic cell",
    "everything": "not local: signals of other synapses",
}


RESERVED = {"rule", "query", "mode", "normaliser", "initial", "bounds", "chunk", "micro_steps", "parameters"}


@dataclass(frozen=True)
class Event:
    """The signals of one event, or, for a rule's chunkwise form, of all events. Leading dims (...) are any batch.

    key (..., pre), value (..., post), gate (...), which is beta, and retention (...), alpha, as in a Program; retention
    is (..., pre) or (..., post) for a rule that takes one per cell. query (..., pre) where it is known.
    others : what else the rule takes, by name; in the chunkwise form log_decay too.
    """

    key: Tensor
    value: Tensor
    gate: Tensor
    retention: Tensor
    query: Tensor | None = None
    others: Mapping[str, Tensor] = field(default_factory=dict)


# The weight tensor itself, or, for a rule that remembers more, a NamedTuple with a field `weight`.
State: TypeAlias = Any
Step = Callable[[State, Event, Mapping[str, Tensor]], State]
Begin = Callable[[Tensor, Event, Mapping[str, Tensor]], State]
Chunkwise = Callable[[Tensor, Event, State, Mapping[str, Tensor], int], tuple[Tensor, State]]


def weight_of(state: State) -> Tensor:
    """The weights of a State."""
    weight: Tensor = state if isinstance(state, Tensor) else state.weight
    return weight


def linear_read(state: State, query: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    """y = W q, (..., post)."""
    return product(weight_of(state), query)


@dataclass(frozen=True)
class Rule:
    """An update rule of a fast weight matrix W (..., post, pre).

    `step(state, event, parameters)` returns the state after the event; each parameter is a tensor that
    broadcasts against (...). The state is W, unless the rule says otherwise. A rule that takes BETA promises that a
    closed gate, beta = 0, writes nothing: the weights after such an event do not depend on its key and value.

    signals : all that reaches a synapse (i, j), of SIGNALS. `Argument.at_synapse` says which one an argument is;
        of what the state remembers, (pre,) is a key trace, (post,) a value trace, and (post, pre) a synapse trace.
    state : the NamedTuple of tensors that is the state of a rule that remembers more; `weight` is one of its fields.
    begin : `begin(weight, event, parameters)`, the state before the first event, which is given.
    read : `read(state, query, parameters)`, what is read after an event; W q unless given.
    arguments : what it takes, by names that `neurofwp.rate.run` does not use itself, RESERVED. Where one may be left
        out, those that must be given set the sizes of its dims. weight_dims : the dims of W.
    chunkwise : `chunkwise(query, events, state, parameters, size)` -> (reads, state), the same in parallel: tensors
        (..., time, dim), chunks of `size` events.
    chunkwise_at : the parameter values to which that form is limited. chunk : the size of chunks that suits it.
    clampable : the weights may be clamped after every event.
    nests : the rules that are this one at some parameter values, and those values: a number, or the name of the
        nested rule's parameter that takes the place; what is not named keeps the nested rule's value, or is free.
    approaches : the rules that this one only tends to, as some parameters go to zero or infinity together.
    local_to : "post" where each row of W evolves without the others, "pre" where each column does, "none" where
        neither does.
    absorbs_offset : a constant added to every value is already a parameter of the rule.
    finite_with : what keeps its weights finite, said where they are not. A step must not ask whether they are: a GPU
        would wait for the answer at every event.

    Raises
    ------
    InputError
        for a signal that is not in SIGNALS, and an argument whose name is reserved or whose default has no size.
    """

    id: str
    step: Step
    parameters: tuple[Parameter, ...]
    equation: str
    objective: str
    signals: tuple[str, ...]
    reading: str
    source: str
    arguments: tuple[Argument, ...] = (KEY, VALUE, BETA)
    state: type | None = None
    begin: Begin | None = None
    read: Callable[[State, Tensor, Mapping[str, Tensor]], Tensor] = linear_read
    weight_dims: tuple[str, str] = ("post", "pre")
    chunkwise: Chunkwise | None = None
    chunkwise_at: Mapping[str, float] = field(default_factory=dict)
    chunk: int = 64
    clampable: bool = True
    nests: Mapping[str, Mapping[str, float | str]] = field(default_factory=dict)
    approaches: tuple[str, ...] = ()
    local_to: str = "post"
    absorbs_offset: bool = False
    finite_with: str = "keys of norm one, a smaller beta, or other parameters"

    def __post_init__(self) -> None:
        for signal in (*self.signals, *(argument.at_synapse() for argument in self.arguments)):
            if signal not in SIGNALS:
                raise errors.unknown(f"signal of rule {self.id!r},", signal, SIGNALS)
        sized = {"pre", "micro"}.union(*(argument.dims for argument in self.arguments if argument.default is None))
        for argument in self.arguments:
            if argument.name in RESERVED:
                raise InputError(f"rule {self.id!r} must not call an argument {argument.name!r}, which run uses itself")
            for dim in argument.dims:
                if argument.default is not None and dim not in sized:
                    raise InputError(
                        f"{argument.name} of rule {self.id!r} must have no default, or an argument without one must "
                        f"have its dim {dim!r}, to set the size"
                    )

    def defaults(self) -> dict[str, float]:
        """The parameter values that make the textbook rule."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def argument(self, name: str) -> Argument | None:
        """The argument of that name, if the rule takes one."""
        return next((argument for argument in self.arguments if argument.name == name), None)

    def dims(self, name: str) -> tuple[str, ...]:
        """The dims of the argument of that name, after those of time; none if the rule takes no such argument."""
        argument = self.argument(name)
        return argument.dims if argument else ()

    @property
    def runs_programs(self) -> bool:
        """Whether a Program has all that it takes: key, value, write gate, and one retention for all cells."""
        taken = {argument.name for argument in self.arguments}
        has_all = {"key", "value", "beta"} <= taken <= {"key", "value", "beta", "log_decay"}
        return has_all and not any("micro" in argument.dims for argument in self.arguments)

    @property
    def fittable(self) -> bool:
        """Whether its parameters can be fitted to weights alone: it remembers nothing else, and has parameters."""
        return self.runs_programs and self.state is None and bool(self.parameters)


def per_post(number: Tensor) -> Tensor:
    """(...) -> (..., 1), to multiply a value (..., post)."""
    return number[..., None]


def per_synapse(number: Tensor) -> Tensor:
    """(...) -> (..., 1, 1), to multiply a weight (..., post, pre)."""
    return number[..., None, None]


def outer(value: Tensor, key: Tensor) -> Tensor:
    """v k': (..., post) and (..., pre) -> (..., post, pre)."""
    return value[..., :, None] * key[..., None, :]


def product(weight: Tensor, key: Tensor) -> Tensor:
    """W k: (..., post, pre) and (..., pre) -> (..., post)."""
    return (weight @ key[..., :, None])[..., 0]
