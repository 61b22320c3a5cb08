"""A synapse model: one form of each stage, with its parameters, from a TOML file."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from brian2 import Quantity, siemens
from numpy.typing import NDArray

import neurofwp.synapses.functions  # noqa: F401 (makes them known to Brian2)
from neurofwp.errors import InputError, unknown
from neurofwp.synapses import REGISTRY, equations, own_equations
from neurofwp.synapses.parameters import read_table, read_toml
from neurofwp.synapses.stage import OPTIONAL, ORDER, PARTS, Population, Stage, States, Time

PER_SYNAPSE = {"release": "released", "nmda": "s_nmda"}  # what stages name that may be a synapse's own


@dataclass(frozen=True, repr=False)
class SynapseModel:
    """Stages in the order in which calcium flows, their parameters, and the circuit settings that go with them.

    ``print(model)`` shows its equations.
    """

    name: str
    description: str
    stages: tuple[Stage, ...]
    values: dict[str, Quantity | float]
    circuit: dict[str, Any]  # the file's [circuit] table, still in TOML: the circuit reads it
    laboratory: dict[str, Any] = field(default_factory=dict)  # likewise, for neurofwp.laboratory

    def equations(self, dt: Quantity | None = None) -> str:
        """All equations and statements with values and units, by where they run; `dt` as of `constants`, or 1 ms."""
        return equations.of_synapse(self, dt)

    def __str__(self) -> str:
        return self.equations()

    def __repr__(self) -> str:
        return f"<SynapseModel {self.name}: {', '.join(f'{each.stage} {each.form}' for each in self.stages)}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def text(self, part: str) -> str:
        """One part of all stages, joined; `part` is one of PARTS, such as "presynaptic" or "spike"."""
        parts = [self._own(stage, getattr(stage, part)) for stage in self.stages if getattr(stage, part)]
        if part == "presynaptic_spike":
            parts.reverse()  # what a spike releases is used before it is spent
        if part == "presynaptic" and not any(stage.stage == "release" for stage in self.stages):
            parts.append("released = 1 : 1")
        return "\n".join(parts)

    @property
    def expressed(self) -> str:
        """The variable that plasticity changes: the weight itself, or the slots that trafficking fills."""
        return "slots" if any(stage.stage == "trafficking" for stage in self.stages) else "weight"

    def _own(self, stage: Stage, code: str) -> str:
        """Code of a stage; expression and turnover speak of the weight, whatever it is that they change, and all of an
        axon's release and gating, whosever these are."""
        for other in self.stages:
            if other.per_synapse:
                code = re.sub(rf"\b{PER_SYNAPSE[other.stage]}_pre\b", PER_SYNAPSE[other.stage], code)
        plastic = stage.stage in ("expression", "turnover")
        return re.sub(r"\bweight\b", self.expressed, code) if plastic else code

    @property
    def updates(self) -> list[tuple[str, str]]:
        """Of each stage that a clock advances: statements, and its `Stage.idle`."""
        pairs = ((self._own(stage, stage.update(self.values)), self._own(stage, stage.idle)) for stage in self.stages)
        stripped = (("\n".join(line.strip() for line in code.strip().splitlines()), idle) for code, idle in pairs)
        return [(code, idle) for code, idle in stripped if code]

    @property
    def update(self) -> str:
        """The statements that advance all synaptic states by one step of the plasticity clock."""
        return "\n".join(code for code, _ in self.updates)

    def constants(self, dt: Quantity) -> dict[str, Quantity | float]:
        """All parameters, and what follows from them at plasticity step `dt`."""
        derived = {name: value for stage in self.stages for name, value in stage.derive(self.values, dt).items()}
        return {**self.values, **derived, "plasticity_step": dt}

    @property
    def initial(self) -> Quantity:
        """The weight before anything is written: 0, unless a stage says otherwise."""
        found = (stage.initial(self.values) for stage in self.stages)
        return next((weight for weight in found if weight is not None), 0 * siemens)

    @property
    def population(self) -> Population:
        """Weights at which synapses are found before a protocol, each with its share of them."""
        found = (stage.population(self.values) for stage in self.stages)
        return next((each for each in found if each is not None), ((self.initial, 1.0),))

    def settle(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """What weights (nS) at the end of a protocol come to be, long after it."""
        for stage in self.stages:
            weight = stage.settle(self.values, weight)
        return weight

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the variables of a synapse."""
        return tuple(line.split(":")[0].strip() for line in self.text("synaptic").splitlines() if ":" in line)

    @property
    def double(self) -> set[str]:
        """Those of them that need double precision."""
        return {name for stage in self.stages for name in stage.double}

    @property
    def by_events(self) -> bool:
        """Whether some states are brought up to date at events alone, and `read` is needed to know them."""
        return any(stage.by_events for stage in self.stages)

    def read(self, states: States, now: Time) -> States:
        """States of synapses (SI units) as they are at `now` (s), where some are brought up to date at events only."""
        seen = {**states, "weight": states[self.expressed]}  # as the stage that answers speaks of it
        answers = [
            {self.expressed if name == "weight" else name: value for name, value in answer.items()}
            for answer in (stage.read(self.values, seen, now) for stage in self.stages)
        ]
        return {name: value for answer in (states, *answers) for name, value in answer.items()}

    @property
    def shape(self) -> dict[str, Any]:
        """All that shapes the code of such synapses, in JSON; everything else is a number."""
        return {part: self.text(part) for part in PARTS} | {
            "update": self.update,
            "late by": str(self.values.get(self.text("delay"))),
            "double": sorted(self.double),
        }

    @property
    def thresholds(self) -> dict[str, float]:
        """Calcium levels at which depression and potentiation begin (or are half-maximal)."""
        return {name: level for stage in self.stages for name, level in stage.thresholds(self.values).items()}

    @property
    def micromolar(self) -> float | None:
        """The concentration (µM) that calcium of 1 stands for; None where it stands for none."""
        return next((each for stage in self.stages if (each := stage.micromolar(self.values)) is not None), None)

    def concentration(self, calcium: NDArray[np.float64]) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Calcium in µM, or as it is where it stands for no concentration; with its unit and thresholds as attrs."""
        scale = self.micromolar or 1.0
        levels = {f"{name}_threshold": level * scale for name, level in self.thresholds.items()}
        return calcium * scale, {"units": "1" if self.micromolar is None else "uM", **levels}


def load(name: str | Path | SynapseModel) -> SynapseModel:
    """Load a synapse model by name (see `neurofwp list`) or by the path of a TOML file; a copy of one that is loaded.

    Raises
    ------
    InputError
        for an unknown model, stage, form or parameter (nearest name offered), a missing one, or a wrong unit.
    """
    if isinstance(name, SynapseModel):
        return replace(name, values=dict(name.values))
    title, content = read_toml(name, "synapses", "synapse model")
    content.pop("source", None)
    description = content.pop("description", "")
    circuit, laboratory = content.pop("circuit", {}), content.pop("laboratory", {})
    for name, table in (("circuit", circuit), ("laboratory", laboratory)):
        if not isinstance(table, dict):
            raise InputError(f"{title}.toml: {name} must be a table of {name} parameters, not {table!r}")
    for key in content:
        if key not in ORDER:
            raise unknown(f"stage in {title}.toml", key, (*ORDER, "circuit", "laboratory"))
    stages: list[Stage] = []
    values: dict[str, Quantity | float] = {}
    for stage_name in ORDER:
        if stage_name in OPTIONAL and stage_name not in content:
            continue
        if not isinstance(content.get(stage_name), dict) or "form" not in content[stage_name]:
            raise InputError(f"{title}.toml needs a table [{stage_name}] with a form")
        stage, own = _read_stage(stage_name, content[stage_name], title)
        stages.append(stage)
        values |= own
    check_stages(stages, title)
    return SynapseModel(title, description, tuple(stages), values, circuit, laboratory)


def _read_stage(name: str, content: Mapping[str, Any], title: str) -> tuple[Stage, dict[str, Quantity | float]]:
    """The stage of a table of a file, and the values of its parameters."""
    table, where = dict(content), f"{title}.toml: {name}"
    form = str(table.pop("form"))
    if form == own_equations.FORM:
        return own_equations.read(name, table, where)
    names = REGISTRY.origins()
    if f"{name}.{form}" not in names:
        forms = [each.partition(".")[2] for each in names if each.startswith(f"{name}.")]
        raise unknown(f"form of [{name}] in {title}.toml", form, [*forms, own_equations.FORM])
    stage = REGISTRY.get(f"{name}.{form}")
    return stage, read_table(table, stage.parameters, where)


def check_stages(stages: Sequence[Stage], title: str) -> None:
    """Refuse forms that would be wrong together, and equations of a file that are wrong with them.

    Raises
    ------
    InputError
    """
    for stage in stages:
        for other in stages:
            allowed = stage.beside.get(other.stage, (other.form,))
            if other.form not in allowed:
                raise InputError(
                    f"{title}.toml: form {stage.form!r} of [{stage.stage}] needs [{other.stage}] to have the form "
                    f"{' or '.join(map(repr, allowed))}, not {other.form!r}"
                )
        if isinstance(stage, own_equations.OwnEquations):
            others = [other for other in stages if other is not stage]
            own_equations.check(stage, others, f"{title}.toml: {stage.stage}")
