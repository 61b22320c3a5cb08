"""BTSP: presynaptic spikes leave an eligibility trace, plateaus an instructive one, and their overlap changes weights.

Not Hebbian: a plateau, not the postsynaptic rate, decides, and seconds may lie between the two. An event is one unit of
`duration` with constant signals, in which the traces follow their closed form and the weight relaxes exactly within
each of SUBSTEPS steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from neurofwp.rules.rule import POSITIVE, Event, Parameter, Rule, outer, per_post, per_synapse
from neurofwp.rules.signals import KEY, Argument

PLATEAU = Argument("value", "plateau of each postsynaptic cell, 1 where there is one", ("post",), low=0.0, high=1.0)
RATE = Argument("key", "presynaptic activity, relative to the largest", KEY.dims, low=0.0, high=1.0)
SUBSTEPS = 32


class State(NamedTuple):
    """weight (..., post, pre), eligibility (..., pre), instructive (..., post)."""

    weight: Tensor
    eligibility: Tensor
    instructive: Tensor


def relax(trace: Tensor, target: Tensor, time: Tensor) -> Tensor:
    """The trace after `time`, in its own time constants, of constant input."""
    return target + (trace - target) * per_post((-time).exp())


def rescale(overlap: Tensor, midpoint: Tensor, slope: Tensor) -> Tensor:
    """A logistic function, rescaled so that it is 0 at 0 and 1 at 1."""
    a, b = per_synapse(midpoint), per_synapse(slope)
    low, high = torch.sigmoid(-a * b), torch.sigmoid((1 - a) * b)
    return (torch.sigmoid((overlap - a) * b) - low) / (high - low)


class BTSP(Rule):
    """Presynaptic spikes leave an eligibility trace, plateaus an instructive one, and their overlap changes weights."""

    id = "btsp"
    parameters = (
        Parameter("duration", 1.0, 0.01, 10.0, "how long an event is (s)", domain=POSITIVE),
        Parameter("tau_e", 1.664, 0.1, 10.0, "time constant of the eligibility trace (s)", domain=POSITIVE),
        Parameter("tau_i", 0.437, 0.1, 10.0, "time constant of the instructive trace (s)", domain=POSITIVE),
        Parameter("k_plus", 1.11, 0.0, 10.0, "largest rate of potentiation (1/s)"),
        Parameter("k_minus", 0.425, 0.0, 10.0, "largest rate of depression (1/s)"),
        Parameter("a_plus", 0.415, 0.0, 1.0, "overlap at half of the potentiation"),
        Parameter("b_plus", 4.40, 0.1, 100.0, "slope of the potentiation", domain=POSITIVE),
        Parameter("a_minus", 0.026, 0.0, 1.0, "overlap at half of the depression"),
        Parameter("b_minus", 20.0, 0.1, 100.0, "slope of the depression", domain=POSITIVE),
        Parameter("w_max", 4.68, 0.0, 20.0, "largest weight", weight_power=1),
    )
    equation = (
        "tau_e dE/dt = -E + k; tau_i dI/dt = -I + v; dW/dt = (w_max - W) k_plus q_plus(E I) - W k_minus q_minus(E I)"
    )
    objective = "none"
    signals = ("key", "value", "weight", "key trace", "value trace")
    reading = "behavioural time-scale plasticity, gated by plateaus"
    source = "Milstein et al. 2021, network model"
    arguments = (RATE, PLATEAU)
    state = State
    timed_by = "duration"

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        *batch, post, pre = weight.shape
        return State(weight, weight.new_zeros(*batch, pre), weight.new_zeros(*batch, post))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        weight = state.weight
        duration = event.others.get("duration", p.get("duration", torch.ones_like(p["tau_e"])))
        width = duration / SUBSTEPS

        def traces(time: Tensor) -> tuple[Tensor, Tensor]:
            eligibility = relax(state.eligibility, event.key, time / p["tau_e"])
            return eligibility, relax(state.instructive, event.value, time / p["tau_i"])

        for number in range(SUBSTEPS):
            eligibility, instructive = traces((number + 0.5) * width)
            overlap = outer(instructive, eligibility)
            gain = per_synapse(p["k_plus"]) * rescale(overlap, p["a_plus"], p["b_plus"])
            loss = per_synapse(p["k_minus"]) * rescale(overlap, p["a_minus"], p["b_minus"])
            total = gain + loss
            # with constant rates the weight relaxes to w_max gain / total at the rate total, exactly
            moved = -torch.expm1(-total * per_synapse(width))
            share = torch.where(total > 0, moved / torch.where(total > 0, total, 1.0), per_synapse(width))
            weight = weight + share * (gain * per_synapse(p["w_max"]) - total * weight)
        return State(weight, *traces(duration))


RULE = BTSP()
