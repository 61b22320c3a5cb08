"""Every parameter that a spiking network can have: those of its synapses, and those of its circuit."""

from __future__ import annotations

from collections.abc import Sequence

from brian2 import Quantity

from neurofwp.errors import InputError, unknown
from neurofwp.spiking.circuits import CIRCUITS
from neurofwp.synapses import STAGES
from neurofwp.synapses.parameters import Parameter, parse_unit


def declared() -> dict[str, Parameter]:
    """Every parameter that some synapse or circuit has, by name."""
    own = [each.parameters for each in STAGES] + [each.parameters for each in CIRCUITS]
    return {each.name: each for part in own for each in part}


def quantities(texts: Sequence[str]) -> dict[str, Quantity | float]:
    """Parameters written NAME=NUMBER, in the unit of each.

    Raises
    ------
    InputError
        for a parameter that there is not (nearest one offered), or what is no number.
    """
    known, found = declared(), {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in known:
            raise unknown("parameter", name, known)
        try:
            found[name] = float(number) * parse_unit(known[name].unit, name)
        except ValueError:
            raise InputError(f"{name} needs a number in {known[name].unit}, as in {name}=1, not {text!r}") from None
    return found
