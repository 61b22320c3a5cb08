"""Tagging: a write fades unless its synapse is still tagged when its cell has made the proteins that make it last.

Synaptic tagging and capture (Frey & Morris 1997) in the form of the models of Clopath et al. 2008 and Barrett et al.
2009, reduced to what an event changes: a write moves the early part of a weight and sets a tag of its size and sign,
both of which fade; activity of the postsynaptic cell beyond a threshold makes proteins for all of its synapses; and
tag times protein is added to the late part, which stays. The weight is early + late; what it starts with is late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from torch import Tensor

from neurofwp.rules.parameter import SHARE, Parameter
from neurofwp.rules.rule import Event, Nests, Rule, outer, per_post, per_synapse


class State(NamedTuple):
    """weight, its early part and the tag (..., post, pre), protein (..., post)."""

    weight: Tensor
    early: Tensor
    tag: Tensor
    protein: Tensor


class Tagging(Rule):
    """A write fades unless its synapse is still tagged when its cell has made the proteins that make it last."""

    id = "tagging"
    parameters = (
        Parameter("rate", 1.0, 0.0, 10.0, "size of a write", weight_power=1),
        Parameter("early_decay", 0.8, 0.0, 1.0, "share of the early part that survives an event", domain=SHARE),
        Parameter("tag_decay", 0.6, 0.0, 1.0, "share of a tag that survives an event", domain=SHARE),
        Parameter("protein_decay", 0.6, 0.0, 1.0, "share of the proteins that survives an event", domain=SHARE),
        Parameter("threshold", 0.3, 0.0, 1.0, "gate times |v| beyond which a cell makes proteins", value_power=1),
        Parameter("capture", 1.0, 0.0, 5.0, "late part that a tag of one captures of a protein of one", value_power=-1),
    )
    equation = (
        "E <- early_decay E + w; T <- tag_decay T + w; P <- protein_decay P + max(beta |v| - threshold, 0); "
        "L + capture P T; W = E + L, with w = rate beta v k'"
    )
    objective = "-v'Wk + (1 - early_decay)/2 |E|^2 for the early part, and -capture P'(T * L) summed for the late one"
    signals = ("key", "value", "gate", "value trace", "synapse trace")
    reading = "early and late LTP: tags of a synapse, proteins of its cell"
    source = "Frey & Morris 1997; reduced from Clopath et al. 2008 and Barrett et al. 2009"
    state = State
    nests: ClassVar[Nests] = {"hebbian": {"early_decay": 1.0, "capture": 0.0}}
    elementwise = True

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        none = weight.new_zeros(weight.shape)
        return State(weight, none, none, weight.new_zeros(weight.shape[:-1]))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        write = per_synapse(p["rate"] * event.gate) * outer(event.value, event.key)
        tag = per_synapse(p["tag_decay"]) * state.tag + write
        made = (per_post(event.gate) * event.value.abs() - per_post(p["threshold"])).clamp_min(0)
        protein = per_post(p["protein_decay"]) * state.protein + made
        late = state.weight - state.early + per_synapse(p["capture"]) * protein[..., :, None] * tag
        early = per_synapse(p["early_decay"]) * state.early + write
        return State(early + late, early, tag, protein)


RULE = Tagging()
