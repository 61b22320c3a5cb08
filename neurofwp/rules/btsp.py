"""BTSP: presynaptic spikes leave an eligibility trace, plateaus an instructive one, and their overlap changes weights.

Not Hebbian: a plateau, not the postsynaptic rate, decides, and seconds may lie between the two. An event is one unit of
`duration` with constant signals, in which the traces follow their closed form and the weight relaxes exactly within
each of SUBSTEPS steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from neurofwp.rules.parameter import POSITIVE, Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_post, per_synapse
from neurofwp.rules.signals import KEY, Argument

PLATEAU = Argument("value", "plateau of each postsynaptic cell, 1 where there is one", ("post",), low=0.0, high=1.0)
RATE = Argument("key", "presynaptic activity, relative to the largest", KEY.dims, low=0.0, high=1.0)

BLOCK = 250_000  # numbers that are worked on at once: more leave the cache, fewer are many small operations


class State(NamedTuple):
    """weight (..., post, pre), eligibility (..., pre), instructive (..., post)."""

    weight: Tensor
    eligibility: Tensor
    instructive: Tensor


def relax(trace: Tensor, target: Tensor, time: Tensor) -> Tensor:
    """The trace after `time` (...), in its own time constants, of constant input."""
    return target + (trace - target) * per_post((-time).exp())


def speed(overlap: Tensor, largest: Tensor, midpoint: Tensor, slope: Tensor) -> Tensor:
    """A logistic function of the overlap (..., time, post, pre), rescaled so that it is 0 at 0 and `largest` at 1."""
    a, b = (per_synapse(each)[..., None] for each in (midpoint, slope))
    low, high = torch.sigmoid(-a * b), torch.sigmoid((1 - a) * b)
    return per_synapse(largest)[..., None] / (high - low) * (torch.sigmoid((overlap - a) * b) - low)


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
    cost = 16
    elementwise = True
    substeps: ClassVar[int] = 32

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        *batch, post, pre = weight.shape
        return State(weight, weight.new_zeros(*batch, pre), weight.new_zeros(*batch, post))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        weight = state.weight
        duration = event.others.get("duration", p.get("duration", torch.ones_like(p["tau_e"])))
        width = duration / self.substeps

        def traces(time: Tensor) -> tuple[Tensor, Tensor]:
            """Both after so many seconds of the event (..., time)."""
            last, key, instructed, value = (
                each[..., None, :] for each in (state.eligibility, event.key, state.instructive, event.value)
            )
            eligibility = relax(last, key, time / p["tau_e"][..., None])
            return eligibility, relax(instructed, value, time / p["tau_i"][..., None])

        together = max(1, min(BLOCK // weight.numel(), self.substeps))
        for first in range(0, self.substeps, together):
            steps = torch.arange(first, min(first + together, self.substeps), dtype=weight.dtype, device=weight.device)
            eligibility, instructive = traces((steps + 0.5) * width[..., None])
            weight = self.relax_weights(weight, outer(instructive, eligibility), per_synapse(width)[..., None], p)
        eligibility, instructive = (each[..., 0, :] for each in traces(duration[..., None]))
        return State(weight, eligibility, instructive)

    def relax_weights(self, weight: Tensor, overlap: Tensor, width: Tensor, p: Mapping[str, Tensor]) -> Tensor:
        """The weights after substeps of that `width`, with these overlaps (..., time, post, pre), constant in each.

        In each the weight relaxes to w_max gain / total at the rate total, exactly, and all that was gained decays by
        exp(-total width) in each later one.
        """
        gain = speed(overlap, p["k_plus"], p["a_plus"], p["b_plus"])
        total = gain + speed(overlap, p["k_minus"], p["a_minus"], p["b_minus"])
        share = torch.where(total > 0, -torch.expm1(-total * width) / torch.where(total > 0, total, 1.0), width)
        until = (total * width).cumsum(-3)
        later = until[..., -1:, :, :] - until
        gained = (gain * share * (-later).exp()).sum(-3) * per_synapse(p["w_max"])
        return weight * (-until[..., -1, :, :]).exp() + gained

    def draft(self) -> Rule:
        return Coarse()


class Coarse(BTSP):
    """The same within some per cent, in the shortest time."""

    cost = 4
    substeps = 4


RULE = BTSP()
