"""Erase-write delta: what is taken off is gated for each presynaptic cell, what is written for each postsynaptic one.

With the same gate for all cells, erase = write, it is key-gated delta.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules.chunkwise import ChannelDecay, corrected_sum
from neurofwp.rules.key_decay import KEY_LOG_DECAY
from neurofwp.rules.rule import Event, Rule, outer, per_synapse, product
from neurofwp.rules.signals import BETA, KEY, VALUE, Argument

ERASE = Argument("erase", "how much of each presynaptic cell's share is taken off", ("pre",), low=0.0, high=1.0)
WRITE = Argument("write", "how much of the value of each postsynaptic cell is written", ("post",), low=0.0, high=1.0)


class EraseWriteDelta(Rule):
    """What is taken off is gated for each presynaptic cell, what is written for each postsynaptic one."""

    id = "erase_write_delta"
    equation = "W <- W diag(alpha); W + beta (w * v - W (b * k)) k', * elementwise, b the erase and w the write gate"
    objective = "decay, then a step on |w * v - W k|^2 / 2 that sees b * k in place of k"
    signals = ("key", "value", "gate", "retention of pre", "third factor of post", "prediction")
    reading = "error correction whose two halves, LTD and LTP, are gated apart"
    source = "Hatamizadeh, Choi & Kautz 2026 (Gated DeltaNet-2, arXiv 2605.22791), in which beta is 1"
    arguments = (KEY, VALUE, BETA, KEY_LOG_DECAY, ERASE, WRITE)
    chunk = 16
    chunkwise_skips = True
    not_fitted = "a Program has no gate of each cell, and with one for all cells it is key-gated delta"

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        weight = weight * event.retention[..., None, :]
        error = event.others["write"] * event.value - product(weight, event.others["erase"] * event.key)
        return weight + per_synapse(event.gate) * outer(error, event.key)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        return corrected_sum(
            query, events.key, events.others["write"] * events.value, write=events.gate, erase=events.gate,
            removal=events.others["erase"] * events.key, decay=ChannelDecay(events.others["log_decay"], size),
            initial=weight, size=size,
        )  # fmt: skip


RULE = EraseWriteDelta()
