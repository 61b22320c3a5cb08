"""Trafficking of receptors between a cell's synapses and a pool that they share.

dw_i/dt = -b w_i + a p (s_i - w_i),    dp/dt = -d p + g + sum_i b w_i - sum_i a p (s_i - w_i)

Triesch, Vo & Hafner 2018, eLife 7:e37836. Receptors w_i in the slots s_i of each synapse, and p in the pool, all in
units of conductance. Plasticity makes and removes slots, and receptors fill them from the pool: synapses that win slots
weaken all others by one factor.

The parameters are those that can be measured: the time that a receptor stays, 1/b; the lifetime of one in the pool, 1/d
(infinite: nothing is made or lost, g = 0); the pool at rest, P = g/d; and the share F of slots that is filled then,
from which a = b F/((1 - F) P). The variable `slots` is F s_i, the weight that a synapse has while the pool is at rest,
so that an expression's parameters mean the same with and without a pool. With p in the pool the share that is filled is
F p/(F p + (1 - F) P).

A step of the plasticity clock is exact for each synapse while the pool stands still, and takes from the pool what it
gives to synapses: receptors are conserved.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity


class FinitePool(Stage):
    """Receptors of a cell's pool fill the slots of its synapses."""

    stage = "trafficking"
    form = "finite-pool"
    source = "Triesch, Vo & Hafner 2018, eLife 7:e37836"
    parameters = (
        Parameter("tau_bound", "s", "mean time that a receptor stays in a slot", low=0.01),
        Parameter(
            "tau_pool", "s", "lifetime of a receptor in the pool; inf: nothing is made or lost", low=0.01, high=inf
        ),
        Parameter("pool_size", "nS", "receptors in the pool of a cell at rest", low=1e-6),
        Parameter("filling", "1", "share of slots that is filled while the pool is at rest", low=0.01, high=0.99),
    )
    # The pool as its difference from rest, so that it starts at 0 like every other state.
    postsynaptic = """
        pool_change : siemens
        insertion : Hz
    """
    postsynaptic_update = """
        pool_change = pool_change*exp(-plasticity_step/tau_pool)
        insertion = filling/((1 - filling)*tau_bound)*(1 + pool_change/pool_size)
    """
    synaptic = "slots : siemens"
    synaptic_update = """
        exchange = leaving + insertion_post
        held_by_slots = insertion_post*slots/(filling*exchange)
        moved = (held_by_slots - weight)*(-expm1(-plasticity_step*exchange))
        weight = weight + moved
        pool_change_post -= moved
    """

    def derive(self, values: Values, dt: Quantity) -> Constants:
        return {"leaving": 1 / values["tau_bound"]}
