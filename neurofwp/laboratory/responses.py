"""What a synapse model responds to, from the names in its code."""

from __future__ import annotations

import re
from typing import get_args

from neurofwp.laboratory.protocol import Kind
from neurofwp.synapses.model import SynapseModel

# The variable of the postsynaptic cell without which a model does not respond to a kind of protocol.
NEEDS: dict[Kind, str] = {
    "voltage-pairing": "v_dendrite",
    "plateau-induction": "plateau",
    "calcium-series": "calcium_outside",
}

NOISE = {"xi", "randn", "rand", "poisson"}  # in the code of a model: Brian2's sources of it


def suitable_kinds(model: SynapseModel) -> list[Kind]:
    """Kinds of protocol whose means the model's equations respond to.

    Spikes of both cells suit every model but those that know plateaus and neither voltage nor postsynaptic spikes.
    """
    words = _words(model)
    words |= {word.removesuffix("_post") for word in words}
    spikes = "v_dendrite" in words or bool(model.text("spike_post") or model.text("postsynaptic_spike"))
    return [kind for kind in get_args(Kind) if (NEEDS[kind] in words if kind in NEEDS else spikes)]


def noisy(model: SynapseModel) -> bool:
    """Whether the model's equations draw random numbers."""
    return bool(_words(model) & NOISE)


def _words(model: SynapseModel) -> set[str]:
    """All names in the model's code."""
    parts = (
        *("presynaptic", "presynaptic_spike", "postsynaptic", "postsynaptic_update", "postsynaptic_spike"),
        *("synaptic", "spike", "late_spike", "spike_post"),
    )
    return set(re.findall(r"\w+", "\n".join((*map(model.text, parts), model.update))))
