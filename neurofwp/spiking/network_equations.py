"""The equations of a whole network as text: its synapses, and the cells and connections around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from neurofwp.spiking.circuits import Circuit
from neurofwp.synapses.equations import code, of_synapse, parameters, section

if TYPE_CHECKING:
    from brian2 import Quantity

    from neurofwp.spiking.network import SpikingNetwork


def of_network(network: SpikingNetwork) -> str:
    """Its synapse, then its circuit, with values and units."""
    synapse = of_synapse(network.synapse, network.plasticity_step, network.loop)
    return f"{synapse}\n\n{of_circuit(network.circuit_form, network.circuit, network.key_cells)}"


def of_circuit(circuit: Circuit, values: Mapping[str, Quantity | float], key_cells: str) -> str:
    """Cells, connections and parameters of a circuit whose key cells fire in the way `key_cells`."""
    parts = [f"circuit {circuit.name}"]
    for each in circuit.populations(key_cells):
        spiking = [f"spikes where {each.threshold}, then {'; '.join(code(each.reset)) or 'nothing'}"]
        spiking += [f"refractory for {each.refractory}"] if each.refractory else []
        parts.append(section(f"{each.name} cells", [*code(each.equations), *spiking]))
        update = [*code(each.lookup), *code(each.update)]
        parts.append(section(f"{each.name} cells, per step of the plasticity clock", update))
    lines = (f"{each.source} to {each.target}: {'; '.join(code(each.at_spike))}" for each in circuit.connections)
    parts.append(section("connections, at spikes", lines))
    parts.append(section("parameters of the circuit", parameters(circuit.parameters, values)))
    return "\n\n".join(part for part in parts if part)
