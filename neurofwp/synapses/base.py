"""What a stage of a synapse is: parameters, states and equations, declared once.

A synapse is a chain of stages: NMDA gating, magnesium block, calcium, expression, turnover, AMPA. Each form of a
stage is one `Stage` in a small file of its own; a model file picks one form per stage and fills its parameters.

What depends on one cell alone is computed once in that cell, not in each of its synapses:

- `presynaptic`, `presynaptic_spike`: equations and spike statements of the key cell (membrane clock);
- `postsynaptic`: equations of the value cell (membrane clock); `postsynaptic_update`: statements that the value cell
  runs once per step of the plasticity clock, before its synapses do;
- `synaptic`: state variables of each synapse; `update`: statements that advance them by one step of the
  plasticity clock, `plasticity_step`; `spike`: what a presynaptic spike does.

Inside `synaptic`, `update` and `spike`, `x_pre` and `x_post` are a cell's variables. Parameters keep their bare names,
so the names in one model must differ between its stages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from brian2 import Quantity

from neurofwp.synapses.parameters import Parameter

ORDER = ("nmda", "magnesium", "calcium", "expression", "turnover", "ampa")

Values = Mapping[str, Quantity | float]


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
    synaptic: str = ""
    update: Callable[[Values], str] | str = ""
    spike: str = ""
    # Constants that follow from the parameters and the plasticity step, so that no synapse need compute them.
    derived: Callable[[Values, Quantity], dict[str, Quantity | float]] = field(default=lambda values, dt: {})
    # The weight of a synapse before anything is written; the stage with an answer speaks.
    initial: Callable[[Values], Quantity] | None = None
    # Calcium levels to draw beside a calcium trace: {"potentiation": ..., "depression": ...}
    thresholds: Callable[[Values], dict[str, float]] = field(default=lambda values: {})

    def statements(self, values: Values) -> str:
        """The update code; a form whose exponents are parameters writes it from them."""
        return self.update(values) if callable(self.update) else self.update
