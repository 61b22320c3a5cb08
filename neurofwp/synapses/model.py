"""A synapse model: one form of each stage, with its parameters, from a TOML file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brian2 import Quantity, siemens

from neurofwp.errors import InputError, unknown
from neurofwp.synapses import STAGES
from neurofwp.synapses.base import ORDER, Stage
from neurofwp.synapses.parameters import read_table, read_toml


@dataclass(frozen=True)
class SynapseModel:
    """Stages in the order in which calcium flows, their parameters, and the circuit settings that go with them."""

    name: str
    description: str
    stages: tuple[Stage, ...]
    values: dict[str, Quantity | float]
    circuit: dict[str, Any]  # the file's [circuit] table, still in TOML: the circuit reads it

    def text(self, part: str) -> str:
        """One part of all stages, joined; `part` is a text field of `Stage`, such as "presynaptic" or "spike"."""
        return "\n".join(getattr(stage, part) for stage in self.stages if getattr(stage, part))

    @property
    def update(self) -> str:
        """The statements that advance all synaptic states by one step of the plasticity clock."""
        lines = "\n".join(stage.statements(self.values) for stage in self.stages).splitlines()
        return "\n".join(line.strip() for line in lines if line.strip())

    def constants(self, dt: Quantity) -> dict[str, Quantity | float]:
        """All parameters, and what follows from them at plasticity step `dt`."""
        derived = {name: value for stage in self.stages for name, value in stage.derived(self.values, dt).items()}
        return {**self.values, **derived, "plasticity_step": dt}

    @property
    def initial(self) -> Quantity:
        """The weight before anything is written: 0, unless a stage says otherwise."""
        return sum((stage.initial(self.values) for stage in self.stages if stage.initial), 0 * siemens)

    @property
    def thresholds(self) -> dict[str, float]:
        """Calcium levels at which depression and potentiation begin (or are half-maximal)."""
        return {name: level for stage in self.stages for name, level in stage.thresholds(self.values).items()}


def load(name: str | Path) -> SynapseModel:
    """Load a synapse model by name (see `neurofwp list`) or by the path of a TOML file.

    Raises
    ------
    InputError
        for an unknown model, stage, form or parameter (nearest name offered), a missing one, or a wrong unit.
    """
    title, content = read_toml(name, "synapses", "synapse model")
    content.pop("source", None)
    description, circuit = content.pop("description", ""), content.pop("circuit", {})
    if not isinstance(circuit, dict):
        raise InputError(f"{title}.toml: circuit must be a table of circuit parameters, not {circuit!r}")
    for key in content:
        if key not in ORDER:
            raise unknown(f"stage in {title}.toml", key, (*ORDER, "circuit"))
    stages: list[Stage] = []
    values: dict[str, Quantity | float] = {}
    for stage_name in ORDER:
        if not isinstance(content.get(stage_name), dict) or "form" not in content[stage_name]:
            raise InputError(f"{title}.toml needs a table [{stage_name}] with a form")
        table = dict(content[stage_name])
        forms = {stage.form: stage for stage in STAGES if stage.stage == stage_name}
        form = str(table.pop("form"))
        if form not in forms:
            raise unknown(f"form of [{stage_name}] in {title}.toml", form, forms)
        stages.append(forms[form])
        values |= read_table(table, forms[form].parameters, f"{title}.toml: {stage_name}")
    return SynapseModel(title, description, tuple(stages), values, circuit)
