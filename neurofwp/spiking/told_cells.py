"""Cells that fire when they are told to: key cells, and axons that teach dendrites.

Such a cell keeps the place of its next spike in a table of all, as those of the laboratory do.

A teaching axon's spike adds to the excitation of the dendrites of one pool, which decays with `tau_exc`, in place of
the fluctuating excitation whose mean the Program's value sets: an axon at `key_peak_rate` excites as a value of 1 does
on average. Plateaus follow the Program still.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurofwp.errors import InputError
from neurofwp.spiking.circuits.circuit import Circuit, Connection, Pairs, Population, Sizes

KEY, TEACHER = "key", "teacher"
TOLD = "told"  # the way in which key cells fire
NEEDED = ("g_teach", "key_peak_rate", "tau_exc")  # parameters without which nothing can be taught by spikes


@dataclass(frozen=True)
class Source:
    """When cells of a population fire.

    table : s, the times of every cell of every replica, one list after the other, each with a time after it that never
        comes; as long as a power of two, so that networks with other spikes are compiled once.
    first : (cell,) where the list of each begins. shift : by how much (ms) the time that was moved furthest was moved.
    """

    table: NDArray[np.float64]
    first: NDArray[np.int64]
    shift: float

    @property
    def start(self) -> dict[str, NDArray[Any]]:
        """Variables of the cells at the beginning."""
        return {"fires_at": self.first, "fires_next": self.table[self.first]}


def population(name: str, cells: int) -> Population:
    """Cells, `cells` in a replica, that fire when they are told to."""
    return Population(
        name,
        lambda sizes: cells,
        "fires_at : integer\nfires_next : second\n",
        threshold="t + 0.5*dt > fires_next",
        reset=f"fires_at += 1\nfires_next = {name}_times((fires_at + 0.5)*second)*second",
    )


def told_circuit(circuit: Circuit, sizes: Sizes, key: bool, axons: int) -> Circuit:
    """The circuit, with key cells that are told when to fire, and with teaching axons, so many of each pool.

    Raises
    ------
    InputError
        for a circuit whose dendrites cannot be taught by spikes.
    """
    if key:
        circuit = replace(circuit, key={**circuit.key, TOLD: population(KEY, sizes.pre)})
    if not axons:
        return circuit
    declared = {each.name for each in circuit.parameters}
    missing = [name for name in NEEDED if name not in declared]
    if missing or "g_apical " not in circuit.value.equations:
        lacks = f"the parameter {missing[0]!r}" if missing else "g_apical, the excitation of dendrites"
        raise InputError(f"circuit {circuit.name!r} cannot be taught by spikes: it lacks {lacks}")

    def pairs(own: Sizes) -> Pairs:
        pool, i, j = (index.ravel() for index in np.indices((own.pools, axons, own.per_pool)))
        return pool * axons + i, pool * own.per_pool + j

    shot = f"g_apical_post += g_teach/({axons}*key_peak_rate*tau_exc)"
    return replace(
        circuit,
        others=(*circuit.others, population(TEACHER, axons * sizes.pools)),
        connections=(*circuit.connections, Connection("teaching", TEACHER, "value", shot, pairs)),
    )
