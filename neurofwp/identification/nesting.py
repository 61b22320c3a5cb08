"""Which rules are special cases of others."""

from __future__ import annotations

from neurofwp.identification.records import Records
from neurofwp.rules import Rule


def nests(outer: Rule, inner: Rule, records: Records) -> bool:
    """Whether `outer` can do all that `inner` does on these episodes.

    A rule that reads the retention is no special case of one that does not, nor the reverse, unless it is always 1.
    """
    if inner.id not in outer.nests:
        return False
    return ("retention" in outer.signals) == ("retention" in inner.signals) or bool((records.retention == 1).all())


def embed(outer: Rule, inner: Rule, parameters: dict[str, float]) -> dict[str, float]:
    """The inner rule's parameters as a point of the outer rule."""
    as_outer = {name: parameters[to] if isinstance(to, str) else to for name, to in outer.nests[inner.id].items()}
    return parameters | as_outer
