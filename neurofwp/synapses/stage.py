"""What a stage of a synapse is: parameters, states and equations, declared once.

A synapse is a chain of stages: release, NMDA gating, magnesium block, calcium, expression, trafficking, turnover,
AMPA. Each form of a stage is a subclass of `Stage` in a small file of its own; a model file picks one form per stage
and fills its parameters. Release and trafficking may be left out: every spike then releases the same, and what is
expressed is in the membrane at once. A model whose rule needs no receptor picks the form "none" for it.

What depends on one cell alone is computed once in that cell, not in each of its synapses:

- `presynaptic`, `presynaptic_spike`: equations and spike statements of the key cell (membrane clock);
- `postsynaptic`: equations of the value cell (membrane clock); `postsynaptic_update`: statements that the value cell
  runs once per step of the plasticity clock, before its synapses do;
- `postsynaptic_spike`: what a spike of the value cell does to its own variables;
- `synaptic`: state variables of each synapse; `synaptic_update`: statements that advance them by one step of the
  plasticity clock, `plasticity_step`; `spike`: what a presynaptic spike does; `late_spike`: what it does after the
  delay that is the parameter `delay`; `spike_post`: what a postsynaptic spike does; `plateau_edge`: what the beginning
  or the end of a plateau of the value cell does. Synapses see a spike before the cells' own variables change by it.
- `summed`, `summed_spike`: of NMDA receptors, the open channels of all synapses of a value cell, before the magnesium
  block: `nmda_open`, and what a presynaptic spike adds to it; `unblocked`: the share that magnesium leaves unblocked,
  as an expression of `v_dendrite`. Circuits whose cells carry NMDA current use them; others do without.

Inside `synaptic`, `synaptic_update` and `spike`, `x_pre` and `x_post` are a cell's variables. Parameters keep their
bare names, so the names in one model must differ between its stages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neurofwp.errors import InputError, unknown
from neurofwp.synapses.parameters import Parameter

if TYPE_CHECKING:
    from brian2 import Quantity

ORDER = ("release", "nmda", "magnesium", "calcium", "expression", "trafficking", "turnover", "ampa")
OPTIONAL = ("release", "trafficking")

# the parts of a stage that are text, but for the update, which may depend on parameters
PARTS = (
    "presynaptic",
    "presynaptic_spike",
    "postsynaptic",
    "postsynaptic_update",
    "postsynaptic_spike",
    "synaptic",
    "idle",
    "spike",
    "late_spike",
    "delay",
    "spike_post",
    "plateau_edge",
)
CURRENT = ("summed", "summed_spike", "unblocked")  # those that some circuits alone use

Values: TypeAlias = "Mapping[str, Quantity | float]"
Constants: TypeAlias = "dict[str, Quantity | float]"
Population: TypeAlias = "tuple[tuple[Quantity, float], ...]"
States = Mapping[str, NDArray[np.float64]]
Time = NDArray[np.float64] | float


class Stage:
    """One form of one stage of a synapse: a subclass declares its equations, and overrides what it answers itself.

    It has no state: the values of its parameters come from a model.

    stage : one of ORDER. form : its name there, as in TOML files. source : where the equations come from.
    idle : a condition on synapses under which, in single precision, their update changes nothing, so that they may be
        passed over.
    double : states that need double precision, whatever the others have.
    per_synapse : whether release, or the gating of NMDA receptors, is each synapse's own (`released`, `s_nmda` of the
        synapse) and not that of its axon (`released_pre`, `s_nmda_pre`), of which the code of all stages speaks.
    beside : forms of other stages without which this one would be wrong, {stage: forms}; it may name their parameters.

    Raises
    ------
    InputError
        for a stage that there is not, no form or source, two parameters of one name, a delay that is no parameter, and
        double precision for what is no state.
    """

    stage: ClassVar[str] = ""
    form: ClassVar[str] = ""
    source: ClassVar[str] = ""
    parameters: ClassVar[tuple[Parameter, ...]] = ()
    presynaptic: ClassVar[str] = ""
    presynaptic_spike: ClassVar[str] = ""
    postsynaptic: ClassVar[str] = ""
    postsynaptic_update: ClassVar[str] = ""
    postsynaptic_spike: ClassVar[str] = ""
    synaptic: ClassVar[str] = ""
    synaptic_update: ClassVar[str] = ""
    idle: ClassVar[str] = ""
    spike: ClassVar[str] = ""
    late_spike: ClassVar[str] = ""
    delay: ClassVar[str] = ""
    spike_post: ClassVar[str] = ""
    plateau_edge: ClassVar[str] = ""
    summed: ClassVar[str] = ""
    summed_spike: ClassVar[str] = ""
    unblocked: ClassVar[str] = ""
    double: ClassVar[tuple[str, ...]] = ()
    per_synapse: ClassVar[bool] = False
    beside: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def __init__(self) -> None:
        own = type(self).__name__
        if self.stage not in ORDER:
            raise unknown(f"stage of {own},", self.stage, ORDER)
        for name in ("form", "source"):
            if not getattr(self, name):
                raise InputError(f"{own} needs a {name}: a text, as a class attribute")
        twice = [name for name, count in Counter(each.name for each in self.parameters).items() if count > 1]
        if twice:
            raise InputError(f"{self!r} has two parameters of the name {twice[0]!r}")
        if self.delay and self.delay not in {each.name for each in self.parameters}:
            raise InputError(f"{self!r}: its delay {self.delay!r} must be the name of one of its parameters")
        for name in self.double:
            if name not in self.states:
                raise InputError(f"{self!r}: {name!r}, which needs double precision, must be a state in `synaptic`")

    def update(self, values: Values) -> str:
        """Statements that advance a synapse by a step of the plasticity clock; exponents may be parameters."""
        return self.synaptic_update

    def derive(self, values: Values, dt: Quantity) -> Constants:
        """Constants that follow from the parameters and the plasticity step, so that no synapse computes them."""
        return {}

    def initial(self, values: Values) -> Quantity | None:
        """The weight of a synapse before anything is written; only one stage of a model may define it."""
        return None

    def population(self, values: Values) -> Population | None:
        """Where synapses are found before a protocol, if not all at the initial weight: (weight, share), ..."""
        return None

    def settle(self, values: Values, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """What weights (nS) at the end of a protocol come to be, long after."""
        return weight

    def read(self, values: Values, states: States, now: Time) -> dict[str, NDArray[np.float64]]:
        """Of its states that stand still between events but in truth do not: what they are at the time `now` (s).

        states : all states of the synapses, in SI units.
        """
        return {}

    def thresholds(self, values: Values) -> dict[str, float]:
        """Calcium levels to draw with a calcium trace: {"potentiation": ..., "depression": ...}."""
        return {}

    def micromolar(self, values: Values) -> float | None:
        """The concentration (µM) that calcium of 1 stands for; None where it stands for none."""
        return None

    @property
    def name(self) -> str:
        """As in "expression.linear": unique among all forms of all stages."""
        return f"{self.stage}.{self.form}"

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the variables that it declares in each synapse."""
        return tuple(line.split(":")[0].strip() for line in self.synaptic.splitlines() if ":" in line)

    @property
    def recorded(self) -> Any:
        """What results keep of it, in JSON: its form, or all of its equations where they have no other place."""
        return self.form

    @property
    def by_events(self) -> bool:
        """Whether some of its states are brought up to date at events alone, and `read` is needed to know them."""
        return type(self).read is not Stage.read

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"<Stage [{self.stage}] {self.form}>"
