"""Truths that are no rule of the library: what a synapse might do that `identify` has no name for.

Those that are Rules here run on the rate network as any other; mixtures are means of the weights of two runs.
Parameters are drawn for every data set, from `spans`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from neurofwp.rules import Event, Parameter, Rule
from neurofwp.rules.rule import outer, per_post, per_synapse, product

RATE = Parameter("rate", 1.0, 0.0, 10.0, "size of a write")
SHARE = Parameter("share", 0.5, 0.0, 1.0, "share of what the truth adds to a rule")


class Outside(Rule):
    """A rule that is not in the registry."""

    objective = reading = "none"
    source = "made for this benchmark"
    signals: ClassVar[tuple[str, ...]] = ("key", "value", "gate")
    parameters: ClassVar[tuple[Parameter, ...]] = (RATE, SHARE)
    spans: ClassVar[Mapping[str, tuple[float, float]]] = {"rate": (0.4, 0.8)}


class Remembered(NamedTuple):
    """weight (..., post, pre), and a trace of keys (..., pre), values (..., post) or weights."""

    weight: Tensor
    trace: Tensor


class SignOfError(Outside):
    """A delta rule that sees only the sign of its error."""

    id = "sign of the error"
    equation = "W + rate beta sign(v - W k) k'"
    spans: ClassVar = {"rate": (0.1, 0.3)}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        error = event.value - product(weight, event.key)
        return weight + per_synapse(p["rate"] * event.gate) * outer(error.sign(), event.key)


class SaturatedError(Outside):
    """A delta rule whose error saturates."""

    id = "saturated error"
    equation = "W + rate beta share tanh((v - W k) / share) k'"
    spans: ClassVar = {"rate": (0.5, 0.8), "share": (0.1, 0.25)}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        limit = per_post(p["share"])
        error = limit * ((event.value - product(weight, event.key)) / limit).tanh()
        return weight + per_synapse(p["rate"] * event.gate) * outer(error, event.key)


class PotentiationOnly(Outside):
    """A delta rule that writes only where too little is predicted, with a decay of what was written."""

    id = "potentiation by error, decay"
    equation = "share W + rate beta max(v - W k, 0) k'"
    spans: ClassVar = {"rate": (0.5, 0.8), "share": (0.6, 0.85)}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        error = (event.value - product(weight, event.key)).clamp_min(0)
        kept = 1 - (1 - p["share"]) * event.gate
        return per_synapse(kept) * weight + per_synapse(p["rate"] * event.gate) * outer(error, event.key)


class KeyEligibility(Outside):
    """Hebb with an eligibility of the key that outlives the event."""

    id = "key eligibility"
    equation = "E <- share E + k; W + rate beta v E'"
    state = Remembered
    spans: ClassVar = {"rate": (0.3, 0.6), "share": (0.3, 0.6)}

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        return Remembered(weight, torch.zeros_like(weight[..., 0, :]))

    def step(self, state: Remembered, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        trace = per_post(p["share"]) * state.trace + event.key
        return Remembered(state.weight + per_synapse(p["rate"] * event.gate) * outer(event.value, trace), trace)


class EligibleError(KeyEligibility):
    """A delta rule that writes its error to an eligibility of the key."""

    id = "error on a key eligibility"
    equation = "E <- share E + k; W + rate beta (v - W k) E'"

    def step(self, state: Remembered, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        trace = per_post(p["share"]) * state.trace + event.key
        error = event.value - product(state.weight, event.key)
        return Remembered(state.weight + per_synapse(p["rate"] * event.gate) * outer(error, trace), trace)


class LateValue(Outside):
    """Hebb with values that arrive late: a share of each is written to the key of the next event."""

    id = "late value"
    equation = "W + rate beta ((1 - share) v_t + share v_{t-1}) k'"
    state = Remembered
    spans: ClassVar = {"rate": (0.4, 0.8), "share": (0.25, 0.5)}

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        return Remembered(weight, torch.zeros_like(weight[..., :, 0]))

    def step(self, state: Remembered, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        share = per_post(p["share"])
        value = (1 - share) * event.value + share * state.trace
        weight = state.weight + per_synapse(p["rate"] * event.gate) * outer(value, event.key)
        return Remembered(weight, torch.where(per_post(event.gate) > 0, event.value, state.trace))


class Depletion(Outside):
    """Hebb at a presynaptic resource that every use halves or so, and that does not come back."""

    id = "presynaptic depletion"
    equation = "R <- R share^(k > 0); W + rate beta v (R k)'"
    state = Remembered
    spans: ClassVar = {"rate": (0.6, 1.0), "share": (0.4, 0.65)}

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        return Remembered(weight, torch.ones_like(weight[..., 0, :]))

    def step(self, state: Remembered, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        weight = state.weight + per_synapse(p["rate"] * event.gate) * outer(event.value, state.trace * event.key)
        used = (event.key != 0) & (per_post(event.gate) > 0)
        return Remembered(weight, torch.where(used, per_post(p["share"]) * state.trace, state.trace))


class Budget(Outside):
    """Hebb, after which each postsynaptic cell scales its weights to a total that it cannot exceed."""

    id = "budget of a postsynaptic cell"
    equation = "W + rate beta v k', then W_i. min(1, share / sum_j W_ij)"
    spans: ClassVar = {"rate": (0.4, 0.8), "share": (4.0, 8.0)}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        weight = weight + per_synapse(p["rate"] * event.gate) * outer(event.value, event.key)
        total = weight.sum(-1, keepdim=True)
        return weight * (per_synapse(p["share"]) / total.clamp_min(1e-9)).clamp_max(1.0)


class Competition(Outside):
    """Outstar in the half of the cells that are taught most; the others' active synapses decay."""

    id = "competition of values"
    equation = "W + rate beta k' (scale v [v above its median] - W)"
    spans: ClassVar = {"rate": (0.8, 1.6), "share": (0.5, 0.9)}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        wins = event.value > event.value.median(-1, keepdim=True).values
        missing = (per_post(p["share"]) * event.value * wins)[..., :, None] - weight
        return weight + per_synapse(p["rate"] * event.gate) * event.key[..., None, :] * missing


