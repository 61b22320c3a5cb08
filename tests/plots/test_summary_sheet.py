"""The summary sheet shows its numbers, and which of them were fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from neurofwp.errors import InputError
from neurofwp.plots.synapse_models import summary_sheet

STUDIES = ("Sjöström et al. 2001", "Sjostrom et al. 2001 (paired_recordings)", "Markram et al. 1997")
MODELS = ("graupner-brunel-hippocampal-culture", "triplet-visual-cortex")


@pytest.fixture
def scores() -> xr.Dataset:
    """Two models fitted to the first study and to the third."""
    fitted = [(model, study) for model in MODELS for study in (STUDIES[0], STUDIES[2])]
    role = [["train", "same study", "test"], ["test", "test", "train"]] * 2
    chi2 = [[0.0, 0.042, 9.94], [1602.3, 61.5, 0.35], [3.0, 4.0, 5.0], [12.5, 9.96, 100.0]]
    return xr.Dataset(
        {
            "chi2": (("row", "study"), chi2),
            "role": (("row", "study"), role),
            "points": ("study", [10, 10, 8]),
            "test": ("row", [9.94, 831.9, 5.0, 11.23]),
        },
        coords={
            "study": list(STUDIES),
            "model": ("row", [model for model, _ in fitted]),
            "fitted_to": ("row", [study for _, study in fitted]),
        },
    )


def texts(figure: Figure) -> np.ndarray:
    """What is written in the cells."""
    ax = figure.axes[0]
    cells = {tuple(text.get_position()[::-1]): text.get_text() for text in ax.texts}
    rows, columns = (1 + max(cell[axis] for cell in cells) for axis in (0, 1))
    return np.array([[cells[row, column] for column in range(int(columns))] for row in range(int(rows))])


def test_cells_hold_their_numbers_and_those_fitted_are_framed(
    scores: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = summary_sheet(scores)
    expected = [
        ["0.00", "0.04", "9.9", "9.9"],
        ["1602", "62", "0.3", "832"],
        ["3.0", "4.0", "5.0", "5.0"],
        ["12", "10", "100", "11"],
    ]
    assert texts(figure).tolist() == expected
    ax = figure.axes[0]
    centres = {
        (each.get_y() + each.get_height() / 2, each.get_x() + each.get_width() / 2): each.get_linestyle()
        for each in ax.patches
        if isinstance(each, Rectangle)
    }
    places = {tuple(np.round(place, 6)): line for place, line in centres.items()}
    assert places == {(0, 0): "-", (0, 1): ":", (1, 2): "-", (2, 0): "-", (2, 1): ":", (3, 2): "-"}
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [f"{MODELS[0]}, {STUDIES[0]}", STUDIES[2], f"{MODELS[1]}, {STUDIES[0]}", STUDIES[2]]
    assert [label.get_text()[-8:] for label in ax.get_xticklabels()] == [
        "(n = 10)",
        "(n = 10)",
        "\n(n = 8)",
        "t\nfitted",
    ]
    assert_legible(figure)


def test_colours_follow_the_logarithm_and_end_where_the_scale_does(scores: xr.Dataset) -> None:
    image = summary_sheet(scores).axes[0].images[0]
    drawn = np.asarray(image.norm(image.get_array()))
    np.testing.assert_allclose(drawn[:2, :3], [[0, 0, np.log10(99.4) / 3], [1, np.log10(615) / 3, np.log10(3.5) / 3]])


def test_published_parameters_have_neither_frames_nor_a_column_of_predictions(
    scores: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    published = scores.isel(row=[0, 2]).assign(
        role=(("row", "study"), np.full((2, 3), "")), test=("row", [np.nan, np.nan])
    )
    figure = summary_sheet(published.assign_coords(fitted_to=("row", ["", ""])))
    assert texts(figure).shape == (2, 3)
    assert not figure.axes[0].patches
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(MODELS)
    assert_legible(figure)


def test_what_is_missing_is_said(scores: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs 'role'"):
        summary_sheet(scores.drop_vars("role"))
