"""The update rules: one tuple that feeds the tests, the fits, the tables and the command line.

A new rule is one file with its `RULE` and one name in this tuple, or is registered from outside: `neurofwp.register`,
or an entry point of the group neurofwp.rules, called by the rule's id. A rule comes after those that it nests.
"""

from __future__ import annotations

from neurofwp.rules import (
    bcm,
    btsp,
    calcium_threshold,
    cascade,
    delayed_hybrid,
    delta,
    delta_product,
    eligibility,
    erase_write_delta,
    fixed_decay,
    gated_delta,
    gated_oja,
    hebbian,
    hybrid,
    implicit_delta,
    interpolating,
    key_decay,
    key_gated_delta,
    log_linear,
    mesa,
    mlp_memory,
    mlstm,
    momentum,
    nearest_pair,
    ode_delta,
    ode_hebb,
    ode_oja,
    oja,
    outstar,
    recurrent_delta,
    rwkv7,
    scalar_decay,
    self_referential,
    soft_bound,
    tagging,
    three_factor,
)
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Independent, Rule, State, weight_of
from neurofwp.rules.signals import SIGNALS, Argument
from neurofwp.runtime.registry import Registry

__all__ = [
    "REGISTRY",
    "RULES",
    "SIGNALS",
    "Argument",
    "Event",
    "Independent",
    "Parameter",
    "Rule",
    "State",
    "get",
    "weight_of",
]

RULES: tuple[Rule, ...] = (
    hebbian.RULE,
    interpolating.RULE,
    fixed_decay.RULE,
    scalar_decay.RULE,
    key_decay.RULE,
    mlstm.RULE,
    log_linear.RULE,
    delta.RULE,
    gated_delta.RULE,
    key_gated_delta.RULE,
    erase_write_delta.RULE,
    rwkv7.RULE,
    delta_product.RULE,
    implicit_delta.RULE,
    momentum.RULE,
    mesa.RULE,
    mlp_memory.RULE,
    hybrid.RULE,
    delayed_hybrid.RULE,
    soft_bound.RULE,
    outstar.RULE,
    calcium_threshold.RULE,
    bcm.RULE,
    nearest_pair.RULE,
    btsp.RULE,
    tagging.RULE,
    cascade.RULE,
    eligibility.RULE,
    oja.RULE,
    gated_oja.RULE,
    recurrent_delta.RULE,
    self_referential.RULE,
    three_factor.RULE,
    ode_hebb.RULE,
    ode_oja.RULE,
    ode_delta.RULE,
)


REGISTRY: Registry[Rule] = Registry("rule", lambda rule: rule.id, shipped=RULES)


def get(rule: str | Rule) -> Rule:
    """The rule of that id; a Rule is returned as it is.

    Raises
    ------
    InputError
        for an id that no rule has, with the nearest one.
    """
    return rule if isinstance(rule, Rule) else REGISTRY.get(str(rule))
