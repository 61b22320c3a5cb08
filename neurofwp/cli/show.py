"""`neurofwp show`: the equations of a synapse model, or what is known of a rule, on one screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from neurofwp.cli import catalogue
from neurofwp.errors import unknown

if TYPE_CHECKING:
    from neurofwp.rules import Rule


@dataclass(frozen=True)
class _Show:
    what: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")]
    """A synapse model or a rule of `neurofwp list`, or the TOML file of a model."""
    circuit: bool = False
    """Also the cells and connections around the synapses."""
    toml: bool = False
    """The file of a synapse model, to begin one's own with."""


def main(words: list[str]) -> int:
    """Print what a name stands for."""
    given = tyro.cli(_Show, prog="neurofwp show", description="Equations with values and units.", args=words)
    if given.what in (rules := catalogue.rules()):
        from neurofwp.rules import get  # brings torch

        print(rule(get(given.what)))
        return 0
    if given.what not in (models := catalogue.synapses()) and not given.what.endswith(".toml"):
        raise unknown("synapse model or rule", given.what, {**models, **rules})
    if given.toml:
        from neurofwp.synapses.parameters import file_text

        print(file_text(given.what, "synapses", "synapse model"))
        return 0
    from neurofwp.spiking import SpikingNetwork  # brings Brian2
    from neurofwp.synapses.equations import of_synapse

    network = SpikingNetwork(given.what)
    print(network if given.circuit else of_synapse(network.synapse, network.plasticity_step, network.loop))
    return 0


def rule(shown: Rule) -> str:
    """Equation, objective, signals, arguments and parameters with their bounds, and the source of a rule."""
    from neurofwp.identification.competing import reason
    from neurofwp.rules import SIGNALS
    from neurofwp.synapses.equations import section, wrap

    bounds = (
        f"{each.name} = {each.default:g}, in fits between {each.low:g} and {each.high:g}: {each.meaning}"
        for each in (*shown.parameters, *shown.fitted_with)
    )
    nested = (f"{name} where {', '.join(f'{k} = {v}' for k, v in at.items())}" for name, at in shown.nests.items())
    fits = f"cannot be fitted: {reason(shown)}" if reason(shown) else "can be fitted to the weights of a Trace"
    forms = f"one event after the other{', or in chunks' if shown.has_chunkwise else ''}"
    return "\n\n".join(
        part
        for part in (
            f"rule {shown.id}",
            section("equation", [shown.equation]),
            section("objective", [shown.objective]),
            section("signals at a synapse", (f"{name}: {SIGNALS[name]}" for name in shown.signals)),
            section("takes", (f"{each.name}: {each.meaning}" for each in shown.arguments)),
            section("parameters", bounds),
            section("contains", nested),
            section("biological reading", [shown.reading]),
            section("source", [shown.source]),
            wrap(f"runs {forms}; {fits}", ""),
        )
        if part
    )
