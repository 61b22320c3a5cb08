"""Dense curves go through what the closed form says at the measured points, and end where a series does."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.laboratory import curves, measurements, predict
from neurofwp.laboratory.curves import DENSE, dense_curves
from neurofwp.synapses.model import load

MODEL = "triplet-visual-cortex"


@pytest.mark.parametrize(
    ("source", "segments"),
    [
        # over frequency without the single pairs at 0.1 Hz, which are other trains
        ("sjostrom_2001_visual_cortex", {"frequency": 2, "dt": 5}),
        ("bi_poo_1998_hippocampal_culture", {"dt": 1}),
        # and with a gap where the pairs of a quadruplet would overlap
        ("wang_2005_hippocampal_culture", {"dt": 1, "interval": 2}),
    ],
)
def test_curves_end_at_the_predictions_of_their_points(source: str, segments: dict[str, int]) -> None:
    measured = measurements.read(source)
    dense = dense_curves(load(MODEL), measured)
    assert dense is not None
    ratios = predict(load(MODEL), [one.protocol for one in measured])
    names = [name for name in ("dt", "frequency", "interval") if name in dense]
    found: dict[str, int] = {}
    for segment in np.unique(dense["segment"]):
        own = dense.isel(point=np.flatnonzero(dense["segment"] == segment))
        x = str(own["over"].values[0])
        found[x] = found.get(x, 0) + 1
        ends = [own.isel(point=0), own.isel(point=-1)]
        if x == "interval":
            assert (np.abs(own[x]) > 5).all()
            ends = [max(ends, key=lambda end: abs(float(end["interval"])))]
        for end in ends:
            place = {name: float(end[name]) for name in names if end[name].notnull()}
            here = [ratio for one, ratio in zip(measured, ratios, strict=True) if one.protocol.coordinates == place]
            assert float(end["ratio"]) == pytest.approx(here[0], abs=1e-9)
    assert all((dense["over"] == x).sum() >= 0.9 * DENSE for x in segments)
    assert found == segments


def test_there_is_no_curve_without_a_closed_form_or_from_another_weight() -> None:
    measured = measurements.read("bi_poo_1998_hippocampal_culture")
    assert dense_curves(load("shouval-2002"), measured) is None
    assert dense_curves(load(MODEL), measured, initial=0.5) is None
    assert dense_curves(load(MODEL), measured[:1]) is None


def test_a_series_has_three_places_and_agrees_in_all_else() -> None:
    data = xr.Dataset(
        {"study": ("protocol", ["a"] * 5 + ["b"] * 2)},
        coords={
            "dt": ("protocol", [5.0, 10, 15, 10, np.nan, 1, 2]),
            "frequency": ("protocol", [np.nan] * 3 + [1.0, 1, 1, 1]),
        },
    )
    found = curves.find_series(data, "dt")
    np.testing.assert_array_equal(found["dt"], [5, 10, 15])
    assert curves.find_series(data, "interval").sizes["protocol"] == 0
