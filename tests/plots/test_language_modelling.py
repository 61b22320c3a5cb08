"""The figure of language modelling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.experiments.language_modelling import MODELS
from neurofwp.plots import language_modelling

BASELINES = xr.Dataset({"bits": ("baseline", [8.0, 4.5, 3.5])}, coords={"baseline": ["uniform", "unigram", "bigram"]})


def models_of(networks: int) -> xr.Dataset:
    rng = np.random.default_rng(0)
    dims, shape = ("model", "network", "evaluation"), (len(MODELS), networks, 5)
    return xr.Dataset(
        {
            "validation": (dims, 2 + rng.random(shape), {"units": "bits/byte"}),
            "trained": (dims, np.broadcast_to(1_000_000 * np.arange(1, 6), shape), {"units": "bytes"}),
            "bits": (dims[:2], 2 + rng.random(shape[:2]), {"units": "bits/byte"}),
        },
        coords={"model": list(MODELS)},
    )


@pytest.mark.parametrize("networks", [1, 3])
def test_means_of_every_model_are_drawn(networks: int, assert_legible: Callable[[Figure], None]) -> None:
    models = models_of(networks)
    figure = language_modelling(models, BASELINES)
    drawn = {round(float(bars[0].get_xdata()[0]), 9) for bars in figure.axes[1].containers}
    assert drawn == set(models["bits"].mean("network").values.round(9).tolist())
    curves = [line.get_ydata() for line in figure.axes[0].lines]
    for expected in models["validation"].mean("network").values:
        assert any(np.allclose(np.asarray(curve), expected) for curve in curves)
    colours = {line.get_color() for line in figure.axes[0].lines}
    assert len(colours) == len(MODELS)
    assert_legible(figure)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="needs 'trained'"):
        language_modelling(models_of(2).drop_vars("trained"), BASELINES)
