"""The figures of three memories on one circuit."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.plots.associations import LABELS, MODE, completion, sequence_recall

MEMORIES = ["hetero", "auto", "sequence"]
SHARE = [0.0, 0.3, 0.8, 0.3, 0.8]
NETWORKS = ["spiking", "rate"]


def table(names: list[str], dim: str, labels: list[str]) -> xr.Dataset:
    rng = np.random.default_rng(6)
    dims = (*(("network",) if dim == "association" else ()), dim, "cue", "episode")
    shape = (*((2,) if dim == "association" else ()), len(labels), 5, 4)
    damage = ["none", *["silenced"] * 2, *["swapped"] * 2]
    made = xr.Dataset({name: (dims, rng.uniform(0.2, 0.9, shape), {"units": "1"}) for name in names})
    made = made.assign_coords({dim: labels, "damage": ("cue", damage), "share": ("cue", SHARE)})
    return made.assign_coords(network=NETWORKS, synapse_model="additive") if dim == "association" else made


def test_completion_draws_means_of_each_damage_beside_whole_keys(assert_legible) -> None:
    recall = table([*LABELS, "chance"], "association", MEMORIES).assign_attrs(title="8 items", rule="hebbian")
    expected = table(["r2", "gain"], "association", MEMORIES) - 0.1
    others = table(["identified"], "memory", ["sparse", "dense", "nearest key"])
    figure = completion(recall, expected, others)
    for row, name in enumerate(LABELS):
        for column, at in enumerate(([0, 1, 2], [0, 3, 4])):
            ax = figure.axes[2 * row + column]
            for memory, points in zip(MEMORIES, ax.containers, strict=True):
                here = recall[name].sel(association=memory).isel(cue=at)
                np.testing.assert_allclose(points.lines[0].get_ydata(), here.sel(network="spiking").mean("episode"))
                half = [np.ptp(path[:, 1]) / 2 for path in points.lines[2][0].get_segments()]
                np.testing.assert_allclose(half, here.sel(network="spiking").std("episode", ddof=1) / 2)
                assert any(np.allclose(line.get_ydata(), here.sel(network="rate").mean("episode")) for line in ax.lines)
    drawn = [line.get_ydata() for line in figure.axes[4].lines]
    for memory in others["memory"].values:
        values = others["identified"].sel(memory=memory).isel(cue=[0, 1, 2]).mean("episode")
        assert any(np.allclose(line, values) for line in drawn)
    assert_legible(figure)


def test_a_missing_measure_is_named() -> None:
    recall = table(["r2", "gain", "chance"], "association", MEMORIES)
    with pytest.raises(InputError, match="needs 'identified'"):
        completion(recall, recall, recall)


def test_sequences_are_drawn_as_right_positions_and_images(assert_legible) -> None:
    rng = np.random.default_rng(2)
    sizes = {"network": 2, "mode": 3, "step": 5, "episode": 4, "post": 9}
    dims = {
        "right": ("network", "mode", "step", "episode"),
        "one_overlap": ("network", "step", "episode"),
        "direct_overlap": ("network", "step", "episode"),
        "answer": ("network", "mode", "step", "post"),
        "target": ("network", "step", "post"),
    }
    loop = xr.Dataset(
        {name: (d, rng.uniform(0, 1, [sizes[each] for each in d]), {"units": "1"}) for name, d in dims.items()},
        coords={"network": NETWORKS, "mode": list(MODE), "step": np.arange(1, 6), "synapse_model": "additive"},
        attrs={"rule": "hebbian"},
    )
    figure = sequence_recall(loop)
    for number, mode in enumerate(MODE):
        points = figure.axes[0].containers[2 * number]
        mean = loop["right"].sel(mode=mode, network="spiking").mean("episode")
        np.testing.assert_allclose(points.lines[0].get_ydata(), mean)
    shown = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    np.testing.assert_allclose(shown[0], loop["target"].sel(network="spiking", step=1).values.reshape(3, 3))
    np.testing.assert_allclose(shown[6], loop["answer"].isel(network=0, mode=0, step=1).values.reshape(3, 3))
    assert_legible(figure)
