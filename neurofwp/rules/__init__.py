"""The update rules: one tuple that feeds the tests, the fits, the tables and the command line.

A new rule is one file with its `RULE` and one name in this tuple. A rule comes after those that it nests.
"""

from __future__ import annotations

from neurofwp import errors
from neurofwp.rules import (
    calcium_threshold,
    delta,
    fixed_decay,
    gated_delta,
    hebbian,
    oja,
    outstar,
    scalar_decay,
    soft_bound,
)
from neurofwp.rules.base import Event, Parameter, Rule

__all__ = ["RULES", "Event", "Parameter", "Rule", "get"]

RULES: tuple[Rule, ...] = (
    hebbian.RULE,
    fixed_decay.RULE,
    scalar_decay.RULE,
    delta.RULE,
    gated_delta.RULE,
    soft_bound.RULE,
    outstar.RULE,
    calcium_threshold.RULE,
    oja.RULE,
)


def get(rule: str | Rule) -> Rule:
    """The rule of that id; a Rule is returned as it is.

    Raises
    ------
    InputError
        for an id that is not in RULES, with the nearest one.
    """
    if isinstance(rule, Rule):
        return rule
    known = {known.id: known for known in RULES}
    if rule not in known:
        raise errors.unknown("rule", str(rule), known)
    return known[rule]
