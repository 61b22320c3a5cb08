"""The equations of a synapse as text: everything on one screen, with values and units, grouped by where it runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import b2
from neurofwp.synapses.parameters import Parameter

if TYPE_CHECKING:
    from brian2 import Quantity

    from neurofwp.synapses.model import SynapseModel

WIDTH = 80
PLACES = (
    ("key cell", "presynaptic"),
    ("key cell, at its spikes", "presynaptic_spike"),
    ("value cell", "postsynaptic"),
    ("value cell, per step of the plasticity clock", "postsynaptic_update"),
    ("value cell, at its spikes", "postsynaptic_spike"),
    ("synapse", "synaptic"),
    ("synapse, at presynaptic spikes", "spike"),
    ("synapse, {delay} after presynaptic spikes", "late_spike"),
    ("synapse, at postsynaptic spikes", "spike_post"),
    ("synapse, at the edges of plateaus", "plateau_edge"),
    ("value cell, where NMDA receptors carry current", "summed"),
    ("synapse, at presynaptic spikes, where NMDA receptors carry current", "summed_spike"),
)


def of_synapse(model: SynapseModel, dt: Quantity | None = None, loop: str = "") -> str:
    """All of a model.

    dt : the step of the plasticity clock, which derived constants depend on; by default 1 ms.
    loop : which loop advances the synapses of a compiled network.
    """
    dt = 1 * b2.ms if dt is None else dt
    parts = [
        wrap(f"synapse model {model.name}: {model.description}", ""),
        section("stages", (f"{stage.stage}: {stage.form} ({stage.source})" for stage in model.stages)),
    ]
    delay = model.text("delay")
    parts += [section(title.format(delay=delay), code(model.text(part))) for title, part in PLACES]
    updates = []
    for text, idle in model.updates:
        updates += [*code(text), *([f"# changes nothing where {idle}"] if idle else [])]
    parts.append(section("synapse, per step of the plasticity clock", updates))
    declared = [parameter for stage in model.stages for parameter in stage.parameters]
    parts.append(section("parameters", parameters(declared, model.values)))
    own = {name: value for name, value in model.constants(dt).items() if name not in model.values}
    parts.append(section("derived constants", [", ".join(f"{name} = {quantity(own[name])}" for name in own)]))
    last = [f"weight before anything is written: {quantity(model.initial)}"]
    last += [f"loop that advances synapses: {loop}"] if loop else []
    parts.append("\n".join(wrap(line, "") for line in last))
    return "\n\n".join(part for part in parts if part)


def section(title: str, lines: Iterable[str]) -> str:
    """Lines below a title, or nothing where there are none."""
    body = [wrap(line, "  ") for line in lines]
    return "\n".join([title, *body]) if body else ""


def code(text: str) -> list[str]:
    """Equations or statements, a line for each; what goes on where a bracket is open belongs to the line before."""
    lines: list[str] = []
    for line in (each.strip() for each in text.splitlines()):
        if lines and lines[-1].count("(") > lines[-1].count(")"):
            lines[-1] = f"{lines[-1]} {line}"
        elif line:
            lines.append(line)
    return lines


def parameters(declared: Iterable[Parameter], values: Mapping[str, Quantity | float]) -> list[str]:
    """Each with its value, its unit and its meaning."""
    given = (each for each in declared if each.name in values or not each.optional)
    return [f"{each.name} = {each.text(values[each.name])}: {each.meaning}" for each in given]


def quantity(value: Quantity | float) -> str:
    """A value with a unit that makes it readable."""
    if isinstance(value, b2.Quantity) and not b2.have_same_dimensions(value, 1):
        return str(value.in_best_unit(precision=6)).replace(". ", " ")
    return f"{float(value):.6g}"


def wrap(line: str, indent: str) -> str:
    """A line of at most WIDTH characters, or several, broken at spaces."""
    return textwrap.fill(
        line,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
