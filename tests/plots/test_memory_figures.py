"""Images, scatter and weight matrices show the numbers of their Datasets."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from neurofwp import metrics, plots
from neurofwp.errors import InputError


def test_images_are_targets_and_decoded_recalls(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset) -> None:
    figure = plots.recall_images(program, spiking, rate, episode=1)
    keys = np.array([ax.images[0].get_array() for ax in figure.axes[:8]]).reshape(8, -1)
    np.testing.assert_array_equal(keys[:, :200], program["query"].values[1, 8:])
    shown = np.array([ax.images[0].get_array() for ax in figure.axes[8:40]]).reshape(4, 8, 64)
    np.testing.assert_array_equal(shown[0], program["target"].values[1, 8:])
    np.testing.assert_array_equal(shown[1], metrics.decode(program, spiking).values[1, 8:])
    np.testing.assert_array_equal(shown[2], metrics.decode(program, rate).values[1, 8:])
    np.testing.assert_allclose(shown[3], np.broadcast_to(program["value"].values[1, :8].mean(0), (8, 64)))  # chance
    assert {ax.images[0].get_clim() for ax in figure.axes[8:40]} == {(-1.0, 1.0)}


def test_keys_that_were_reassigned_show_their_old_value(
    program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset
) -> None:
    again = program.copy(deep=True)
    again["key"][0, 5] = again["key"][0, 2]  # so that pair 2 has the value of pair 5
    again["query"][0, 13], again["target"][0, 13] = again["query"][0, 10], np.nan
    again["target"][0, 10] = again["value"][0, 5]
    figure = plots.recall_images(again, spiking, rate)
    names = [ax.get_ylabel() for ax in figure.axes[:-1:7]]
    assert names == ["key", "old value", "value", "spiking", "rate", "chance"]
    old = [ax.images[0].get_array().filled(np.nan).ravel() for ax in figure.axes[7:14]]
    np.testing.assert_array_equal(old[2], program["value"].values[0, 2])
    assert np.isnan([old[0], old[3]]).all()


def test_r2_under_an_image_is_that_of_the_image(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset) -> None:
    figure = plots.recall_images(program, spiking, rate, episode=2)
    middle = float(program["target"].mean())  # of all targets, as in the tables
    decoded = metrics.decode(program, rate).values[2]
    for i, ax in enumerate(figure.axes[24:32]):
        truth = program["target"].values[2, 8 + i]
        r2 = 1 - sum((truth - decoded[8 + i]) ** 2) / sum((truth - middle) ** 2)
        assert ax.get_xlabel() == f"R² {r2:.2f}"


def test_few_of_many_pairs_include_first_and_last(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset) -> None:
    figure = plots.recall_images(program, spiking, rate, max_pairs=3)
    assert [ax.get_title() for ax in figure.axes[:3]] == ["recall 1", "recall 5", "recall 8"]
    assert figure.get_supxlabel() == "3 of 8 recalls of episode 0"


def test_a_post_that_is_no_square_is_a_strip(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset) -> None:
    figure = plots.recall_images(*(data.isel(post=slice(10)) for data in (program, spiking, rate)))
    np.testing.assert_array_equal(figure.axes[8].images[0].get_array()[:, 0], program["target"].values[0, 8, :10])
    assert figure.get_supylabel() == "post dimension"


def test_scatter_shows_every_dimension_of_every_recall(
    program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset
) -> None:
    figure = plots.recall_scatter(program, spiking, rate)
    for ax, data in zip(figure.axes, (spiking, rate), strict=True):
        x, y = ax.lines[-1].get_data()
        assert len(x) == 3 * 8 * 64
        assert stats.linregress(x, y).rvalue ** 2 == pytest.approx(float(metrics.recall_r2(program, data)))  # 1 gain
        assert f"R² {stats.linregress(x, y).rvalue ** 2:.3f}" in ax.get_title()


def test_weights_show_the_cells_of_the_keys_alone(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset) -> None:
    """A cell carries weight if and only if a key used it; columns are the same cells, in both matrices."""
    used = np.flatnonzero(program["key"].values[1, :5].any(0))
    figure = plots.weights(spiking, rate, episode=1, event=4)
    first, second = (ax.images[0].get_array().data for ax in figure.axes[:2])
    w_spiking, w_rate = (data["weight"].values[1, 4] for data in (spiking, rate))
    shown = [int(np.flatnonzero((w_spiking == column[:, None]).all(0))[0]) for column in first.T]
    assert sorted(shown) == used.tolist()
    np.testing.assert_array_equal(second, w_rate[:, shown])
    assert f"({len(used)} of 200 that carry weight" in figure.axes[0].get_xlabel()


def test_cells_of_one_key_stand_together(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset) -> None:
    """After the first two writes there are at most three kinds of column: key 0, key 1, both."""
    figure = plots.weights(spiking, rate, event=1)
    columns = figure.axes[1].images[0].get_array().data.T
    changes = int((np.abs(np.diff(columns, axis=0)).max(1) > 0).sum())
    assert changes == len(np.unique(columns, axis=0)) - 1


def test_weight_scatter_gives_pearsons_r(spiking: xr.Dataset, rate: xr.Dataset) -> None:
    figure = plots.weights(spiking, rate)
    x, y = figure.axes[2].lines[-1].get_data()
    assert figure.axes[2].get_title() == f"r = {stats.pearsonr(x, y).statistic:.3f}, n = {x.size}"
    np.testing.assert_array_equal(np.sort(y), np.sort(figure.axes[0].images[0].get_array().data.ravel()))


def test_weights_before_any_write_show_every_cell(spiking: xr.Dataset, rate: xr.Dataset) -> None:
    empty = [data.assign(weight=0 * data["weight"]) for data in (spiking, rate)]
    assert plots.weights(*empty).axes[0].images[0].get_array().shape == (64, 200)


def test_bad_input_is_named(program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset) -> None:
    with pytest.raises(InputError, match="episode 3 cannot be drawn: the Program has 3"):
        plots.recall_images(program, spiking, rate, episode=3)
    with pytest.raises(InputError, match="event 16 cannot be drawn: the Trace has 16"):
        plots.weights(spiking, rate, event=16)
    with pytest.raises(InputError, match="max_pairs must be at least 1, not 0"):
        plots.recall_images(program, spiking, rate, max_pairs=0)
    with pytest.raises(InputError, match="needs 'target'"):
        plots.recall_scatter(program.drop_vars("target"), spiking, rate)
    unasked = program.assign(target=program["target"].where(program["target"]["episode"] != 1))
    with pytest.raises(InputError, match="episode 1 of the Program has no target"):
        plots.recall_images(unasked, spiking, rate, episode=1)
    with pytest.raises(InputError, match="differ in shape"):
        plots.weights(spiking, rate.isel(pre=slice(50)))


def test_what_is_written_in_an_event_can_be_its_recall(
    program: xr.Dataset, spiking: xr.Dataset, rate: xr.Dataset
) -> None:
    """And a read before the first write has no chance to show."""
    spiking, rate = (each.assign(recall=each["recall"].fillna(1.0)) for each in (spiking, rate))
    at_once = program.copy(deep=True)
    at_once["query"][:, 0], at_once["target"][:, 0] = program["key"][:, 0], program["value"][:, 0]
    figure = plots.recall_images(at_once, spiking, rate, max_pairs=2)
    assert [ax.get_ylabel() for ax in figure.axes[:-1:2]] == ["key", "target", "spiking", "rate", "chance"]
    np.testing.assert_allclose(figure.axes[8].images[0].get_array().ravel(), program["value"].values[0, 0])
    too_early = at_once.copy(deep=True)
    too_early["write_gate"][:, 0] = 0
    figure = plots.recall_images(too_early, spiking, rate, max_pairs=2)
    assert [ax.get_ylabel() for ax in figure.axes[:-1:2]] == ["key", "target", "spiking", "rate"]
