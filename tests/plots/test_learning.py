"""The figure of a meta-training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import plots
from neurofwp.errors import InputError


@pytest.fixture
def history() -> xr.Dataset:
    step = np.arange(100, 700, 100)
    one = {"units": "1"}
    return xr.Dataset(
        {
            "loss": ("step", 0.4 * np.exp(-step / 200), one),
            "r2": ("step", 1 - np.exp(-step / 200), one),
            "distractors_r2": ("step", 0.5 * np.exp(-step / 200), one),
            "r2_before": ((), 0.03, one),
            "r2_after": ((), 0.93, one),
            "distractors_r2_before": ((), 0.45, one),
            "distractors_r2_after": ((), 0.02, one),
        },
        coords={"step": ("step", step, one)},
    )


def test_curves_are_evaluations_and_lines_are_before_and_after(
    history: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = plots.learning(history)
    left, right = figure.axes
    np.testing.assert_array_equal(left.lines[0].get_xydata().T, [history["step"], history["loss"]])
    assert left.get_yscale() == "log"
    curves = {line.get_label(): line for line in right.lines if len(line.get_xdata()) > 2}
    assert curves.keys() == {"r2", "distractors r2"}
    assert {text.get_text() for text in figure.legends[0].get_texts()} == curves.keys()
    for label, curve in curves.items():
        name = label.replace(" ", "_")
        np.testing.assert_array_equal(curve.get_xydata().T, [history["step"], history[name]])
        levels = [line for line in right.lines if line.get_color() == curve.get_color() and line is not curve]
        assert [line.get_ydata()[0] for line in levels] == [history[f"{name}_before"], history[f"{name}_after"]]
        assert (
            levels[0].get_linestyle() != levels[1].get_linestyle() or levels[0]._dash_pattern != levels[1]._dash_pattern
        )
    assert {left.get_xlabel(), right.get_xlabel()} == {"training step"}
    assert left.get_ylabel() == "loss (1)"
    assert_legible(figure)


def test_one_measure_and_one_evaluation_are_enough(
    history: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    few = history[["loss", "r2"]].isel(step=[0])
    figure = plots.learning(few)
    assert len(figure.axes[1].lines) == 1
    assert_legible(figure)


def test_what_is_no_history_is_refused(history: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs 'loss'"):
        plots.learning(history.drop_vars("loss"))
    with pytest.raises(InputError, match="loss"):
        plots.learning(history.isel(step=0))
