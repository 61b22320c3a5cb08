"""What is fitted and what judges: other episodes or, of one long recording, other cells or a later time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from neurofwp import errors
from neurofwp.errors import InputError
from neurofwp.identification.records import Records
from neurofwp.rules import Independent, Rule

SPLITS = ("episode", "post", "time")


@dataclass(frozen=True)
class Split:
    """trained, judged : Records that are fitted, and that judge. again : weights of the repeat that judge.

    unit : what counts as one independent piece of evidence: an "episode", a "post"synaptic cell, or an "event".
    first : the first event that judges; those before it are run, and not scored.
    numbers : of the units that judge.
    """

    trained: Records
    judged: Records
    again: Tensor | None
    unit: str
    first: int
    numbers: list[int]


def split(records: Records, again: Tensor | None, by: str, train: Sequence[int] | None, rules: Sequence[Rule]) -> Split:
    """Split Records.

    Parameters
    ----------
    by : one of `SPLITS`. train : indices of what is fitted, of episodes or cells; by default the first half. By time it
        is the first half of the events.
    rules : to be fitted: postsynaptic cells can be split only where each has its own weights.

    Raises
    ------
    InputError
        for another split, one that leaves nothing to fit or to judge, or a rule that ties postsynaptic cells together.
    """
    match by:
        case "episode":
            fitted, judge = _halves(len(records.key), train, "episode")
            trained = _written(records.episodes(fitted))
            return Split(trained, records.episodes(judge), _take(again, 0, judge), by, 0, judge)
        case "post":
            tied = [rule.id for rule in rules if rule.independent is not Independent.ROWS]
            if tied:
                raise InputError(
                    f"cells cannot be split: {', '.join(tied)} ties the weights of different cells together"
                )
            fitted, judge = _halves(records.value.shape[-1], train, "postsynaptic cell")
            index = [torch.as_tensor(each, device=records.key.device) for each in (fitted, judge)]
            return Split(records.posts(index[0]), records.posts(index[1]), _take(again, -2, judge), by, 0, judge)
        case "time":
            events = records.key.shape[2]
            if events < 4:
                raise InputError(
                    f"the recording is too short to be split by time: it has {events} events, 4 are needed"
                )
            half = events // 2
            seen = records.observed.tolist()
            judge = [event for event in range(half, events) if seen[event]]
            if not judge or not any(seen[:half]):
                raise InputError(f"weights must be seen both before and after event {half}, where the time is split")
            return Split(_written(records.until(half)), records, again, "event", sum(seen[:half]), judge)
    raise errors.unknown("split", by, SPLITS)


def _written(trained: Records) -> Records:
    """What is fitted, if anything is written in it."""
    if not bool(((trained.gate[..., None] > 0) & (trained.key != 0)).any()):
        raise InputError("nothing is written in the part that is fitted: its write gate is 0 or its keys are")
    return trained


def _halves(count: int, train: Sequence[int] | None, what: str) -> tuple[list[int], list[int]]:
    if count < 2:
        raise InputError(
            f"rules are fitted to some {what}s and judged on others, but there is only {count}: split by one of "
            f"{', '.join(SPLITS)} of which there are several"
        )
    chosen = list(range(count // 2)) if train is None else sorted({int(each) for each in train})
    rest = [each for each in range(count) if each not in chosen]
    if not chosen or not rest or not set(chosen) <= set(range(count)):
        raise InputError(f"train must name some of the {what}s 0 to {count - 1} and leave others, not {chosen}")
    return chosen, rest


def _take(again: Tensor | None, dim: int, index: Sequence[int]) -> Tensor | None:
    return None if again is None else again.index_select(dim, torch.as_tensor(index, device=again.device))
