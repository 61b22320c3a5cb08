"""Units as text, understood without Brian2, which takes a second to import: their size and their dimension.

The words are those of Brian2: a prefix and a name (ms, msecond, nS, nsiemens, mM, um, pF, Hz ...), divided by "/".
"""

from __future__ import annotations

import re
from typing import TypeAlias

Dimension: TypeAlias = tuple[int, ...]  # exponents of metre, kilogram, second, ampere, mole

PREFIXES = {"": 0, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "k": 3, "M": 6, "G": 9}
# power of ten and dimension of what a word without a prefix stands for
NAMES: dict[str, tuple[int, Dimension]] = {
    **dict.fromkeys(("s", "second"), (0, (0, 0, 1, 0, 0))),
    **dict.fromkeys(("Hz", "hertz"), (0, (0, 0, -1, 0, 0))),
    **dict.fromkeys(("V", "volt"), (0, (2, 1, -3, -1, 0))),
    **dict.fromkeys(("A", "amp", "ampere"), (0, (0, 0, 0, 1, 0))),
    **dict.fromkeys(("S", "siemens"), (0, (-2, -1, 3, 2, 0))),
    **dict.fromkeys(("ohm",), (0, (2, 1, -3, -2, 0))),
    **dict.fromkeys(("F", "farad"), (0, (-2, -1, 4, 2, 0))),
    **dict.fromkeys(("m", "metre", "meter"), (0, (1, 0, 0, 0, 0))),
    **dict.fromkeys(("M", "molar"), (3, (-3, 0, 0, 0, 1))),
}
NONE: Dimension = (0, 0, 0, 0, 0)
_WORD = re.compile(rf"([{''.join(PREFIXES)}]?)({'|'.join(sorted(NAMES, key=len, reverse=True))})")


def size(text: str) -> tuple[int, Dimension] | None:
    """The power of ten that a unit is of the SI unit of its dimension, and that dimension; None for what is no unit."""
    power, dimension = 0, NONE
    for number, word in enumerate(text.split("/")):
        found = _word(word.strip())
        if found is None:
            return None
        sign = 1 if number == 0 else -1
        power += sign * found[0]
        dimension = tuple(own + sign * other for own, other in zip(dimension, found[1], strict=True))
    return power, dimension


def _word(word: str) -> tuple[int, Dimension] | None:
    if word == "1":
        return 0, NONE
    parts = _WORD.fullmatch(word)
    if parts is None:
        return None
    power, dimension = NAMES[parts[2]]
    return power + PREFIXES[parts[1]], dimension
