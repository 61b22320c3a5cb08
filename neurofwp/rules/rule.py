"""What an update rule is: a pure step on tensors, the signals and parameters it takes, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from torch import Tensor

from neurofwp import errors
from neurofwp.errors import InputError
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.signals import BETA, KEY, RESERVED, SIGNALS, VALUE, Argument


@dataclass(frozen=True)
class Event:
    """The signals of one event, or, for a rule's chunkwise form, of all events. Leading dims (...) are any batch.

    key (..., pre), value (..., post), gate (...), which is beta, and retention (...), alpha, as in a Program; retention
    is (..., pre) or (..., post) for a rule that takes one per cell. query (..., pre) where it is known.
    others : what else the rule takes, by name; in the chunkwise form log_decay too.
    mask : (...), which events happen, where some do not, for the chunkwise form: those come with beta 0 and log decay
        0, and leave all of the state as it was.
    ungated : whether beta was left out, so that the gate is 1 at every event.
    """

    key: Tensor
    value: Tensor
    gate: Tensor
    retention: Tensor
    query: Tensor | None = None
    others: Mapping[str, Tensor] = field(default_factory=dict)
    mask: Tensor | None = None
    ungated: bool = False


@dataclass(frozen=True)
class Formula:
    """A number that follows from the parameters of a nested rule, and how to write it."""

    text: str
    of: Callable[[Mapping[str, Any]], Any]

    def __str__(self) -> str:
        return self.text


# The weight tensor itself, or, for a rule that remembers more, a NamedTuple with a field `weight`.
State: TypeAlias = Any
Nests: TypeAlias = Mapping[str, Mapping[str, float | str | Formula]]


class Independent(Enum):
    """What of W evolves without the rest of it: a fit may then look at a part of W alone."""

    ROWS = "the weights onto each postsynaptic cell"
    COLUMNS = "the weights from each presynaptic cell"
    NEITHER = "nothing: every weight depends on others in its row and in its column"


def weight_of(state: State) -> Tensor:
    """The weights of a State."""
    weight: Tensor = state if isinstance(state, Tensor) else state.weight
    return weight


class Rule:
    """An update rule of a fast weight matrix W (..., post, pre): a subclass says what it is, and defines `step`.

    A Rule has no state of its own: parameters are passed to its methods, each a tensor that broadcasts against (...).
    A rule that takes BETA promises that a closed gate, beta = 0, writes nothing: the weights after such an event do not
    depend on its key and value.

    id, equation, objective, reading, source : what it is called, does, minimises, means in biology, and comes from.
    signals : all that reaches a synapse (i, j), of SIGNALS. `Argument.at_synapse` says which one an argument is;
        of what the state remembers, (pre,) is a key trace, (post,) a value trace, and (post, pre) a synapse trace.
    arguments : what it takes, by names that `neurofwp.rate.run` does not use itself, RESERVED. Where one may be left
        out, those that must be given set the sizes of its dims. weight_dims : the dims of W.
    state : the NamedTuple of tensors that is the state of a rule that remembers more; `weight` is one of its fields.
    chunk : the size of chunks that suits the chunkwise form. chunkwise_at : the parameter values that it is limited to.
    chunkwise_skips : the chunkwise form leaves all of the state as it was at events that `Event.mask` leaves out; where
        it does not, sequences with a mask run event by event.
    clampable : the weights may be clamped after every event.
    nests : the rules that are this one at some parameter values, and those values: a number, the name of the
        nested rule's parameter that takes the place, or a Formula of them; what is not named keeps the nested rule's
        value, or is free. Parameters are those of fits.
    approaches : the rules that this one only tends to, as some parameters go to zero or infinity together.
    absorbs_offset : a constant added to every value is already a parameter of the rule.
    fitted_with : parameters that a fit has besides the rule's own, of `neurofwp.rules.free`, or of the name of an
        argument that a Program lacks. timed_by : the parameter, if any, that is the length of an event in seconds: a
        Program says it, and `Event.others` has it, event by event; where nothing does, events last its default.
    not_fitted : why a fit leaves the rule out, in one clause. cost : how much longer than that of another rule an event
        takes: a fit looks at so many times fewer weights. elementwise : each weight evolves without all others.
    finite_with : what keeps its weights finite, said where they are not. A step must not ask whether they are: a GPU
        would wait for the answer at every event.

    Raises
    ------
    InputError
        for a rule that lacks something, two parameters of one name, a signal that is not in SIGNALS, and an argument
        whose name is reserved or whose default has no size.
    """

    id: ClassVar[str] = ""
    equation: ClassVar[str] = ""
    objective: ClassVar[str] = ""
    reading: ClassVar[str] = ""
    source: ClassVar[str] = ""
    signals: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    arguments: ClassVar[tuple[Argument, ...]] = (KEY, VALUE, BETA)
    state: ClassVar[type | None] = None
    weight_dims: ClassVar[tuple[str, str]] = ("post", "pre")
    chunk: ClassVar[int] = 64
    chunkwise_at: ClassVar[Mapping[str, float]] = {}
    chunkwise_skips: ClassVar[bool] = False
    clampable: ClassVar[bool] = True
    nests: ClassVar[Nests] = {}
    approaches: ClassVar[tuple[str, ...]] = ()
    independent: ClassVar[Independent] = Independent.ROWS
    absorbs_offset: ClassVar[bool] = False
    fitted_with: ClassVar[tuple[Parameter, ...]] = ()
    timed_by: ClassVar[str] = ""
    not_fitted: ClassVar[str] = ""
    cost: ClassVar[int] = 1
    elementwise: ClassVar[bool] = False
    finite_with: ClassVar[str] = "keys of norm one, a smaller beta, or other parameters"

    def __init__(self) -> None:
        check(self)

    @property
    def remembered(self) -> tuple[str, ...]:
        """The names of all tensors of a state."""
        return ("weight",) if self.state is None else tuple(self.state.__annotations__)

    def step(self, state: State, event: Event, p: Mapping[str, Tensor], /) -> State:
        """The state after the event; the state is W, unless the rule says otherwise."""
        raise NotImplementedError

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor], /) -> State:
        """The state before the first event, which is given."""
        return weight

    def read(self, state: State, query: Tensor, p: Mapping[str, Tensor], /) -> Tensor:
        """What is read after an event, (..., post): y = W q."""
        return product(weight_of(state), query)

    def chunkwise(
        self, query: Tensor, events: Event, state: State, p: Mapping[str, Tensor], size: int, /
    ) -> tuple[Tensor, State]:
        """Reads and the last state, as by `step` after `step`, but in parallel: tensors (..., time, dim), chunks of
        `size` events. Not every rule has this form."""
        raise NotImplementedError

    def trajectory(self, events: Event, weight: Tensor, p: Mapping[str, Tensor], /) -> Tensor | None:
        """The weights after every event at once, (..., time, post, pre), as by `begin` and `step` after `step` from
        `weight`; None where a rule has no faster way to them."""
        return None

    def draft(self) -> Rule:
        """A rule that does nearly the same in less time, for the search of a fit; by default the rule itself."""
        return self

    @property
    def has_chunkwise(self) -> bool:
        """Whether it has a chunkwise form."""
        return type(self).chunkwise is not Rule.chunkwise

    @property
    def reads_linearly(self) -> bool:
        """Whether y = W q."""
        return type(self).read is Rule.read

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
    def driven_by_programs(self) -> bool:
        """Whether a Program has all that it takes, but for what `fitted_with` holds constant."""
        held = {parameter.name for parameter in self.fitted_with}
        taken = {argument.name for argument in self.arguments if not argument.like} - held
        has_all = {"key", "value"} <= taken <= {"key", "value", "beta", "log_decay"}
        return has_all and not any("micro" in argument.dims for argument in self.arguments)

    @property
    def fittable(self) -> bool:
        """Whether its parameters can be fitted to weights alone: a Program drives it, and there are parameters."""
        return self.driven_by_programs and not self.not_fitted and bool(self.parameters or self.fitted_with)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"<Rule {self.id}: {self.equation}>"


def check(rule: Rule) -> None:
    """Raise InputError unless a rule has all that it needs; see `Rule`."""
    own = f"rule {rule.id!r}" if rule.id else f"the rule {type(rule).__name__}"
    for name in ("id", "equation", "objective", "reading", "source", "signals"):
        if not getattr(rule, name):
            raise InputError(f"{own} lacks {name!r}, which must be a class attribute of it")
    if type(rule).step is Rule.step:
        raise InputError(f"{own} lacks a method step(state, event, parameters)")
    if (rule.state is None) != (type(rule).begin is Rule.begin):
        raise InputError(f"{own} remembers more than its weights, so it needs both `state` and a method `begin`")
    _check_parameters(rule, own)
    for signal in (*rule.signals, *(argument.at_synapse() for argument in rule.arguments)):
        if signal not in SIGNALS:
            raise errors.unknown(f"signal of {own},", signal, SIGNALS)
    sized = {"pre", "micro"}.union(*(argument.dims for argument in rule.arguments if argument.default is None))
    for argument in rule.arguments:
        if argument.name in RESERVED:
            raise InputError(f"{own} must not call an argument {argument.name!r}, which run uses itself")
        if argument.like and (argument.like not in ("key", "value") or rule.dims(argument.like) != argument.dims):
            raise InputError(f"{argument.name} of {own} must be like its key or its value, and have the same dims")
        for dim in argument.dims:
            if argument.default is not None and dim not in sized:
                raise InputError(
                    f"{argument.name} of {own} must have no default, or an argument without one must "
                    f"have its dim {dim!r}, to set the size"
                )


def _check_parameters(rule: Rule, own: str) -> None:
    names = [parameter.name for parameter in rule.parameters]
    every = names + [parameter.name for parameter in rule.fitted_with]
    twice = [name for name in every if every.count(name) > 1]
    if twice:
        raise InputError(f"{own} has two parameters of the name {twice[0]!r}")
    for name in (*rule.chunkwise_at, *filter(None, [rule.timed_by])):
        if name not in names:
            raise errors.unknown(f"parameter of {own},", name, names)
    for name in (name for at in rule.nests.values() for name in at):
        if name not in every:
            raise errors.unknown(f"parameter of {own},", name, every)


def per_post(number: Tensor) -> Tensor:
    """(...) -> (..., 1), to multiply a value (..., post)."""
    return number.unsqueeze(-1)


def per_synapse(number: Tensor) -> Tensor:
    """(...) -> (..., 1, 1), to multiply a weight (..., post, pre)."""
    return number[..., None, None]


def outer(value: Tensor, key: Tensor) -> Tensor:
    """v k': (..., post) and (..., pre) -> (..., post, pre)."""
    return value.unsqueeze(-1) * key.unsqueeze(-2)


def product(weight: Tensor, key: Tensor) -> Tensor:
    """W k: (..., post, pre) and (..., pre) -> (..., post)."""
    return (weight @ key.unsqueeze(-1)).squeeze(-1)
