"""Hebbian: each event adds its outer product; the unnormalised linear attention of a fast weight programmer."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from neurofwp.rules.chunkwise import NoDecay, decayed_sum
from neurofwp.rules.known import scaled, write_strength, write_strengths
from neurofwp.rules.parameter import Parameter
from neurofwp.rules.rule import Event, Rule, outer


class Hebbian(Rule):
    """Each event adds its outer product; the unnormalised linear attention of a fast weight programmer."""

    id = "hebbian"
    parameters = (Parameter("rate", 1.0, 0.0, 10.0, "size of a write", weight_power=1),)
    equation = "W + rate beta v k'"
    objective = "-v'Wk"
    signals = ("key", "value", "gate")
    reading = "coincidence LTP"
    source = "Schmidhuber 1992; Katharopoulos et al. 2020; Schlag, Irie & Schmidhuber 2021 (arXiv 2102.11174)"
    chunkwise_skips = True

    def step(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> Tensor:
        return weight + outer(scaled(write_strength(p, event), event.value), event.key)

    def chunkwise(
        self, query: Tensor, events: Event, weight: Tensor, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, Tensor]:
        write = write_strengths(p, events)
        return decayed_sum(query, events.key, events.value, write=write, decay=NoDecay(), initial=weight, size=size)


RULE = Hebbian()
