"""What a circuit is: the cells and connections around the plastic synapses, and their parameters, declared once.

A circuit is one file that makes one `Circuit`. Plastic synapses run from its key cells to its value cells; what else
there is, it says itself. The code of cells may name

- parameters of the circuit and the synapse; cells of conditions that differ in one have their own value of it;
- tables of the Program, looked up by phase, as in ``gate_table((phase_at(t) + 0.5)*second, episode)``: ``key_table``
  by key cell ``i``; ``gate_table`` and ``forgetting_table`` (Hz) by ``episode``; ``teach_table`` by ``pool``; where the
  cells declare ``episode`` and ``pool`` as integers, they are filled in;
- ``nmda_open``, of value cells: the open NMDA channels of all their synapses, before the magnesium block, and
  ``nmda_unblocked``, the share of these that it leaves unblocked, at every step of the membrane clock; both are 0 where
  the synapses have no NMDA receptors;
- ``gate_by_conductance`` (1 where the write gate scales the NMDA conductance), ``per_pool`` (cells of a pool),
  ``somatostatin_cells`` and the like (cells of a population, in one replica) and ``plasticity_step``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from neurofwp.errors import InputError
from neurofwp.synapses.parameters import Parameter

Pairs = tuple[NDArray[np.int_], NDArray[np.int_]]
Value = NDArray[np.float64] | float
SYNAPSES = "plastic"  # the connection that every circuit has

# what synapses, timeline and recordings read
VALUE_VARIABLES = {
    "v_dendrite": "the voltage that NMDA receptors see",
    "g_ampa": "the conductance that spikes of key cells add to, in the equation of some voltage",
    "nmda_gain": "the share of the NMDA conductance that the write gate leaves open",
    "forgetting": "the rate at which the Program makes weights forget",
    "calcium_outside": "the calcium around a synapse",
    "plateau": "what writes in a synapse that needs plateaus",
    "plateau_before": "that of the last step",
    "opened": "the sum of the write gate over steps, for recordings",
    "v_opened": "the sum of the gated dendritic voltage over steps, for recordings",
}
PARAMETERS = {
    "gate_delay": "the time from the onset of a write to the opening of the gate",
    "pause": "the silence after each write and each read",
}


@dataclass(frozen=True)
class Sizes:
    """Key cells, dimensions of a value, and value cells of each ON and each OFF pool, of one replica."""

    pre: int
    post: int
    per_pool: int

    @property
    def pools(self) -> int:
        """ON and OFF pools."""
        return 2 * self.post

    @property
    def cells(self) -> int:
        """Cells of all pools, ordered by polarity, dimension and number within their pool."""
        return self.pools * self.per_pool


def one_per_key(sizes: Sizes) -> int:
    """As many cells as a key has."""
    return sizes.pre


def pools(sizes: Sizes) -> int:
    """As many cells as all pools have."""
    return sizes.cells


@dataclass(frozen=True)
class Population:
    """Cells of one kind.

    name : of the group; it keys its random numbers too, so that other populations do not change them.
    count : cells of one replica.
    equations : of Brian2, advanced on the membrane clock by exponential Euler.
    lookup, update : statements on the plasticity clock: what looks up a table, and what follows from it, which the
        compiler can then turn into vector instructions.
    threshold, reset : when a cell spikes, and what happens then.
    refractory : the parameter that is its refractory period; "" for none. A threshold that draws has none.
    start : variables at the beginning, in SI units, from a function that gives each parameter, and from
        `gate_by_conductance`. What it leaves out is 0.
    spread : variables that begin anywhere between two parameters.
    """

    name: str
    count: Callable[[Sizes], int]
    equations: str
    lookup: str = ""
    update: str = ""
    threshold: str = "v > v_threshold"
    reset: str = "v = v_reset"
    refractory: str = ""
    start: Callable[[Callable[[str], Value], bool], Mapping[str, Value]] = field(default=lambda parameter, gate: {})
    spread: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def within_pools(sizes: Sizes) -> Pairs:
    """All-to-all inside each pool, in the order of the first cell of a pair."""
    pool, i, j = (index.ravel() for index in np.indices((sizes.pools, sizes.per_pool, sizes.per_pool)))
    return pool * sizes.per_pool + i, pool * sizes.per_pool + j


@dataclass(frozen=True)
class Connection:
    """Synapses that do not learn: `at_spike` of a cell of `source` is done to those of `target` paired with it.

    pairs : cells of both, numbered within a replica.
    delay : the parameter that is its delay; "" for none.
    """

    name: str
    source: str
    target: str
    at_spike: str
    pairs: Callable[[Sizes], Pairs] = within_pools
    delay: str = ""


@dataclass(frozen=True)
class Circuit:
    """Cells, connections and parameters.

    key : ways in which key cells can fire, by name. value : the cells that plastic synapses end on, in the order of
    `pools`. others : further populations. connections : among all of them.

    Raises
    ------
    InputError
        saying what is missing, or what was named twice or names what there is not.
    """

    name: str
    parameters: tuple[Parameter, ...]
    key: Mapping[str, Population]
    value: Population
    others: tuple[Population, ...] = ()
    connections: tuple[Connection, ...] = ()

    def __post_init__(self) -> None:
        declared = {each.name for each in self.parameters}
        for name, meaning in PARAMETERS.items():
            if name not in declared:
                raise InputError(f"circuit {self.name!r} lacks the parameter {name!r}: {meaning}")
        words = set(re.findall(r"\w+", self.value.equations))
        for name, meaning in VALUE_VARIABLES.items():
            if name not in words:
                raise InputError(f"circuit {self.name!r} lacks the variable {name!r} of its value cells: {meaning}")
        if not self.key:
            raise InputError(f"circuit {self.name!r} lacks key cells")
        own: list[tuple[str, Population]] = [*self.key.items(), ("value cells", self.value)]
        for kind, population in own:
            expected = "value" if population is self.value else "key"
            if population.name != expected:
                raise InputError(
                    f"circuit {self.name!r} names its {kind} {population.name!r}: synapses look for {expected!r}"
                )
        self._check_names(declared)

    def _check_names(self, declared: set[str]) -> None:
        groups = {"key", "value", *(each.name for each in self.others)}
        others = [each.name for each in self.others] + [each.name for each in self.connections]
        every = ["key", "value", SYNAPSES, *others]
        for name in every:
            if every.count(name) > 1:
                raise InputError(f"circuit {self.name!r} has two groups of the name {name!r}")
        for connection in self.connections:
            for end in (connection.source, connection.target):
                if end not in groups:
                    raise InputError(f"connection {connection.name!r} of circuit {self.name!r} has no cells {end!r}")
            if connection.delay and connection.delay not in declared:
                raise InputError(
                    f"connection {connection.name!r} of circuit {self.name!r} needs {connection.delay!r}, which is no "
                    "parameter of the circuit"
                )
        for population in (*self.key.values(), self.value, *self.others):
            named = {each for limits in population.spread.values() for each in limits}
            for name in sorted((named | {population.refractory} - {""}) - declared):
                raise InputError(
                    f"{population.name!r} of circuit {self.name!r} needs {name!r}, which is no parameter of the circuit"
                )

    @property
    def delays(self) -> set[str]:
        """Parameters that are delays of its connections."""
        return {each.delay for each in self.connections} - {""}

    @property
    def nmda_current(self) -> bool:
        """Whether NMDA receptors carry current into value cells."""
        return "nmda_open" in re.findall(r"\w+", self.value.equations)

    @property
    def description(self) -> str:
        """Its cells and connections in one line."""
        cells = [f"key ({' or '.join(self.key)})", "value", *(each.name for each in self.others)]
        ways = [f"{each.source} to {each.target}" for each in self.connections]
        return f"cells: {', '.join(cells)}; connections: {', '.join(['key to value (plastic)', *ways])}"

    def populations(self, key_cells: str) -> tuple[Population, ...]:
        """All cells, where key cells fire in the way `key_cells`."""
        return self.key[key_cells], self.value, *self.others
