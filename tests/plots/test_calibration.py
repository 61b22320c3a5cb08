"""The figure of a search for parameters."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from neurofwp.calibration.space import SPACE
from neurofwp.errors import InputError
from neurofwp.plots.calibration import calibration, front


@given(arrays(float, (2, 12), elements=st.sampled_from(np.linspace(0, 1, 5).tolist())))
def test_the_front_is_what_nobody_dominates(scores: np.ndarray) -> None:
    share, recall = scores
    found = front(share, recall)
    points = {tuple(point) for point in scores.T.tolist()}
    undominated = {
        (a, b) for a, b in points if not any((c >= a and d >= b) and (c, d) != (a, b) for c, d in points)
    }  # fmt: skip
    assert {(share[each], recall[each]) for each in found} == undominated
    assert (np.diff(share[found]) > 0).all()
    assert (np.diff(recall[found]) < 0).all()


def test_points_lines_and_marks_are_the_data(assert_legible) -> None:
    rng = np.random.default_rng(0)
    count = 40
    columns = {"share": rng.uniform(0, 1, count), "recall": rng.uniform(-0.1, 0.9, count)}
    every = xr.Dataset(
        {name: ("candidate", column, {"units": "1"}) for name, column in columns.items()}
        | {"generation": ("candidate", np.arange(count) // 10), "final": ("candidate", np.arange(count) >= 30)},
        attrs={"rule": "gated_delta"},
    )
    low, high = (np.array([getattr(each, name) for each in SPACE]) for name in ("low", "high"))
    parameters = xr.Dataset(
        {
            "start": ("parameter", np.where(np.arange(len(low)) % 3, low * 1.5, np.inf)),
            "found": ("parameter", np.sqrt(low * high)),
            "low": ("parameter", low),
            "high": ("parameter", high),
            "unit": ("parameter", [each.unit for each in SPACE]),
        },
        coords={"parameter": [each.name for each in SPACE]},
    )
    judged = xr.Dataset(
        {
            "feve": ("model", [0.2, 0.98]),
            "low": ("model", [0.15, 0.97]),
            "high": ("model", [0.3, 0.99]),
            "recall": ("model", [0.3, 0.9]),
            "recall_sem": ("model", [0.05, 0.02]),
        },
        coords={"model": ["start", "chosen"]},
    )
    figure = calibration(every, parameters, judged)
    left, right = figure.axes[:2]
    drawn = np.asarray(left.collections[0].get_offsets())
    np.testing.assert_allclose(drawn, np.stack([columns["share"], columns["recall"]], axis=1)[:30])
    assert left.get_xlabel() == "FEVE of gated delta (1)"
    found = next(line for line in right.lines if np.allclose(line.get_xdata(), 0.5))
    assert len(found.get_ydata()) == len(SPACE)
    assert_legible(figure)
    with pytest.raises(InputError, match="recall"):
        calibration(every.drop_vars("recall"), parameters, judged)
    with pytest.raises(InputError, match="recall_sem"):
        calibration(every, parameters, judged.drop_vars("recall_sem"))
