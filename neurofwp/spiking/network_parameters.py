"""Every parameter that a spiking network can have: those of its synapses, and those of its circuit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from neurofwp.errors import unknown
from neurofwp.spiking import circuits
from neurofwp.synapses import REGISTRY
from neurofwp.synapses.parameters import Parameter, parse_unit

if TYPE_CHECKING:
    from brian2 import Quantity


def parameters_by_name() -> dict[str, Parameter]:
    """Every parameter that some synapse or circuit has, by name."""
    of_synapses = (parameter for stage in REGISTRY.all() for parameter in stage.parameters)
    of_circuits = (parameter for circuit in circuits.REGISTRY.all() for parameter in circuit.parameters)
    return {each.name: each for each in (*of_circuits, *of_synapses)}


def numbers(texts: Iterable[str]) -> dict[str, float]:
    """Parameters written NAME=VALUE, such as "tau_nmda=25 ms" or "g_gaba=1.5", as numbers in the unit of each.

    It takes no Brian2: bad input is refused at once.

    Raises
    ------
    InputError
        for a parameter that there is not (nearest one offered), what is no number, a unit that does not fit, and a
        value outside the bounds.
    """
    known, found = parameters_by_name(), {}
    for text in texts:
        name, _, value = text.partition("=")
        name = name.strip()
        if name not in known:
            raise unknown("parameter", name, known)
        found[name] = known[name].number(value)
    return found


def quantities(texts: Sequence[str]) -> dict[str, Quantity | float]:
    """The same as quantities."""
    known = parameters_by_name()
    return {name: number * parse_unit(known[name].unit, name) for name, number in numbers(texts).items()}
