"""A circuit file of coupled cells, its numbers from the closed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli_w

from neurofwp.errors import InputError
from neurofwp.runtime import migrations
from neurofwp.spiking import circuits, facts
from neurofwp.synapses import model
from neurofwp.synapses.parameters import read_toml
from neurofwp.theory.lif_rate import lif_rate
from neurofwp.theory.two_compartment import Dendrite, summed_gating, two_compartment

COUPLED = {"spikes": facts.SPIKES, "number": facts.NUMBER}
DRIVES = {"som_rate": "som_exc_mean", "pv_rate": "pv_exc_mean"}


def calibrate(
    coupling: float,
    nmda: float,
    backpropagation: float,
    *,
    base: str | Path = facts.UNCOUPLED,
    synapse: str | Path = facts.SYNAPSE,
    active: float = 20.0,
    gate: str = "spikes",
) -> str:
    """The TOML text of a coupled circuit whose cells are those of an uncoupled one.

    Parameters
    ----------
    coupling, nmda : nS. backpropagation : mV.
    base : a circuit file of the form "apical-feedback": cells of another size, or rest, are described there.
    synapse : says how strong feedback is without coupling, how NMDA receptors open, and the magnesium.
    active : cells of a key. gate : "spikes" or "number".

    Raises
    ------
    InputError
        where the closed form has no solution, the base has another form, or the synapse lacks NMDA receptors that
        saturate.
    """
    if gate not in COUPLED:
        raise InputError(f"gate must be one of {', '.join(COUPLED)}, not {gate!r}")
    name, content = read_toml(base, "circuits", "circuit")
    if content.get("form", facts.UNCOUPLED) != facts.UNCOUPLED:
        raise InputError(f"{name}.toml is a circuit of the form {content['form']!r}: the base must be uncoupled")
    own = model.load(synapse)
    lacking = [each for each in ("alpha_nmda", "tau_nmda", "Mg") if each not in own.values]
    if lacking:
        raise InputError(
            f"synapse {own.name!r} has no {lacking[0]}: the closed form is of NMDA receptors that saturate"
        )
    plain = facts.plain(circuits.load(base, own.circuit)[1])
    gating = summed_gating(
        active, plain["key_peak_rate"], float(own.values["alpha_nmda"]), facts.plain(own.values)["tau_nmda"] / 1000
    )
    magnesium = float(own.values["Mg"])  # mol/m^3, which is mM
    found = two_compartment(Dendrite(coupling, nmda, plain, backpropagation, gating, magnesium))
    _, shipped = read_toml(COUPLED[gate], "circuits", "circuit")
    source = f"closed form, {coupling:g} nS of coupling, {nmda:g} nS of NMDA, {backpropagation:g} mV"
    numbers: dict[str, Any] = {**shipped, **{each: entry for each, entry in content.items() if each != "form"}}
    numbers["description"] = shipped["description"]
    for each, value in found.items():
        numbers[each] = {"value": float(f"{value:.5g}"), "unit": shipped[each]["unit"], "source": source}
    numbers["soma_exc_uncoupled"] = numbers["soma_exc_uncoupled"] | {"value": plain["soma_exc_mean"]}
    for rate, drive in DRIVES.items() if gate == "spikes" else ():
        cell = plain | {drive: float(shipped[drive]["value"])}
        numbers[rate] = numbers[rate] | {"value": float(f"{lif_rate(cell[drive], cell):.4g}")}
    return tomli_w.dumps({migrations.ATTRIBUTE: migrations.FORMAT} | numbers)
