"""Scalar decay: Hebbian writes into weights that fade as the slow net asks, and more or less while the gate is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from neurofwp.rules.chunkwise import ScalarDecay, decayed_sum
from neurofwp.rules.known import is_known, scaled, write_strength, write_strengths
from neurofwp.rules.parameter import SHARE, Parameter
from neurofwp.rules.rule import Event, Formula, Nests, Rule, outer, per_synapse
from neurofwp.rules.signals import BETA, KEY, LOG_DECAY, VALUE


class ScalarDecayRule(Rule):
    """Hebbian writes into weights that fade as the slow net asks, and more or less while the gate is open."""

    id = "scalar_decay"
    parameters = (
        Parameter("rate", 1.0, 0.0, 10.0, "size of a write", weight_power=1),
        Parameter(
            "decay_open", 1.0, 0.0, 1.0, "share of a weight that survives an event with the gate open", domain=SHARE
        ),
        Parameter(
            "decay_closed", 1.0, 0.0, 1.0, "share of a weight that survives an event with the gate closed", domain=SHARE
        ),
    )
    equation = "alpha (decay_closed + (decay_open - decay_closed) beta) W + rate beta v k'"
    objective = "-v'Wk + (1 - alpha_t)/2 |W|^2, with alpha_t all that multiplies W"
    signals = ("key", "value", "gate", "retention")
    reading = "state-dependent receptor turnover under neuromodulation"
    source = "Dao & Gu 2024 (Mamba-2)"
    arguments = (KEY, VALUE, BETA, LOG_DECAY)
    chunk = 32
    chunkwise_skips = True
    chunkwise_at: ClassVar[Mapping[str, float]] = {"decay_open": 1.0, "decay_closed": 1.0}
    nests: ClassVar[Nests] = {
        "hebbian": {"decay_open": 1.0, "decay_closed": 1.0},
        "interpolating": {
            "rate": Formula("rate weight_scale", lambda p: p["rate"] * p["weight_scale"]),
            "decay_open": Formula("1 - rate", lambda p: 1 - p["rate"]),
            "decay_closed": 1.0,
        },
        "fixed_decay": {"decay_open": "decay", "decay_closed": "decay"},
    }

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        left = event.retention
        if not (is_known(p, "decay_open", 1.0) and is_known(p, "decay_closed", 1.0)):
            left = left * (p["decay_closed"] + (p["decay_open"] - p["decay_closed"]) * event.gate)
        return per_synapse(left) * weight + outer(scaled(write_strength(p, event), event.value), event.key)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        write = write_strengths(p, events)
        decay = ScalarDecay.from_logs(events.others["log_decay"], size)
        return decayed_sum(query, events.key, events.value, write=write, decay=decay, initial=weight, size=size)


RULE = ScalarDecayRule()
