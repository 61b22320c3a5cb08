"""Parameters with units: declared in code, filled from a TOML file that cites its source.

A parameter file says, for every number, its value, its unit and where it comes from::

    [nmda]
    form = "saturating"
    tau = { value = 100, unit = "ms", source = "Brunel & Wang 2001" }

`tuned = true` marks a number that was chosen for this circuit and not published.

On the command line and in Python a value may be text: "25 ms", "25ms", or "25" in the parameter's own unit. Declaring
parameters and reading such text takes no Brian2, so that what is wrong with it is said at once.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofwp.errors import InputError, unknown
from neurofwp.runtime import migrations
from neurofwp.runtime.lazy import b2
from neurofwp.runtime.toml import parse_toml
from neurofwp.synapses import units

if TYPE_CHECKING:
    from brian2 import Quantity, Unit

LARGEST = sys.float_info.max
FIELDS = frozenset({"value", "unit", "source", "tuned", "note"})
NUMBER = re.compile(r"\s*([-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|inf))\s*(.*?)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Parameter:
    """One number of a model: its unit says the dimension that any value of it must have."""

    name: str
    unit: str
    meaning: str
    low: float = -LARGEST
    high: float = LARGEST  # math.inf only where infinity means something
    allowed: tuple[float, ...] = ()  # the only values, where it is not all between `low` and `high`
    optional: bool = False  # whether a file may leave it out: it says a unit, and changes nothing that a synapse does

    def read(self, entry: Any, where: str) -> Quantity | float:
        """The quantity that a TOML entry stands for; `where` names it in error messages."""
        if not isinstance(entry, dict) or not {"value", "unit"} <= entry.keys():
            form = f'{{ value = ..., unit = "{self.unit}", source = "..." }}'
            raise InputError(f"{where} must be written {form}, not {entry!r}")
        stray = entry.keys() - FIELDS
        if stray:
            raise unknown(f"field of {where}", min(stray), FIELDS)
        number = entry["value"]
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise InputError(f"{where}: value must be a number in {self.unit}, not {number!r}")
        try:
            size = float(number)
        except OverflowError:
            raise InputError(f"{where}: value has too many digits for a number in {self.unit}") from None
        if math.isnan(size):
            raise InputError(f"{where}: value must be a number in {self.unit}, not {number!r}")
        return self.check(size * parse_unit(entry["unit"], where), where)

    def check(self, quantity: Quantity | float | str, where: str) -> Quantity | float:
        """`quantity`, or the one that a text such as "25 ms" stands for, if its dimension and its size are right."""
        if isinstance(quantity, str):
            return self.quantity(quantity)
        own = parse_unit(self.unit, where)
        if not isinstance(quantity, (b2.Quantity, int, float)) or not b2.have_same_dimensions(quantity, own):
            raise InputError(f"{where} is {quantity!s}, but needs a unit like {self.unit!r} ({self.meaning})")
        self._check_size(float(quantity / own), where)
        return quantity

    def quantity(self, text: str) -> Quantity | float:
        """The quantity that a text stands for; see `number`."""
        return self.number(text) * parse_unit(self.unit, self.name)

    def number(self, text: str) -> float:
        """A text such as "25 ms", "25ms" or "25" as a number in this parameter's own unit.

        Raises
        ------
        InputError
            for what is no number, what is no unit, a unit of another dimension, and a value outside the bounds.
        """
        parts = NUMBER.fullmatch(text)
        if parts is None:
            raise InputError(f"{self.name} needs a number in {self.unit}, as in {self._example}, not {text!r}")
        number, unit = float(parts[1]), parts[2]
        if unit and unit != self.unit:
            given, own = units.size(unit), units.size(self.unit)
            if given is None or own is None:
                raise InputError(f"{self.name}: {unit!r} is not a unit that it can have; write {self._example}")
            if given[1] != own[1]:
                raise InputError(f"{self.name} is {text.strip()}, but needs a unit like {self.unit} ({self.meaning})")
            number = float(f"{number * 10.0 ** (given[0] - own[0]):.15g}")  # 0.025 s is 25 ms, and not a bit more
        self._check_size(number, self.name)
        return number

    @property
    def _example(self) -> str:
        return f"{self.name}=1" if self.unit == "1" else f"{self.name}=1{self.unit}"

    def _check_size(self, number: float, where: str) -> None:
        if math.isinf(number) and not self.low <= number <= self.high:
            raise InputError(f"{where} is {number:g} {self.unit}, but must be a finite number")
        if not self.low <= number <= self.high:
            low, high = (f"{bound:g}" if abs(bound) < LARGEST else f"{bound * 2:g}" for bound in (self.low, self.high))
            raise InputError(f"{where} is {number:g} {self.unit}, but must be in [{low}, {high}]")
        if self.allowed and number not in self.allowed:
            known = ", ".join(f"{value:g}" for value in self.allowed)
            raise InputError(f"{where} is {number:g}, but must be one of {known}")

    def text(self, quantity: Quantity | float) -> str:
        """A value in this unit: the same text wherever and whenever it is written, unlike Brian2's choice of a unit."""
        number = f"{float(quantity / parse_unit(self.unit, self.name)):.12g}"
        return number if self.unit == "1" else f"{number} {self.unit}"


