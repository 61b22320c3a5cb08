"""Whether the code of a stage goes with that of the others: every name has a meaning, and no name has two."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from neurofwp.errors import InputError
from neurofwp.runtime.lazy import b2
from neurofwp.synapses.parameters import Parameter, parse_unit
from neurofwp.synapses.stage import CURRENT, PARTS, Constants, Stage

HANDED_ON = {"calcium", "weight", "slots"}  # states that stages share
# what cells and synapses have beside what stages declare, with its unit
UNITS = {
    **dict.fromkeys(("v", "v_dendrite"), "V"),
    **dict.fromkeys(("t", "dt", "lastspike", "plasticity_step"), "s"),
    **dict.fromkeys(("nmda_gain", "plateau", "plateau_before", "gate", "released", "i", "j", "pi", "e", "inf"), "1"),
    "forgetting": "Hz",
    "calcium_outside": "mM",
}
EVERYWHERE = ("t", "dt", "plasticity_step", "pi", "e", "inf")
SIDES = ("presynaptic", "postsynaptic", "synaptic")
GIVEN = {*UNITS, "and", "or", "not", "int", "xi"}


def check(stage: Stage, others: Sequence[Stage]) -> None:
    """
    Raises
    ------
    InputError
        for a name in the code of a stage that nothing defines, and one that a form of another stage defines too.
    """
    elsewhere = [other for other in others if other.stage != stage.stage]
    for other in elsewhere:
        twice = names(stage) & names(other)
        if twice:
            raise InputError(
                f"{stage!r} and {other!r} both define {min(twice)!r}: names in one model must differ, rename one"
            )
    known = names(stage) | HANDED_ON | GIVEN | _functions_and_units()
    known |= set().union(*(names(other) - {p.name for p in other.parameters} for other in elsewhere))
    known |= {each.name for each in _parameters_beside(stage, elsewhere)}
    for part, lines in code(stage, others).items():
        for word in sorted(set(re.findall(r"(?<![\w.])[A-Za-z_]\w*", re.sub(r":[^=\n]*$", "", lines, flags=re.M)))):
            if word.removesuffix("_pre").removesuffix("_post") not in known and word not in known:
                raise InputError(
                    f"{stage!r} names {word!r} in its {part}, which is no parameter, constant, state or function: "
                    "declare it in `parameters`, return it from `derive`, or correct the name"
                )


def names(stage: Stage) -> set[str]:
    """Parameters, derived constants, states and local variables of a stage, but for states that stages hand on."""
    declared = "\n".join((stage.presynaptic, stage.postsynaptic, stage.synaptic, stage.summed))
    equations = ("presynaptic", "postsynaptic", "synaptic", "summed", "idle", "delay", "unblocked")
    parts = (part for part in (*PARTS, *CURRENT) if part not in equations)
    written = "\n".join([*(getattr(stage, part) for part in parts), stage.update(_values(stage.parameters))])
    found = {
        word for pair in re.findall(r"^\s*(?:d(\w+)/dt\s*=|(\w+)\s*(?:=[^\n]*)?:)", declared, re.M) for word in pair
    }
    found |= set(re.findall(r"^\s*(\w+)\s*[-+*/]?=(?!=)", written, re.M))
    own = {word for word in found if word and not word.endswith(("_pre", "_post"))} - HANDED_ON
    return own | {each.name for each in stage.parameters} | set(_derive(stage, ()))


def declared(stage: Stage) -> set[str]:
    """Names of its variables in cells and synapses."""
    return {name for part in SIDES for name in b2.Equations(getattr(stage, part)).names}


def dimensions(stages: Sequence[Stage], part: str) -> dict[str, Any]:
    """Of all that the code of a part of one of these stages may name: something of its unit, or the function.

    Parts of a cell see its own variables, those of synapses their own, and of cells with the suffixes _pre and _post.
    """
    from brian2.core.functions import DEFAULT_FUNCTIONS

    sides: dict[str, dict[str, Any]] = {side: {} for side in SIDES}
    for side in SIDES:
        for stage in stages:
            sides[side] |= {
                name: b2.Quantity(1.0, dim=each.dim) for name, each in b2.Equations(getattr(stage, side)).items()
            }
    given = {name: parse_unit(unit, name) for name, unit in UNITS.items()}
    shared = {name: given[name] for name in EVERYWHERE} | {
        each.name: parse_unit(each.unit, each.name) for stage in stages for each in stage.parameters
    }
    of_cell = {name: unit for name, unit in given.items() if name not in EVERYWHERE}
    pre, post = of_cell | sides["presynaptic"], of_cell | sides["postsynaptic"]
    seen = {"presynaptic": pre, "postsynaptic": post}.get(part.partition("_")[0])
    if seen is None:
        cells = {f"{name}_{end}": unit for end, own in (("pre", pre), ("post", post)) for name, unit in own.items()}
        seen = cells | sides["synaptic"] | {name: given[name] for name in ("i", "j", "lastspike")}
    return {**shared, **seen, **_units(), **DEFAULT_FUNCTIONS}


def code(stage: Stage, others: Sequence[Stage]) -> dict[str, str]:
    """The text of each part, and the update at ordinary values."""
    parts = {
        part: re.sub(r"^\s*d(\w+)/dt\s*=", r"\1 =", getattr(stage, part), flags=re.M) for part in (*PARTS, *CURRENT)
    }
    values = _values((*stage.parameters, *_parameters_beside(stage, others)))
    return {part: lines for part, lines in parts.items() if lines} | {"update": stage.update(values)}


def _parameters_beside(stage: Stage, others: Iterable[Stage]) -> list[Parameter]:
    """Those of the forms of other stages that this one needs."""
    return [p for other in others if other.form in stage.beside.get(other.stage, ()) for p in other.parameters]


def _derive(stage: Stage, others: Sequence[Stage]) -> Constants:
    values = _values((*stage.parameters, *_parameters_beside(stage, others)))
    try:
        return stage.derive(values, 1 * b2.ms)
    except KeyError as error:
        raise InputError(f"{stage!r}: derive(values, dt) needs {error}, which is none of its parameters") from error
    except Exception as error:
        raise InputError(
            f"{stage!r}: derive(values, dt) fails for values within their bounds: {type(error).__name__}: {error}"
        ) from error


def _values(parameters: Iterable[Parameter]) -> Constants:
    """Values within bounds, all different."""
    made: Constants = {}
    for number, each in enumerate(parameters, start=1):
        low, high = max(each.low, -1e6), min(each.high, 1e6)
        inside = low + (high - low) * number / (number + 50) if high < 1e6 else max(low, 0.0) + 1 + number / 16
        made[each.name] = (each.allowed[0] if each.allowed else inside) * parse_unit(each.unit, each.name)
    return made


@cache
def _functions_and_units() -> set[str]:
    from brian2.core.functions import DEFAULT_FUNCTIONS

    import neurofwp.synapses.functions  # noqa: F401 (makes its functions known)

    return {*DEFAULT_FUNCTIONS, *_units()}


@cache
def _units() -> dict[str, Any]:
    modules = (b2.units.stdunits, b2.units.allunits)
    return {name: unit for module in modules for name, unit in vars(module).items() if isinstance(unit, b2.Unit)}
