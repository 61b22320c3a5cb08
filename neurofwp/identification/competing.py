"""Which rules compete to explain weights, with which free parameters, and why the few others do not.

Every rule competes that a Program drives, as `neurofwp.rate.drive` says. A fit adjusts the rule's own parameters, those
of `Rule.fitted_with`, which hold what a Program lacks constant and give W a scale where the rule has none, and, unless
the rule has such a thing, the shared read-in `VALUE_OFFSET`. What a rule remembers besides W is at its start before
the first event of every episode.
"""

from __future__ import annotations

from neurofwp.rules import REGISTRY, Parameter, Rule

VALUE_OFFSET = Parameter(
    "value_offset", 0.0, -1.0, 2.0, "teaching bias: a dendrite near its threshold needs little teaching"
)
PROGRAM = ("key", "value", "beta", "log_decay")  # the arguments of rules that a Program has


def candidates() -> tuple[Rule, ...]:
    """The rules that can be fitted, those from outside included."""
    return tuple(rule for rule in REGISTRY.all() if rule.fittable)


def excluded() -> dict[str, str]:
    """Why each of the other rules cannot be fitted, in one clause, by its id."""
    return {rule.id: reason(rule) for rule in REGISTRY.all() if not rule.fittable}


def reason(rule: Rule) -> str:
    """Why a rule cannot be fitted, in one clause; empty if it can."""
    if rule.fittable or rule.not_fitted:
        return rule.not_fitted
    if rule.driven_by_programs:
        return "it has no parameters"
    lacking = [argument.name for argument in rule.arguments if argument.name not in PROGRAM]
    return f"it takes {' and '.join(lacking) or 'no key and value'}, which a Program lacks"


def free_parameters(rule: Rule) -> tuple[Parameter, ...]:
    """The parameters that a fit adjusts; the length of events is known."""
    own = tuple(parameter for parameter in rule.parameters if parameter.name != rule.timed_by)
    return (*own, *rule.fitted_with, *(() if rule.absorbs_offset else (VALUE_OFFSET,)))