class Consolidation(Outside):
    """Hebb on a fast component, a part of which becomes slow at every event while the rest fades."""

    id = "two components"
    equation = "W = F + S; S + share F beta; F (1 - 2 share beta) + rate beta v k'"
    state = Remembered
    spans: ClassVar = {"rate": (0.4, 0.8), "share": (0.15, 0.3)}

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        return Remembered(weight, torch.zeros_like(weight))  # trace: the slow component

    def step(self, state: Remembered, event: Event, p: Mapping[str, Tensor]) -> Remembered:
        fast, moved = state.weight - state.trace, per_synapse(p["share"] * event.gate)
        slow = state.trace + moved * fast
        fast = (1 - 2 * moved) * fast + per_synapse(p["rate"] * event.gate) * outer(event.value, event.key)
        return Remembered(slow + fast, slow)


class Switch(Outside):
    """Hebb up to a weight, and from there on a jump to a ceiling: a synapse that switches."""

    id = "switch"
    equation = "W + rate beta v k', then 1.5 share where W > share"
    spans: ClassVar = {"rate": (0.6, 1.0), "share": (0.1, 0.2)}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        weight = weight + per_synapse(p["rate"] * event.gate) * outer(event.value, event.key)
        limit = per_synapse(p["share"])
        return torch.where(weight > limit, 1.5 * limit, weight)


RULES: Mapping[str, Outside] = {
    rule.id: rule
    for rule in (
        SignOfError(), SaturatedError(), PotentiationOnly(), KeyEligibility(), EligibleError(), LateValue(),
        Depletion(), Budget(), Competition(), Consolidation(), Switch(),
    )
}  # fmt: skip
MIXTURES: Mapping[str, Mapping[str, Mapping[str, tuple[float, float]]]] = {
    "half delta, half outstar": {
        "delta": {"rate": (0.5, 0.8), "prediction_gain": (0.9, 1.3)},
        "outstar": {"rate": (1.0, 1.6), "scale": (0.6, 0.9)},
    },
}
TRUTHS = (*RULES, *MIXTURES)
