"""Three-factor slots: a local third factor chooses a slot, which then takes the key and the value over.

Key memory changes by presynaptic activity alone, gated for each slot; value memory by the value, gated by the same
slot. `weight` is the value memory, from slots to values; a read is V softmax(sharpness K q).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Independent, Rule, per_post, product
from neurofwp.rules.signals import BETA, KEY, VALUE, Argument

SLOT_GATE = Argument(
    "slot_gate", "local third factor of each slot", ("slot",), low=0.0, high=1.0, signal="third factor of pre"
)


class State(NamedTuple):
    """weight (..., post, slot), key_memory (..., slot, pre)."""

    weight: Tensor
    key_memory: Tensor


class ThreeFactor(Rule):
    """A local third factor chooses a slot, which then takes the key and the value over."""

    id = "three_factor"
    parameters = (Parameter("sharpness", 1.0, 0.0, 100.0, "how sharply a read chooses the slot whose key is nearest"),)
    equation = "K + beta gamma_i (k_j - K_ij); V + beta (v_m - V_mi) gamma_i; y = V softmax(sharpness K q)"
    objective = "gamma_i |k - K_i|^2 / 2 + gamma_i |v - V_i|^2 / 2"
    signals = ("value", "gate", "third factor of pre", "weight")
    reading = "slot memory: a neuromodulator times a local gate; synapses of the key memory see k_j in place of v_i"
    source = "Tyulmankov et al. 2021"
    arguments = (KEY, VALUE, BETA, SLOT_GATE)
    state = State
    weight_dims = ("post", "slot")
    independent = Independent.COLUMNS
    not_fitted = "it needs a third factor of each slot, which a Program lacks"

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        return State(weight, weight.new_zeros(*weight.shape[:-2], weight.shape[-1], event.key.shape[-1]))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        speed = per_post(event.gate) * event.others["slot_gate"]
        key_memory = state.key_memory + speed[..., :, None] * (event.key[..., None, :] - state.key_memory)
        weight = state.weight + speed[..., None, :] * (event.value[..., :, None] - state.weight)
        return State(weight, key_memory)

    def read(self, state: State, query: Tensor, p: Mapping[str, Tensor]) -> Tensor:
        chosen = (per_post(p["sharpness"]) * product(state.key_memory, query)).softmax(-1)
        return product(state.weight, chosen)


RULE = ThreeFactor()
