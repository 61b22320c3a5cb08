"""What a stage of a synapse is: parameters, states and equations, declared once.

A synapse is a chain of stages: release, NMDA gating, magnesium block, calcium, expression, trafficking, turnover,
AMPA. Each form of a stage is one `Stage` in a small file of its own; a model file picks one form per stage and fills
its parameters. Release and trafficking may be left out: every spike then releases the same, and what is expressed is
in the membrane at once. A model whose rule needs no receptor picks the form "none" for it.

What depends on one cell alone is computed once in that cell, not in each of its synapses:

- `presynaptic`, `presynaptic_spike`: equations and spike statements of the key cell (membrane clock);
- `postsynaptic`: equations of the value cell (membrane clock); `postsynaptic_update`: statements that the value cell
  runs once per step of the plasticity clock, before its synapses do;
- `postsynaptic_spike`: what a spike of the value cell does to its own variables;
- `synaptic`: state variables of each synapse; `update`: statements that advance them by one step of the
  plasticity clock, `plasticity_step`; `spike`: what a presynaptic spike does; `late_spike`: what it does after the
  delay that is the parameter `delay`; `spike_post`: what a postsynaptic spike does; `plateau_edge`: what the beginning
  or the end of a plateau of the value cell does. Synapses see a spike before the cells' own variables change by it.

Inside `synaptic`, `update` and `spike`, `x_pre` and `x_post` are a cell's variables. Parameters keep their bare names,
so the names in one model must differ between its stages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neurofwp.synapses.parameters import Parameter

if TYPE_CHECKING:
    from brian2 import Quantity

ORDER = ("release", "nmda", "magnesium", "calcium", "expression", "trafficking", "turnover", "ampa")
OPTIONAL = ("release", "trafficking")

Values: TypeAlias = "Mapping[str, Quantity | float]"
States = Mapping[str, NDArray[np.float64]]
Time = NDArray[np.float64] | float


@dataclass(frozen=True)
class Stage:
    """One form of one stage of a synapse."""

    stage: str
    form: str
    source: str
    parameters: tuple[Parameter, ...] = ()
    presynaptic: str = ""
    presynaptic_spike: str = ""
    postsynaptic: str = ""
    postsynaptic_update: str = ""
    postsynaptic_spike: str = ""
    synaptic: str = ""
    double: tuple[str, ...] = ()  # states that need double precision, whatever the others have
    update: Callable[[Values], str] | str = ""
    # A condition on synapses under which, in single precision, their update changes nothing: they may be passed over.
    idle: str = ""
    spike: str = ""
    late_spike: str = ""
    delay: str = ""
    spike_post: str = ""
    plateau_edge: str = ""
    # Forms of other stages without which this one would be wrong: {stage: forms}
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    # Constants that follow from the parameters and the plasticity step, so that no synapse need compute them.
    derived: Callable[[Values, Quantity], dict[str, Quantity | float]] = field(default=lambda values, dt: {})
    # The weight of a synapse before anything is written; the stage with an answer speaks.
    initial: Callable[[Values], Quantity] | None = None
    # Where synapses are found before a protocol, if not all at the initial weight: (weight, share of the synapses), ...
    population: Callable[[Values], tuple[tuple[Quantity, float], ...]] | None = None
    # What weights (nS) at the end of a protocol come to be, long after; the stage with an answer speaks.
    settled: Callable[[Values, NDArray[np.float64]], NDArray[np.float64]] | None = None
    # Of states that stand still between events, those that in truth do not, as they are at a later time (s): from all
    # states of the synapses, in SI units. A stage answers for its own.
    read: Callable[[Values, States, Time], dict[str, NDArray[np.float64]]] | None = None
    # Calcium levels to draw beside a calcium trace: {"potentiation": ..., "depression": ...}
    thresholds: Callable[[Values], dict[str, float]] = field(default=lambda values: {})

    def statements(self, values: Values) -> str:
        """The update code; a form whose exponents are parameters writes it from them."""
        return self.update(values) if callable(self.update) else self.update
