"""Which rules are special cases of others."""

from __future__ import annotations

from collections.abc import Mapping

from neurofwp.identification.records import Records
from neurofwp.rules import Rule
from neurofwp.rules.rule import Formula


def nests(outer: Rule, inner: Rule, records: Records) -> bool:
    """Whether `outer` can do all that `inner` does on these episodes.

    A rule that reads the retention is no special case of one that does not, nor the reverse, unless it is always 1.
    """
    if inner.id not in outer.nests:
        return False
    reads = [rule.argument("log_decay") is not None for rule in (outer, inner)]
    return reads[0] == reads[1] or bool((records.retention == 1).all())


def embed(outer: Rule, inner: Rule, parameters: dict[str, float]) -> dict[str, float]:
    """The inner rule's parameters as a point of the outer rule."""
    as_outer = {name: value(to, parameters) for name, to in outer.nests[inner.id].items()}
    return parameters | as_outer


def value(to: float | str | Formula, parameters: Mapping[str, float]) -> float:
    """The value that a rule says for a nested one with these parameters."""
    if isinstance(to, Formula):
        return float(to.of(parameters))
    return parameters[to] if isinstance(to, str) else to