def parse_unit(text: str, where: str) -> Unit | float:
    """A Brian2 unit from "ms", "nS/second", "1/mV", "1" ...

    Raises
    ------
    InputError
        if a word of it is no unit.
    """
    numerator, *denominators = str(text).split("/")
    unit = _unit_word(numerator, text, where)
    for word in denominators:
        unit = unit / _unit_word(word, text, where)
    return unit


def _unit_word(word: str, text: str, where: str) -> Unit | float:
    word = word.strip()
    if word == "1":
        return 1.0
    name = {"s": "second", "V": "volt"}.get(word, word)
    unit = getattr(b2.units.stdunits, name, getattr(b2.units.allunits, name, None))
    if not isinstance(unit, b2.Unit):
        raise InputError(f"{where}: {text!r} is not a unit; write for example ms, nS, mV, Hz, nS/s, 1")
    return unit


def read_table(
    table: Mapping[str, Any], parameters: Sequence[Parameter], where: str, *, partial: bool = False
) -> dict[str, Quantity | float]:
    """All parameters of one TOML table as quantities.

    Raises
    ------
    InputError
        for an unknown or missing key (nearest name offered), a wrong unit, or a value outside its bounds.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    for key in table:
        if key not in by_name:
            raise unknown(f"parameter in {where}", key, by_name)
    missing = [name for name, each in by_name.items() if name not in table and not each.optional]
    if missing and not partial:
        raise InputError(f"{where} lacks {missing[0]!r}: {by_name[missing[0]].meaning}, in {by_name[missing[0]].unit}")
    return {key: by_name[key].read(entry, f"{where}.{key}") for key, entry in table.items()}


def read_toml(name: str | Path, folder: str, kind: str) -> tuple[str, dict[str, Any]]:
    """(name, contents) of a parameter file, chosen by name from `neurofwp.models` or by path.

    Raises
    ------
    InputError
        if there is no such model (nearest name offered) or no such file, it is not TOML, or in a newer format.
    """
    source = _source(name, folder, kind)
    content = parse_toml(source.read_bytes(), name)
    migrations.version(content.pop(migrations.ATTRIBUTE, None), name)  # no name in such files has changed yet
    return Path(source.name).stem, content


def file_text(name: str | Path, folder: str, kind: str) -> str:
    """What stands in a parameter file; see `read_toml`."""
    return str(_source(name, folder, kind).read_text(encoding="utf-8"))


def _source(name: str | Path, folder: str, kind: str) -> Any:
    entries = files("neurofwp.models").joinpath(folder).iterdir()
    shipped = {Path(entry.name).stem: entry for entry in entries if entry.name.endswith(".toml")}
    if str(name) in shipped:
        source = shipped[str(name)]
    elif str(name).endswith(".toml"):
        source = Path(name)
        if not source.is_file():
            raise InputError(f"there is no {kind} file {str(name)!r}")
    else:
        raise unknown(kind, str(name), shipped)
    return source
