"""Tables: flat keys and rows say the same as the Datasets that they are made of."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurofwp.runtime.tables import MOST, flat, frame, variables

TABLE = xr.Dataset(
    {
        "r2": (("network", "pairs"), [[0.5, 0.25], [1.0, 0.75]], {"units": "1"}),
        "r2_sem": (("network", "pairs"), np.full((2, 2), 0.125), {"units": "1"}),
        "best": (("network", "rank"), [["delta", "oja"], ["oja", "delta"]]),
        "pause": ((), 2.0, {"units": "s"}),
    },
    coords={"network": ["spiking", "rate"], "pairs": ("pairs", [2.5, 4.0], {"units": "1"})},
)


def test_a_key_is_the_table_the_coordinates_and_the_variable() -> None:
    numbers = flat({"recall": TABLE, "summary": xr.Dataset({"points": ((), 3)})})
    assert numbers["recall.rate.2.5.r2"] == 1.0
    assert numbers["recall.spiking.4.r2.sem"] == 0.125
    assert numbers["recall.spiking.best"] == ["delta", "oja"]  # a dim without coordinates is a list
    assert numbers["recall.pause"] == 2.0
    assert numbers["points"] == 3
    assert len(numbers) == 4 + 4 + 2 + 1 + 1


def test_numbers_of_tables_are_variables_without_dims_with_their_units() -> None:
    long = xr.Dataset({"error": ("row", np.zeros(MOST + 1))}, coords={"row": np.arange(MOST + 1)})
    made = variables({"recall": TABLE, "summary": xr.Dataset({"points": ((), 3)}), "long": long})
    assert not made.sizes
    assert made["recall.rate.2.5.r2"].item() == 1.0
    assert made["recall.spiking.best"].item() == "delta oja"
    assert made["recall.pause"].attrs["units"] == "s"
    assert set(made) == set(flat({"recall": TABLE, "summary": xr.Dataset({"points": ((), 3)})}))


def test_a_row_is_a_combination_of_coordinates() -> None:
    rows = frame(TABLE)
    assert len(rows) == 4
    one = rows[(rows["network"] == "rate") & (rows["pairs"] == 4.0)].iloc[0]
    assert (one["r2"], one["r2_sem"], one["best"], one["pause"]) == (0.75, 0.125, "oja delta", 2.0)
    assert rows.attrs["units"]["pause"] == "s"
    assert frame(xr.Dataset({"points": ((), 3)})).to_dict("records") == [{"points": 3}]


def test_single_points_are_rows_of_a_table_and_lists_of_a_summary() -> None:
    points = xr.Dataset({"study": ("point", ["a", "b"]), "z": ("point", [0.5, -1.0])})
    assert flat({"points": points}) == {"points.study": ["a", "b"], "points.z": [0.5, -1.0]}
    assert frame(points)[["study", "z"]].values.tolist() == [["a", 0.5], ["b", -1.0]]
