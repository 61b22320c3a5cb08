"""What a synapse model keeps in its postsynaptic cell, beside cells that are not ours: once per cell, not per synapse.

The cells of others cannot take these variables, so that a group of ours, as large as theirs, stands beside it: it reads
their voltage and holds, for example, the share that magnesium leaves unblocked. It runs wherever the synapses run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import brian2 as b2
from brian2 import Quantity
from brian2.groups.subgroup import Subgroup


def add_cells(
    plastic: b2.Synapses, equations: str, update: str, read: Mapping[str, str], plasticity_step: Quantity
) -> None:
    """Give synapses the variables of a group beside their target.

    Parameters
    ----------
    equations : of these variables. update : what a plasticity step does to them, before it reaches the synapses.
    read : variables of the target, by the names that the code has for them.
    """
    target: Any = plastic.target.source if isinstance(plastic.target, Subgroup) else plastic.target
    cells = b2.NeuronGroup(
        len(target), equations, method="exponential_euler", clock=target.clock, namespace=dict(plastic.namespace),
        name=f"{plastic.name}_cells",
    )  # fmt: skip
    for name, variable in read.items():
        cells.variables.add_reference(name, target, variable)
    for name in b2.Equations(equations).names:
        plastic.variables.add_reference(name, cells, name, index="_postsynaptic_idx")
    if update:
        # before the synapses' own, which has the same order: Brian2 then goes by names
        cells.run_regularly(update, dt=plasticity_step, order=1)
    plastic._contained_objects.append(cells)
