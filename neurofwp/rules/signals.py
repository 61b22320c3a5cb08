"""The signals that rules take: what reaches a network at an event, and what of it reaches one synapse."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Argument:
    """One signal that a rule takes at every event.

    dims : its own, after (batch, time, head): "pre", "post", or another name, whose size it then sets; "micro" stands
        for micro-steps, which lie one after the other along time.
    low, high : the allowed range, both included. default : what it is where it is left out; None if it must be given.
    like : the argument of the same dims, key or value, that it equals where it is left out.
    per_event : False for what stays the same throughout, (head, *dims).
    signal : which of SIGNALS it is at one synapse; left out, what `at_synapse` derives.
    rest : what it is in an event that a mask leaves out; left out, the number nearest to 0 in its range.
    """

    name: str
    meaning: str
    dims: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    default: float | None = None
    like: str = ""
    per_event: bool = True
    signal: str = ""
    rest: float | None = None

    def at_rest(self) -> float:
        """What it is in an event that does not happen."""
        return min(max(0.0, self.low), self.high) if self.rest is None else self.rest

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is None and not self.like

    def at_synapse(self) -> str:
        """Which of SIGNALS it is at one synapse.

        Unless it says so itself, key, value, beta and log_decay are key, value, gate and retention; anything else is a
        gate or, if each cell has one, a third factor, and with dims that a synapse does not have, everything.
        """
        named = {"key": "key", "value": "value", "beta": "gate"}
        shared, own = ("retention", "retention") if self.name == "log_decay" else ("gate", "third factor")
        by_dims = {(): shared, ("pre",): f"{own} of pre", ("post",): f"{own} of post"}
        return self.signal or named.get(self.name) or by_dims.get(self.dims, "everything")


KEY = Argument("key", "presynaptic activity, or what is written under", ("pre",))
VALUE = Argument("value", "postsynaptic activity, or what is written", ("post",))
BETA = Argument("beta", "write strength", low=0.0, high=2.0, default=1.0)
LOG_DECAY = Argument("log_decay", "log of the share of the weights that survives", high=0.0)
OPTIONAL_LOG_DECAY = replace(LOG_DECAY, default=0.0)

SIGNALS = {
    "key": "k_j, activity of the presynaptic cell",
    "value": "v_i, activity of the postsynaptic cell",
    "gate": "beta, how much is written, the same for all synapses",
    "retention": "alpha, what survives of weights or traces, the same for all synapses",
    "retention of pre": "alpha_j",
    "retention of post": "alpha_i",
    "weight": "W_ij, its own",
    "prediction": "(W k)_i, what the postsynaptic cell receives",
    "back-projection": "(W'v)_j, what the presynaptic cell would receive back",
    "key norm": "|k|, total presynaptic activity",
    "value norm": "|v|, total postsynaptic activity",
    "key trace": "a trace of k_j",
    "value trace": "a trace of v_i or of its square",
    "synapse trace": "a trace of the synapse's own changes",
    "third factor of pre": "gamma_j, a gate of the presynaptic cell",
    "third factor of post": "gamma_i, a gate of the postsynaptic cell",
    "everything": "not local: signals of other synapses",
}

# names that `neurofwp.rate.run` uses itself
RESERVED = {
    "rule", "query", "mode", "normaliser", "initial", "bounds", "chunk", "micro_steps", "parameters", "mask",
    "cu_seqlens", "compute_dtype",
}  # fmt: skip
