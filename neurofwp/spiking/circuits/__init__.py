"""Circuits: the cells and connections around the plastic synapses, one file each.

`Circuit` says what one is; a TOML file chooses it with ``form`` and fills its parameters, as a synapse model does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from neurofwp.errors import unknown
from neurofwp.runtime.registry import Registry
from neurofwp.spiking.circuits.apical_feedback import CIRCUIT as APICAL_FEEDBACK
from neurofwp.spiking.circuits.circuit import Circuit, Connection, Population, Sizes
from neurofwp.spiking.circuits.two_compartment import BY_NUMBER, CIRCUIT as TWO_COMPARTMENT
from neurofwp.synapses.parameters import read_table, read_toml

__all__ = ["CIRCUITS", "REGISTRY", "Circuit", "Connection", "Population", "Sizes", "get", "load"]

CIRCUITS: tuple[Circuit, ...] = (APICAL_FEEDBACK, TWO_COMPARTMENT, BY_NUMBER)

SINCE = {"external_calcium": {"value": 2, "unit": "mM"}}  # parameters that files of before do not have, as they were

if TYPE_CHECKING:
    from brian2 import Quantity

REGISTRY: Registry[Circuit] = Registry("circuit", lambda circuit: circuit.name, shipped=CIRCUITS)

Values: TypeAlias = "dict[str, Quantity | float]"


def get(name: str) -> Circuit:
    """A circuit by its name.

    Raises
    ------
    InputError
        for a name that no circuit has (nearest one offered).
    """
    known = REGISTRY.origins()
    if name not in known:
        raise unknown("form of circuit", name, known)
    return REGISTRY.get(name)


def load(name: str | Path, overrides: Mapping[str, Any]) -> tuple[Circuit, Values]:
    """A circuit and its parameters, from a parameter file by name or path.

    Parameters
    ----------
    name : a file without ``form`` is of the circuit "apical-feedback".
    overrides : the [circuit] table of a synapse model, which wins; a table in it that is named after the circuit's
        form takes its place, since a parameter of one circuit need not fit another.

    Raises
    ------
    InputError
        for an unknown file, circuit or parameter (nearest name offered), a missing one, or a wrong unit.
    """
    title, content = read_toml(name, "circuits", "circuit")
    circuit = get(str(content.get("form", APICAL_FEEDBACK.name)))
    content = {key: value for key, value in content.items() if key not in ("description", "source", "form")}
    declared = {parameter.name for parameter in circuit.parameters}
    content = {name: entry for name, entry in SINCE.items() if name in declared} | content
    values = read_table(content, circuit.parameters, f"{title}.toml")
    forms = REGISTRY.origins()
    general = {key: value for key, value in overrides.items() if key not in forms}
    own = overrides.get(circuit.name, general)
    where = f"[circuit.{circuit.name}]" if circuit.name in overrides else "[circuit]"
    return circuit, values | read_table(own, circuit.parameters, where, partial=True)
