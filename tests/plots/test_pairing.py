"""Traces of one pair of spikes show the numbers of their Dataset."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots.pairing import pairing_traces


@pytest.fixture
def traces() -> xr.Dataset:
    """Two orders of spikes, 10 ms apart; calcium that decays from 0.6 and from 0.4."""
    time = np.arange(-50, 350, 0.5)
    passed = np.maximum(time, 0)
    shape = np.where(time > 0, np.exp(-passed / 50), 0)
    calcium = np.array([0.6, 0.4])[:, None] * shape
    dims = ("protocol", "time")
    made = xr.Dataset(
        {
            "voltage": (dims, -65 + 100 * np.tile(shape, (2, 1)), {"units": "mV"}),
            "calcium": (
                dims,
                calcium,
                {"units": "1", "depression_threshold": 0.35, "potentiation_threshold": 0.55},
            ),
            "omega": (dims, 0.25 + calcium, {"units": "1"}),
            "weight": (dims, 0.25 + np.array([0.02, -0.01])[:, None] * (1 - shape) * (time > 0), {"units": "nS"}),
        },
        coords={
            "protocol": ["pre before post", "post before pre"],
            "time": ("time", time, {"units": "ms"}),
            "pre": ("protocol", [0.0, 10.0], {"units": "ms"}),
            "post": ("protocol", [10.0, 0.0], {"units": "ms"}),
        },
        attrs={"model": "shouval-2002"},
    )
    return made


def test_a_column_per_order_and_a_row_per_variable(
    traces: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = pairing_traces(traces)
    axes = np.array(figure.axes).reshape(4, 2)
    for column in range(2):
        for row, name in enumerate(("voltage", "calcium", "omega")):
            drawn = next(line for line in axes[row, column].lines if len(line.get_xdata()) > 10)
            np.testing.assert_array_equal(drawn.get_data(), [traces["time"], traces[name][column]])
        change = next(line for line in axes[3, column].lines if len(line.get_xdata()) > 10)
        np.testing.assert_allclose(change.get_ydata()[-1], (20, -10)[column], rtol=1e-2)  # pS
        marks = [line.get_xdata()[0] for line in axes[0, column].lines if line.get_marker() == "v"]
        assert sorted(marks) == [0, 10]
        levels = {line.get_ydata()[0] for line in axes[1, column].lines if line.get_linestyle() not in ("-", "None")}
        assert levels == {0.35, 0.55}
    assert [ax.get_title() for ax in axes[0]] == ["pre before post (+10 ms)", "post before pre (−10 ms)"]
    assert figure.get_suptitle() == "shouval-2002, from 0.25 nS"
    assert_legible(figure)


def test_a_rule_of_spikes_alone_has_neither_calcium_nor_omega(
    traces: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = pairing_traces(traces.drop_vars(["calcium", "omega"]).assign_attrs(noise="without noise"))
    assert len(figure.axes) == 4
    assert figure.get_suptitle().endswith(", without noise")
    assert_legible(figure)


def test_what_is_missing_is_said(traces: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs 'weight'"):
        pairing_traces(traces.drop_vars("weight"))
    with pytest.raises(InputError, match="needs 'pre'"):
        pairing_traces(traces.drop_vars("pre"))
