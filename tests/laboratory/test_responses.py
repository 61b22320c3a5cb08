"""Which kinds of protocol a model's equations respond to."""

from __future__ import annotations

from neurofwp.laboratory.responses import suitable_kinds
from neurofwp.synapses.model import SynapseModel, load
from neurofwp.synapses.stage import Stage


def test_a_model_does_the_protocols_that_it_can_respond_to() -> None:
    spikes = {"spike-timing", "pairing-frequency", "triplets", "quadruplets", "presynaptic-frequency", "poisson"}
    assert set(suitable_kinds(load("shouval-2002"))) == {*spikes, "voltage-pairing", "calcium-series"}

    def stages(**parts: str) -> SynapseModel:
        own = {"stage": "expression", "form": "own", "source": "a test"}
        return SynapseModel("", "", (type("Own", (Stage,), own | parts)(),), {}, {})

    assert set(suitable_kinds(stages(spike_post="calcium += c_post"))) == spikes
    assert suitable_kinds(stages(postsynaptic="dIS/dt = (plateau - IS)/tau_IS : 1")) == ["plateau-induction"]
    calcium = {*spikes, "voltage-pairing", "calcium-series"}
    assert set(suitable_kinds(stages(postsynaptic_update="drive = calcium_outside*v_dendrite"))) == calcium
