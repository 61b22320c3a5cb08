"""The figure of meta-learning."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from neurofwp.errors import InputError
from neurofwp.plots.meta_learning import COLOUR, meta_learning

Legible = Callable[[Figure], None]
Data = tuple[xr.Dataset, xr.Dataset, xr.Dataset]

UNIT = {"units": "1"}
TRAINING = {"training": ["before", "after"]}


@pytest.fixture
def data() -> Data:
    rng = np.random.default_rng(0)
    examples, shots, bins = np.arange(41), np.arange(1, 6), np.arange(0.025, 1, 0.05)
    theory = np.stack([110 / (examples + 11), 10 * (11 / 12) ** examples])
    squared = theory[:, None, None] * rng.uniform(0.7, 3, (2, 2, 3, 1))
    error = xr.Dataset(
        {
            "squared_error": (("rule", "training", "network", "examples"), squared, UNIT),
            "theory": (("rule", "examples"), theory, UNIT),
            "limit": (("rule", "examples"), 0.8 * theory, UNIT),
        },
        coords={"rule": ["hebbian", "delta"], "examples": examples, **TRAINING},
        attrs={"examples": 20},
    )
    few_shot = xr.Dataset(
        {"accuracy": (("training", "network", "shots"), rng.uniform(0.2, 1, (2, 3, 5)), UNIT)},
        coords={"shots": shots, **TRAINING},
        attrs={"chance": 0.2},
    )
    density = rng.dirichlet(np.ones(20), (2, 3, 2))
    gate = xr.Dataset(
        {"density": (("training", "network", "kind", "gate"), density, UNIT)},
        coords={"kind": ["stored", "distractors"], "gate": bins, **TRAINING},
    )
    return error, few_shot, gate


def lines(ax: Axes, colour: str) -> list[np.ndarray]:
    return [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_color() == colour]


def test_means_over_networks_stand_beside_closed_forms(data: Data, assert_legible: Legible) -> None:
    error, few_shot, _ = data
    figure = meta_learning(*data)
    for when, colour in COLOUR.items():
        for ax, rule in zip(figure.axes, ("hebbian", "delta"), strict=False):
            expected = error["squared_error"].sel(rule=rule, training=when).mean("network")
            np.testing.assert_allclose(lines(ax, colour), [expected])
        expected = few_shot["accuracy"].sel(training=when).mean("network")
        np.testing.assert_allclose(lines(figure.axes[2], colour), [expected])
    for ax, rule in zip(figure.axes, ("hebbian", "delta"), strict=False):
        np.testing.assert_allclose(lines(ax, "#000000"), [error[name].sel(rule=rule) for name in ("theory", "limit")])
    assert_legible(figure)


def test_bands_are_one_standard_error_wide(data: Data) -> None:
    accuracy = data[1]["accuracy"].sel(training="before")
    band = meta_learning(*data).axes[2].collections[0].get_paths()[0].vertices
    sem = accuracy.std("network", ddof=1) / np.sqrt(3)
    for shots in (1, 5):
        here = band[band[:, 0] == shots, 1]
        assert np.ptp(here) == pytest.approx(2 * float(sem.sel(shots=shots)))


def test_distractors_are_drawn_downwards(data: Data) -> None:
    density = data[2]["density"].mean("network")
    drawn = [patch.get_data().values for patch in meta_learning(*data).axes[3].patches if isinstance(patch, StepPatch)]
    expected = [
        sign * density.sel(kind=kind, training=when).values
        for kind, sign in (("stored", 1), ("distractors", -1))
        for when in COLOUR
    ]
    np.testing.assert_allclose(drawn, expected)


def test_one_network_has_no_standard_error(data: Data, assert_legible: Legible) -> None:
    figure = meta_learning(*(each.isel(network=[0]) for each in data))
    assert figure.legends[0].get_title().get_text().startswith("one slow net each")
    assert_legible(figure)


@pytest.mark.parametrize(("which", "name"), [(0, "limit"), (1, "accuracy"), (2, "density")])
def test_missing_variables_are_named(data: Data, which: int, name: str) -> None:
    given = list(data)
    given[which] = given[which].drop_vars(name)
    with pytest.raises(InputError, match=f"needs '{name}'"):
        meta_learning(*given)
