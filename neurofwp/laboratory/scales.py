"""Scales in which a change of strength is written, and the question where numbers look like another one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from neurofwp.errors import InputError
from neurofwp.laboratory.layout import Scale
from neurofwp.laboratory.table import Row, finite

# Medians beyond which numbers are taken for those of another scale unless theirs is declared. Mean strengths after
# plasticity protocols lie between about 0.4 and 3 times those before.
MOST_RATIO, LEAST_RATIO = 10.0, 0.25
MOST_DIFFERENCE = 5.0
LEAST_PERCENT = 5.0
MOST_SEM = 2.0

UNIT = {"ratio": 1.0, "percent": 0.01, "difference": 1.0, "percent-difference": 0.01}
OFFSET = {"ratio": 0.0, "percent": 0.0, "difference": 1.0, "percent-difference": 1.0}


def choose_scale(column: str, declared: Scale | None, file: str, heading: str) -> Scale:
    """The declared scale of `ratio` or `change`, which the file calls `heading`; else that which the name says.

    Raises
    ------
    InputError
        for a column of changes that is declared as per cent, which leaves open whether 100 or 0 is no change.
    """
    if declared is None:
        return "difference" if column == "change" else "ratio"
    if column == "change" and declared == "percent":
        raise InputError(
            f"{file}: changes in per cent, where 0 is no change, are --scale percent-difference; where 100 is no "
            f"change, say --columns ratio={heading!r} with --scale percent"
        )
    return declared


def to_ratio(row: Row, column: str, scale: Scale) -> float:
    """Strength after / before of a line. InputError for one below 0."""
    least = 0.0 - OFFSET[scale] / UNIT[scale]
    value = finite(row.cells[column])
    if value is not None and value < least and scale != "percent-difference":
        other = "difference" if scale == "ratio" and value >= -1 else "percent-difference"
        what = "a difference" if other == "difference" else "a difference in per cent"
        row.refuse(
            column,
            f"a number of {least:g} or more is needed, not {row.cells[column]!r}; if it is {what}, --scale {other}",
        )
    return OFFSET[scale] + UNIT[scale] * row.number(column, least=least)


def check_scale(
    values: Sequence[float],
    sems: Sequence[float],
    column: str,
    scale: Scale,
    *,
    declared: bool,
    file: str,
    heading: str,
) -> None:
    """InputError, which asks, if strengths or their errors look as if they were in another scale.

    Parameters
    ----------
    values, sems : as in the file; NaN where there is none. declared : whether somebody said that this is the scale.
    heading : what the file calls the column.
    """
    middle = median(values) if column == "ratio" else median(map(abs, values))
    if scale == "ratio" and not declared and middle > MOST_RATIO:
        raise _question(f"ratios around {middle:g} in the column {heading!r}", "per cent", "percent", scale, file)
    if scale == "ratio" and not declared and middle < LEAST_RATIO:
        raise _question(f"ratios around {middle:g} in the column {heading!r}", "differences", "difference", scale, file)
    if scale == "difference" and not declared and middle > MOST_DIFFERENCE:
        raise _question(
            f"changes around {middle:g} in the column {heading!r}", "per cent", "percent-difference", scale, file
        )
    if scale == "percent" and middle < LEAST_PERCENT:
        raise InputError(
            f"{file}: around {middle:g} per cent of the strength before are left in the column {heading!r}; if these "
            "are ratios, say --scale ratio"
        )
    errors = [UNIT[scale] * sem for sem in sems if math.isfinite(sem)]
    if errors and not declared and median(errors) > MOST_SEM:
        raise InputError(
            f"{file}: errors around {median(errors):g} for changes around {middle:g}: are they per cent? Both columns "
            f"must be in one unit; if they are, say --scale {scale}"
        )


def _question(what: str, guess: str, flag: str, scale: Scale, file: str) -> InputError:
    return InputError(
        f'{file} has {what}: {guess}? Say --scale {flag} (scale = "{flag}" in its TOML file), or --scale {scale} if '
        "they are what they are called"
    )
