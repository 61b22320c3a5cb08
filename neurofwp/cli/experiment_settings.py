"""Settings of an experiment: checked before anything is imported for them, written as JSON, and read from it again."""

from __future__ import annotations

import ast
import inspect
import json
import math
import shlex
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

from neurofwp.errors import InputError, unknown
from neurofwp.runtime.experiment import Experiment

INFINITE = "infinite"  # in the metadata of a setting for which infinity means something
LARGEST = 2**63 - 1
PARAMETERS = "parameters"  # the setting of an experiment that replaces parameters of synapse and circuit


def check(experiment: Experiment, settings: Any) -> None:
    """Refuse settings that cannot be run: at once, before a folder is made.

    Raises
    ------
    InputError
        for a parameter NAME=VALUE that there is not or that does not fit, a number that is not finite or has too many
        digits, and for whatever the experiment refuses.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        for each in value if isinstance(value, tuple) else (value,):
            check_number(field.name, each, infinite=bool(field.metadata.get(INFINITE)))
    assignments = [text for text in getattr(settings, PARAMETERS, ()) if "=" in text]
    if assignments:
        from neurofwp.spiking.network_parameters import numbers

        numbers(assignments)
    experiment.check(settings)


def check_number(name: str, value: Any, *, infinite: bool = False) -> None:
    """Refuse a number that no setting can be; whatever is no number passes.

    Raises
    ------
    InputError
        for NaN, for infinity unless it may be, and for whole numbers that do not fit into 64 bits.
    """
    if isinstance(value, float) and (math.isnan(value) or (math.isinf(value) and not infinite)):
        raise InputError(f"{name} must be a finite number, not {value:g}")
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        digits = len(str(abs(value)))
        raise InputError(f"{name} must be a whole number of at most 64 bits, not one of {digits} digits")


def check_seed(seed: int) -> None:
    """Refuse what cannot be a seed.

    Raises
    ------
    InputError
        for one below 0, or of more than 64 bits.
    """
    check_number("seed", seed)
    if seed < 0:
        raise InputError(f"seed must be at least 0, not {seed}")


def to_json(settings: Any) -> str:
    """The settings of an experiment, in JSON."""
    return json.dumps(asdict(settings), default=str, sort_keys=True)


def read(text: str, kind: type) -> Any:
    """Settings of this kind from JSON.

    Raises
    ------
    InputError
        if they are those of another version of the experiment.
    """
    values = json.loads(text)
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind)]
    for name in values:
        if name not in known:
            raise unknown("setting, of another version of the experiment,", name, known)
    made = kind(**{name: _value(value, "Path" in str(hints[name])) for name, value in values.items()})
    if to_json(made) != json.dumps(values, sort_keys=True):
        raise InputError(f"these settings are those of another version of the experiment: {text}")
    return made


def _value(value: Any, path: bool) -> Any:
    """JSON has neither tuples nor paths."""
    if isinstance(value, list):
        return tuple(_value(each, path) for each in value)
    return Path(value) if path and isinstance(value, str) else value


def defaults(kind: type) -> dict[str, Any]:
    """The default of every setting, as JSON has it; None of those without one."""
    required = {each.name: None for each in fields(kind) if each.default is MISSING}
    found: dict[str, Any] = json.loads(to_json(kind(**required)))
    return found


def meanings(kind: type) -> dict[str, str]:
    """The text under each setting, which is the help of its flag."""
    texts: dict[str, str] = {}
    for above in reversed(kind.__mro__[:-1]):
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(above))).body
        for field, text in pairwise(getattr(tree, "body", ())):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                texts[ast.unparse(field.target)] = inspect.cleandoc(str(text.value.value)).replace("\n", " ")
    return texts


def flags(settings: Mapping[str, Any], kind: type) -> list[str]:
    """Words of a command for all settings, as JSON has them, that are not the default."""
    by_default = defaults(kind)
    words: list[str] = []
    for name, value in settings.items():
        if name in by_default and value == by_default[name]:
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            words += [f"--{flag}", *map(str, value if isinstance(value, list) else [value])]
    return words


def command(experiment: Experiment, settings: Mapping[str, Any], seed: int, device: str = "auto") -> str:
    """The command that makes a run again."""
    where = [] if device == "auto" else ["--device", device]
    words = ["neurofwp", "run", experiment.name, "--seed", str(seed), *where, *flags(settings, experiment.settings)]
    return shlex.join(words)
