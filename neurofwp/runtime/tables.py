"""Tables: labelled Datasets with units, and what is made of them for other programs.

An experiment gives its tables as Datasets by name, as ``recall`` with ``r2`` and ``r2_sem`` over (network, pairs). Rows
of a table are the combinations of the coordinates of its dims; a dim without coordinates is no row, but a list. In a
table without any coordinates whose variables have the same dims, as one of single points, these are rows, but lists in
``summary.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

UNNAMED = "summary"  # a table whose numbers go into summary.json under their own names
FOLLOWS_FROM = "table"  # attribute of a variable that is a number of that table
MOST = 500  # numbers of one table that `variables` names one by one
SEM = "_sem"


def flat(tables: Mapping[str, xr.Dataset]) -> dict[str, Any]:
    """Every number and text of some tables under one flat key: ``recall.spiking.8.r2``.

    A key is the name of the table (but for that of the table `UNNAMED`), the coordinates of the row in the order of the
    variable's dims, and the name of the variable, with ``.sem`` in place of ``_sem``. Lists are those of dims without
    coordinates.
    """
    return {key: value for name, table in tables.items() for key, value, _ in _named(name, table)}


def variables(tables: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """The same numbers and texts as variables without dims, each with its unit; lists become text.

    So they can stand above groups of any dims. A table of more than `MOST` numbers is left out.
    """
    made = {}
    for name, table in tables.items():
        if sum(each.size for each in table.data_vars.values()) > MOST:
            continue
        for key, value, unit in _named(name, table):
            plain = " ".join(map(str, value)) if isinstance(value, list) else value
            made[key.replace("/", "_")] = ((), plain, {"units": unit, FOLLOWS_FROM: name})
    return xr.Dataset(made)


def _named(name: str, table: xr.Dataset) -> Iterator[tuple[str, Any, str]]:
    """Key, value and unit of all that a table holds."""
    for variable in map(str, table.data_vars):
        label = f"{variable.removesuffix(SEM)}.sem" if variable.endswith(SEM) else variable
        unit = str(table[variable].attrs.get("units", "1"))
        for words, value in _entries(table[variable]):
            yield ".".join([*([] if name == UNNAMED else [name]), *words, label]), value, unit


def frame(table: xr.Dataset) -> pd.DataFrame:
    """A table with one row for every combination of coordinates, and its units in ``attrs["units"]``, by column.

    Lists become text.
    """
    plain = table.copy()
    of_rows = [dim for dim in table.dims if dim in table.coords]
    if not of_rows and len({variable.dims for variable in table.data_vars.values()}) == 1:
        of_rows = list(table.dims)
    for name in map(str, table.data_vars):
        listed = [dim for dim in table[name].dims if dim not in of_rows]
        if listed:
            texts = xr.apply_ufunc(_join, table[name], input_core_dims=[listed], vectorize=True, output_dtypes=[object])
            plain[name] = texts
    dims = list(dict.fromkeys(dim for variable in plain.data_vars.values() for dim in variable.dims))
    if dims:
        # single points are told apart by nothing but their order
        rows = plain.to_dataframe(dim_order=dims).reset_index(drop=not table.coords)
    else:
        rows = pd.DataFrame([{str(name): variable.item() for name, variable in plain.data_vars.items()}])
    rows.attrs["units"] = {str(name): variable.attrs.get("units", "1") for name, variable in table.variables.items()}
    return rows


def _entries(variable: xr.DataArray) -> Iterator[tuple[list[str], Any]]:
    """Coordinates in words, and the value there."""
    dims = [dim for dim in variable.dims if dim in variable.coords]
    words = [[_word(label) for label in variable[dim].values.tolist()] for dim in dims]
    values = variable.transpose(*dims, ...).values
    for index in np.ndindex(values.shape[: len(dims)]):
        here = np.asarray(values[index], dtype=values.dtype)  # of one object, indexing gives the object itself
        yield [own[at] for own, at in zip(words, index, strict=True)], here.tolist()


def _word(label: Any) -> str:
    return f"{label:g}" if isinstance(label, float) else str(label)


def _join(values: Any) -> str:
    return " ".join(map(str, values.ravel().tolist()))
