"""Delta: each event writes what is missing, the value minus what the weights already predict for the key.

The prediction is threshold-linear, as interneurons that relay it would make it; with gain 1 and threshold 0 it is
the textbook rule (least mean squares).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from neurofwp.rules.chunkwise import Decay, NoDecay, corrected_sum
from neurofwp.rules.known import is_known, scaled, write_strength, write_strengths
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Nests, Rule, outer, per_post, per_synapse, product

PREDICTION = (
    Parameter("prediction_gain", 1.0, 0.0, 5.0, "how much of the prediction is taken off the value", weight_power=-1),
    Parameter("prediction_threshold", 0.0, 0.0, 5.0, "read-out below which nothing is predicted", weight_power=1),
)


def prediction(weight: Tensor, key: Tensor, p: Mapping[str, Tensor]) -> Tensor:
    """g sign(Wk) max(|Wk| - threshold, 0), (..., post)."""
    readout = product(weight, key)
    if not is_known(p, "prediction_threshold", 0.0):
        threshold = per_post(p["prediction_threshold"])
        # ">=" keeps the slope at W k = 0 where the threshold is 0: the textbook rule is linear there
        readout = torch.where(readout.abs() >= threshold, readout - threshold * readout.sign(), 0.0)
    return readout if is_known(p, "prediction_gain", 1.0) else per_post(p["prediction_gain"]) * readout


LINEAR = {"prediction_threshold": 0.0}


def strengths(events: Event, p: Mapping[str, Tensor]) -> tuple[Tensor | None, Tensor | None]:
    """How much of the value is written and how much of the prediction is taken off, (..., time); None is all."""
    write = write_strengths(p, events)
    if is_known(p, "prediction_gain", 1.0):
        return write, write
    gain = per_post(p["prediction_gain"])
    return write, gain * (events.gate if write is None else write)


def corrected_reads(
    query: Tensor, events: Event, weight: Tensor, write: Tensor | None, erase: Tensor | None, decay: Decay, size: int
) -> tuple[Tensor, Tensor]:
    """The chunkwise form of all delta rules, with a linear prediction."""
    return corrected_sum(
        query, events.key, events.value, write=write, erase=erase, decay=decay, initial=weight, size=size
    )


def textbook(weight: Tensor, key: Tensor, value: Tensor, strength: Tensor) -> Tensor:
    """W + beta (v - W k) k', with a linear prediction."""
    return weight + per_synapse(strength) * outer(value - product(weight, key), key)


class Delta(Rule):
    """Each event writes what is missing, the value minus what the weights already predict for the key."""

    id = "delta"
    parameters = (Parameter("rate", 1.0, 0.0, 10.0, "size of a write", weight_power=1), *PREDICTION)
    equation = "W + rate beta (v - g S(W k)) k', S the soft threshold"
    objective = "|v - W k|^2 / 2 at g = 1 and threshold 0"
    signals = ("key", "value", "gate", "prediction")
    reading = "dendritic prediction error: calcium around the crossover of LTD and LTP"
    source = "Widrow & Hoff 1960; Schlag, Irie & Schmidhuber 2021 (arXiv 2102.11174)"
    chunkwise_at: ClassVar[Mapping[str, float]] = LINEAR
    chunk = 32
    chunkwise_skips = True
    nests: ClassVar[Nests] = {"hebbian": {"prediction_gain": 0.0}}

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        error = event.value - prediction(weight, event.key, p)
        return weight + outer(scaled(write_strength(p, event), error), event.key)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        return corrected_reads(query, events, weight, *strengths(events, p), NoDecay(), size)


RULE = Delta()
