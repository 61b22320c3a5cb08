"""What a fit needs, as tensors: the signals of every event and the weights after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

SIGNALS = ("key", "value", "gate", "retention", "weight", "duration")  # what there is of every event


@dataclass(frozen=True)
class Records:
    """Signals and weights of some episodes.

    key (episode, 1, event, pre), value (episode, pool, event, post), gate and retention (episode, 1, event),
    weight (episode, pool, event, post, pre). Pools are ON and OFF where the Trace has conductances, else one.
    initial (episode, pool, post, pre) are the weights before the first event; each dim may be 1.
    observed : whether the weights after each event (event,) were seen. synapses (episode, pool, post, pre) : which
    were seen; dims may be 1. Rules run on all synapses, whatever was seen of them.
    query (episode, 1, event, pre) : where the answers to it were seen in place of weights; `weight` then holds these
    answers (episode, 1, event, post, 1), 0 where nothing was asked.
    initial_seen : whether the initial weights are themselves an observation, with its error.
    duration (episode, 1, event) is that of each event, s. unit_keys : whether keys were divided by their norms.
    readout, activity and teaching are the typical W k after a write, key of one active cell, and norm of a value:
    they turn the bounds of parameters, which are stated for values of one, into the units of this Trace.
    """

    key: Tensor
    value: Tensor
    gate: Tensor
    retention: Tensor
    weight: Tensor
    initial: Tensor
    observed: Tensor
    synapses: Tensor
    nonnegative: bool
    unit_keys: bool
    readout: float
    activity: float
    teaching: float
    duration: Tensor
    query: Tensor | None = None
    initial_seen: bool = False

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Of all weights that a rule predicts: (episode, pool, event, post, pre)."""
        episodes, pools, events, posts = self.value.shape
        return episodes, pools, events, posts, self.key.shape[-1]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """key, value, gate, retention, weight, initial."""
        return self.key, self.value, self.gate, self.retention, self.weight, self.initial

    def with_tensors(self, tensors: Sequence[Tensor]) -> Records:
        """The same with others in their place, in the order of `tensors`."""
        key, value, gate, retention, weight, initial = tensors
        return replace(self, key=key, value=value, gate=gate, retention=retention, weight=weight, initial=initial)

    def episodes(self, chosen: Sequence[int]) -> Records:
        index = torch.as_tensor(list(chosen), device=self.key.device)
        chosen_records = self.with_tensors([_take(each, 0, index) for each in self.tensors])
        synapses, duration = (_take(each, 0, index) for each in (self.synapses, self.duration))
        query = None if self.query is None else _take(self.query, 0, index)
        return replace(chosen_records, synapses=synapses, duration=duration, query=query)

    def posts(self, index: Tensor) -> Records:
        """Some postsynaptic cells."""
        initial = _take(self.initial, -2, index)
        synapses = _take(self.synapses, -2, index)
        weight = self.weight[..., index, :]
        return replace(self, value=self.value[..., index], weight=weight, initial=initial, synapses=synapses)

    def pres(self, index: Tensor) -> Records:
        """Some presynaptic cells."""
        initial = _take(self.initial, -1, index)
        synapses = _take(self.synapses, -1, index)
        weight = self.of_cells(self.weight, index)
        query = None if self.query is None else self.query[..., index]
        return replace(self, key=self.key[..., index], weight=weight, initial=initial, synapses=synapses, query=query)

    def of_cells(self, weight: Tensor, index: Tensor) -> Tensor:
        """What was seen of some presynaptic cells: answers are of all of them."""
        return weight[..., index] if self.query is None else weight

    def until(self, event: int) -> Records:
        """The events before that one."""
        return self._events(slice(event))

    def since(self, event: int) -> Records:
        """That event and those after it; the initial weights stay what they are."""
        return self._events(slice(event, None))

    def _events(self, chosen: slice) -> Records:
        signals = {name: getattr(self, name)[:, :, chosen] for name in SIGNALS}
        query = None if self.query is None else self.query[:, :, chosen]
        return replace(self, **signals, observed=self.observed[chosen], query=query)

    def entries(self) -> Tensor:
        """E, (episode, pool, event, post, pre), bool; dims may be 1: where a rule may have moved a weight.

        The key was active in some event up to this one, or the initial weight is not 0.
        """
        active = (self.key != 0).cumsum(dim=2) > 0
        return active[..., None, :] | (self.initial != 0)[:, :, None]

    def seen(self, weight: Tensor) -> Tensor:
        """What was observed of numbers (..., event, post, pre): the same after the events that were seen."""
        return weight if bool(self.observed.all()) else weight[..., self.observed, :, :]

    @property
    def observation(self) -> Tensor:
        """What was seen, and is fitted: the increments of the weights, or the answers."""
        return self.increments(self.weight) if self.query is None else self.weight

    @property
    def counted(self) -> Tensor:
        """Of which entries of the observation there is anything to say; dims may be 1."""
        return self.synapses[:, :, None] if self.query is None else (self.query != 0).any(-1)[..., None, None]

    def observe(self, weight: Tensor) -> Tensor:
        """What would be seen of weights (..., episode, pool, event, post, pre), in the dims of the observation."""
        if self.query is None:
            return self.increments(weight)
        pools = weight.unbind(-4)
        signed = pools[0] - pools[1] if len(pools) == 2 else pools[0]
        return (signed @ self.query[:, 0, :, :, None]).unsqueeze(-4)

    def increments(self, weight: Tensor) -> Tensor:
        """The change of weights (..., episode, pool, event, post, pre) between one observation and the next."""
        return self.differences(weight - self.initial[:, :, None])

    def differences(self, change: Tensor) -> Tensor:
        """The same from what weights (..., event, post, pre) have changed by since the first event, or differ by."""
        seen = self.seen(change)
        return torch.cat([seen[..., :1, :, :], seen[..., 1:, :, :] - seen[..., :-1, :, :]], dim=-3)

    def active_cells(self) -> Tensor:
        """The presynaptic cells that E has synapses of: those whose key is active in some event, or all of them where
        weights were not 0 at the beginning."""
        active = (self.key != 0).any(dim=2).any(dim=0)[0] | bool(self.initial.any())
        active[0] |= not bool(active.any())  # a rule cannot run without any
        return torch.nonzero(active)[:, 0]

    def without_silent(self) -> Records:
        """Without the synapses whose presynaptic cell is silent in a whole episode: no rule moves them from zero.

        Episodes keep different cells; those with fewer are filled up with silent cells whose weight is zero, so
        that residuals of all rules change by the same constant.
        """
        active = (self.key != 0).any(dim=2)[:, 0]  # (episode, pre)
        seen_by_cell = self.synapses.shape[-1] > 1 or self.query is not None
        if bool(self.initial.any()) or bool(active.all()) or seen_by_cell:
            return self
        width = max(1, int(active.sum(-1).max()))
        order = active.to(torch.int8).argsort(dim=-1, descending=True, stable=True)[:, :width]
        kept = active.gather(-1, order)[:, None, None]  # (episode, 1, 1, width)
        of_key = order[:, None, None].expand(*self.key.shape[:-1], -1)
        of_weight = order[:, None, None, None].expand(*self.weight.shape[:-1], -1)
        weight = self.weight.gather(-1, of_weight) * kept[:, :, :, None]
        return replace(self, key=self.key.gather(-1, of_key), weight=weight, initial=self.initial[..., :1])


def _take(tensor: Tensor, dim: int, index: Tensor) -> Tensor:
    """Some of the entries along a dim; the only one there is, for all of them."""
    return tensor if tensor.shape[dim] == 1 else tensor.index_select(dim, index)
