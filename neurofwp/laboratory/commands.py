"""What is done to the cells of a bench, and when.

What is done to a cell is a list of time steps, all lists of a kind in one table: a cell looks up when it is its turn
again, and after the last time of its list comes one that never does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import brian2 as b2
import numpy as np
from brian2 import Quantity, second


@dataclass(frozen=True)
class Command:
    """What is done to one of the cells, `effect`, whenever the times of a table come.

    lists : of every protocol, the time steps, rising. order : within a step, before or after synapses see spikes.
    """

    name: str
    lists: Sequence[np.ndarray]
    effect: str = ""
    order: int = 0

    @property
    def equations(self) -> str:
        return f"{self.name}_at : integer\n{self.name}_next : second"

    @property
    def due(self) -> str:
        return f"t + 0.5*dt > {self.name}_next"

    @property
    def statements(self) -> str:
        to_next = f"{self.name}_at += 1\n{self.name}_next = {self.name}_times(({self.name}_at + 0.5)*second)"
        return f"{to_next}\n{self.effect}"

    def table(self, step: Quantity) -> np.ndarray:
        """All lists, one after the other, in s; after each a time that never comes."""
        return np.concatenate([np.append(each * float(step), np.inf) for each in self.lists])

    def timed_array(self, step: Quantity) -> b2.TimedArray:
        """The table as equations look it up: a row a "second"."""
        return b2.TimedArray(self.table(step) * second, dt=1 * second, name=f"{self.name}_times")

    @property
    def first(self) -> np.ndarray:
        """Where each list begins in the table."""
        return np.cumsum([0, *(len(each) + 1 for each in self.lists[:-1])])
