"""What is said of a number that is no longer finite: by a simulation that Python runs, and by a compiled program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

FILE = "not_finite"  # in which a compiled program says what it found: a line for each variable, as of `Lost`


class Lost(NamedTuple):
    """The first cell or synapse of a group in which a variable is not finite, and its value there."""

    group: str
    variable: str
    number: int
    value: float


class NotFinite(RuntimeError):
    """What is not finite, one of each variable, and when it was seen (s)."""

    def __init__(self, lost: Sequence[Lost], time: float) -> None:
        said = ", ".join(f"{each.variable} of {each.group} {each.number} is {each.value:g}" for each in lost)
        super().__init__(f"{said} at {time:g} s")
        self.lost, self.time = lost, time

    def __reduce__(self) -> tuple[Any, ...]:  # or it would not come back from another process
        return type(self), (self.lost, self.time)


def find(folder: Path) -> NotFinite | None:
    """What a compiled program found, from the folder of its results."""
    if not (folder / FILE).is_file():
        return None
    lines = [line.split() for line in (folder / FILE).read_text("utf-8").splitlines()]
    lost = [Lost(group, variable, int(index), float(value)) for group, variable, index, value, _ in lines]
    return NotFinite(lost, float(lines[0][-1]))
