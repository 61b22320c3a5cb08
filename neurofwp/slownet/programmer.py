"""Programmer: a slow net that is trained, with the fast weights that it programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, get_args

import torch
from torch import Tensor, nn

from neurofwp import rules
from neurofwp.errors import InputError, unknown
from neurofwp.rate import RateNetwork, run, unit
from neurofwp.rate.arguments import check_parameters
from neurofwp.rate.evaluation import evaluate
from neurofwp.rate.layer_signals import check_sizes, linear
from neurofwp.rate.scan import Bounds
from neurofwp.slownet.controller import ARCHITECTURES, Recurrent
from neurofwp.slownet.episode_tensors import Episodes
from neurofwp.slownet.keys import DenseKeys, SparseKeys
from neurofwp.slownet.training.settings import Architecture

SLOW = 4.0  # sigmoid of it, 0.98, is the retention that training starts from


@dataclass(frozen=True)
class Shape:
    """What makes a Programmer.

    cue, content, context : entries of what it sees. pre : presynaptic cells. active : those that fire in a key; None
    for keys of both signs without a limit. hidden : cells of the controller. architecture : see
    `neurofwp.slownet.controller`. rule : that the fast weights follow, one that takes no more than a Program has.
    nonnegative : weights are conductances, clamped to [0, w_max], and values are carried by ON and OFF pools.
    value_offset, value_gain : content becomes the value gain * (content - offset); a Program's are in [-1, 1].
    """

    cue: int
    content: int
    context: int = 0
    pre: int = 1000
    active: int | None = 10
    hidden: int = 32
    architecture: Architecture = "feed-forward"
    rule: str = "delta"
    nonnegative: bool = False
    w_max: float | None = None
    value_offset: float = 0.0
    value_gain: float = 1.0

    def __post_init__(self) -> None:
        """
        Raises
        ------
        InputError
            for a size below 1 (0 for context), too many active cells, or an unknown architecture or rule.
        """
        check_sizes(cue=self.cue, content=self.content, pre=self.pre, hidden=self.hidden)
        if type(self.context) is not int or self.context < 0:
            raise InputError(f"context must be a whole number of 0 or more, not {self.context!r}")
        if self.active is not None and (type(self.active) is not int or not 1 <= self.active < self.pre):
            raise InputError(f"active must be at least 1 and below pre ({self.pre}), not {self.active}")
        if not self.value_gain > 0:
            raise InputError(f"value_gain must be above 0, not {self.value_gain:g}")
        if self.w_max is not None and not (self.nonnegative and self.w_max > 0):
            raise InputError(f"w_max must be above 0, and bounds weights that are nonnegative, not {self.w_max:g} here")
        if self.architecture not in get_args(Architecture):
            raise unknown("architecture", str(self.architecture), get_args(Architecture))
        rule = rules.get(self.rule)
        if not rule.runs_programs:
            known = ", ".join(each.id for each in rules.REGISTRY.all() if each.runs_programs)
            raise InputError(f"rule {self.rule!r} takes other signals than a slow net programs; these do not: {known}")


@dataclass(frozen=True)
class Signals:
    """What a slow net tells the fast weights, event by event.

    key, query (episode, event, pre); value (episode, event, content); gate, retention (episode, event) in [0, 1].
    """

    key: Tensor
    query: Tensor
    value: Tensor
    gate: Tensor
    retention: Tensor


class Programmer(nn.Module):
    """A slow net and its fast weights: keys from cues, values from content, gates from all that is seen.

    *Keys and queries* come from one map, `SparseKeys` or `DenseKeys`. *Values* are the content, centred and scaled, so
    that a read of nothing says nothing. *The gate* beta, and the retention alpha of rules that have one, are logistic
    functions of a controller that sees cue, content and context, and, depending on its architecture, what was before.
    *The answer* is the read, scaled and shifted by two learned numbers. Within an episode only fast weights change.

    Parameters
    ----------
    shape : see Shape. generator : of all initial weights.

    Raises
    ------
    InputError
        when called, for Episodes of other sizes.
    """

    def __init__(self, shape: Shape, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.shape, self.rule = shape, rules.get(shape.rule)
        if shape.active is None:
            self.keys: DenseKeys | SparseKeys = DenseKeys(shape.cue, shape.pre, generator)
        else:
            self.keys = SparseKeys(shape.cue, shape.pre, shape.active, generator)
        seen = shape.cue + shape.content + shape.context
        self.controller = ARCHITECTURES[shape.architecture](seen, shape.content, shape.hidden, generator)
        self.gate = linear(shape.hidden, 1, bias=0.0, generator=generator)
        self.retention = linear(shape.hidden, 1, bias=SLOW, generator=generator) if self._decays else None
        self.scale = nn.Parameter(torch.tensor(1 / shape.value_gain))
        self.shift = nn.Parameter(torch.tensor(float(shape.value_offset)))

    @property
    def _decays(self) -> bool:
        return self.rule.argument("log_decay") is not None

    @property
    def _bounds(self) -> Bounds | None:
        highest = torch.inf if self.shape.w_max is None else self.shape.w_max
        return (0.0, highest) if self.shape.nonnegative else None

    def network(self, device: str = "cpu") -> RateNetwork:
        """The rate network that runs Programs on the fast weights that this slow net was trained with."""
        shape = self.shape
        return RateNetwork(
            shape.rule,
            on_off=shape.nonnegative,
            bounds=self._bounds,
            unit_keys=shape.active is not None,
            device=device,
            dtype=torch.float32,
        )

    def forward(self, episodes: Episodes) -> tuple[Tensor, Signals]:
        """Answers (episode, event, content), meaningless where nothing is asked, and the signals behind them."""
        self._check(episodes)
        code = self.keys(episodes.cue)
        probed = code if episodes.probe is episodes.cue else self.keys(episodes.probe)
        key, query = code * episodes.write[..., None], probed * episodes.asked[..., None]
        value = self.value(episodes.content) * episodes.write[..., None]
        seen = torch.cat([episodes.cue, episodes.content, episodes.context], dim=-1)
        if isinstance(self.controller, Recurrent):
            read, gate, retention = self._in_turn(seen, key, query, value, episodes)
        else:
            gate, retention = self._gates(self.controller(seen), episodes.write)
            read = self._read(key, query, value, gate, retention)
        return self.answer(read), Signals(key, query, value, gate, retention)

    def value(self, content: Tensor) -> Tensor:
        """What is written for a content: centred and scaled."""
        return self.shape.value_gain * (content - self.shape.value_offset)

    def answer(self, read: Tensor) -> Tensor:
        """From what fast weights return to what was asked for: scaled and shifted."""
        return self.scale * read + self.shift

    def numbers(self) -> dict[str, Any]:
        """The shape, as plain numbers."""
        return asdict(self.shape)

    def _gates(self, hidden: Tensor, write: Tensor) -> tuple[Tensor, Tensor]:
        """Write gate, closed where there is nothing to write, and retention; (...) for hidden (..., hidden)."""
        gate = self.gate(hidden)[..., 0].sigmoid() * write
        return gate, torch.ones_like(gate) if self.retention is None else self.retention(hidden)[..., 0].sigmoid()

    def _read(self, key: Tensor, query: Tensor, value: Tensor, gate: Tensor, retention: Tensor) -> Tensor:
        """Reads (episode, event, content) of all events at once, in parallel where the rule can."""
        asked, arguments = self._arguments(key, query, value, gate, retention)
        result = run(self.rule, query=asked, bounds=self._bounds, parameters=self.rule.defaults(), **arguments)  # type: ignore[arg-type]
        return self._subtract_off(result.read)

    def _in_turn(
        self, seen: Tensor, key: Tensor, query: Tensor, value: Tensor, episodes: Episodes
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Reads, gates and retentions, one event after the other: each depends on the read before it."""
        own = torch.where(episodes.asked[..., None], query, key)
        numbers = check_parameters(self.rule, self.rule.defaults(), 1, key)
        state: dict[str, Tensor] = {}
        read = value.new_zeros(len(value), value.shape[-1])
        made = []
        for event in range(seen.shape[1]):
            now = slice(event, event + 1)
            hidden = self.controller(seen[:, event], read)
            gate, retention = self._gates(hidden[:, None], episodes.write[:, now])
            asked, arguments = self._arguments(key[:, now], own[:, now], value[:, now], gate, retention)
            result = evaluate(
                self.rule,
                asked,
                arguments,
                numbers,
                state,
                backend="recurrent",
                bounds=self._bounds,
            )
            state = result.state
            read = self._subtract_off(result.read)[:, 0]
            made.append((read, gate[:, 0], retention[:, 0]))
        reads, gates, retentions = (torch.stack(each, dim=1) for each in zip(*made, strict=True))
        return reads, gates, retentions

    def _arguments(
        self, key: Tensor, query: Tensor, value: Tensor, gate: Tensor, retention: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The query, and what the rule takes, in the layout of `neurofwp.rate.run`: one head, or one for each pool."""
        if self.shape.active is not None:  # as a RateNetwork takes the keys of a Program
            key, query = unit(key), unit(query)
        pools = torch.stack([(1 + value) / 2, (1 - value) / 2] if self.shape.nonnegative else [value], dim=2)
        heads = pools.shape[2]
        key, query = (each[:, :, None].expand(-1, -1, heads, -1) for each in (key, query))
        arguments = {"key": key, "value": pools, "beta": gate[..., None].expand(-1, -1, heads)}
        if self._decays:
            above_zero = retention.clamp_min(torch.finfo(retention.dtype).tiny)
            log_decay = above_zero.log()[..., None].expand(-1, -1, heads)
            own = {(): None, ("pre",): key.shape[-1], ("post",): value.shape[-1]}[self.rule.dims("log_decay")]
            arguments["log_decay"] = log_decay if own is None else log_decay[..., None].expand(*log_decay.shape, own)
        return query, arguments

    def _subtract_off(self, read: Tensor) -> Tensor:
        """(episode, event, head, post) -> (episode, event, content): ON minus OFF."""
        if not self.shape.nonnegative:
            return read[:, :, 0]
        return read[:, :, 0] - read[:, :, 1]

    def _check(self, episodes: Episodes) -> None:
        for name, tensor, expected in (
            ("cue", episodes.cue, self.shape.cue),
            ("probe", episodes.probe, self.shape.cue),
            ("content", episodes.content, self.shape.content),
            ("context", episodes.context, self.shape.context),
        ):
            if tensor.shape[-1] != expected:
                raise InputError(
                    f"the {name} of this task has {tensor.shape[-1]} entries, but this slow net was made for {expected}"
                )
