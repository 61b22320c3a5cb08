"""Whether two results are the same, array by array and bit by bit, and where they are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from neurofwp.runtime.experiment import SPEED
from neurofwp.runtime.tables import FOLLOWS_FROM

SHOWN = 20  # variables in a report, at most


@dataclass(frozen=True)
class Difference:
    """One variable of two results, and how it differs, in words."""

    name: str
    what: str


def differing(one: xr.DataTree, other: xr.DataTree) -> list[Difference]:
    """The variables, coordinates too, that two results do not share bit for bit."""
    left, right = _variables(one), _variables(other)
    found = [Difference(name, "is gone") for name in left if name not in right]
    found += [Difference(name, "is new") for name in right if name not in left]
    both = ((name, _compare(left[name], right[name])) for name in left if name in right)
    return found + [Difference(name, what) for name, what in both if what]


def report(one: xr.DataTree, found: list[Difference]) -> list[str]:
    """Lines for the terminal."""
    count = len(_variables(one))
    if not found:
        return [f"identical: {count} arrays, bit for bit"]
    lines = [f"not identical: {len(found)} arrays differ, of {count}"]
    lines += [f"  {each.name} {each.what}" for each in found[:SHOWN]]
    return lines if len(found) <= SHOWN else [*lines, f"  and {len(found) - SHOWN} more"]


def _variables(tree: xr.DataTree) -> dict[str, xr.Variable]:
    """But for numbers that follow from others, which results of before do not repeat, and for the machine's speed."""
    return {
        f"{group.path.rstrip('/')}/{name}": variable
        for group in tree.subtree
        for name, variable in group.to_dataset(inherit=False).variables.items()
        if not {FOLLOWS_FROM, SPEED} & variable.attrs.keys()
    }


def _compare(one: xr.Variable, other: xr.Variable) -> str:
    """How two arrays differ, empty if they do not."""
    if (one.dims, one.shape) != (other.dims, other.shape):
        return f"is {_form(one)} then and {_form(other)} now"
    a, b = one.values, other.values
    if a.dtype.kind in "OUS" or b.dtype.kind in "OUS":
        count = int((a.astype(str) != b.astype(str)).sum())
        return f"has {count} other texts of {a.size}" if count else ""
    if a.dtype != b.dtype:
        return f"is {a.dtype} then and {b.dtype} now"
    return "" if a.tobytes() == b.tobytes() else _size(a, b, str(one.attrs.get("units", "1")))


def _size(a: np.ndarray, b: np.ndarray, units: str) -> str:
    same = (a == b) | (np.isnan(a) & np.isnan(b)) if a.dtype.kind == "f" else a == b
    count = int((~same).sum())
    if not count:
        return "differs in bits alone: in the sign of 0, or in NaN"
    if a.dtype.kind not in "fiu":
        return f"has {count} other values of {a.size}"
    with np.errstate(all="ignore"):
        by = np.abs(a.astype(float) - b.astype(float))[~same]
    unit = "" if units == "1" else f" {units}"
    largest = "some NaN then or now" if np.isnan(by).all() else f"by {np.nanmax(by):.3g}{unit} at most"
    return f"has {count} other values of {a.size}, {largest}"


def _form(variable: xr.Variable) -> str:
    return "(" + ", ".join(f"{dim} {size}" for dim, size in variable.sizes.items()) + ")"
