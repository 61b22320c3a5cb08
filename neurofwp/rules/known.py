"""What is known of a rule's numbers before any event, so that no event has to multiply by one or subtract zero."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules.rule import Event, per_post


class Numbers(dict[str, Tensor]):
    """Parameters by name; `known` : those that are one Python number in all heads, which no gradient reaches."""

    known: Mapping[str, float]

    def __init__(self, numbers: Mapping[str, Tensor], known: Mapping[str, float]) -> None:
        super().__init__(numbers)
        self.known = known


def is_known(p: Mapping[str, Tensor], name: str, number: float) -> bool:
    """Whether a parameter is known to be this number."""
    return isinstance(p, Numbers) and p.known.get(name) == number


def write_strength(p: Mapping[str, Tensor], event: Event) -> Tensor | None:
    """rate beta of one event, (...); None where it is known to be 1."""
    return _gated(p, event, p["rate"])


def write_strengths(p: Mapping[str, Tensor], events: Event) -> Tensor | None:
    """rate beta of all events, (..., time); None where it is known to be 1."""
    return _gated(p, events, per_post(p["rate"]))


def _gated(p: Mapping[str, Tensor], event: Event, rate: Tensor) -> Tensor | None:
    if is_known(p, "rate", 1.0):
        return None if event.ungated else event.gate
    return rate * event.gate


def scaled(strength: Tensor | None, vector: Tensor) -> Tensor:
    """strength (...) times vector (..., dim); None is 1."""
    return vector if strength is None else per_post(strength) * vector
