"""What the overwriting experiment reports."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.experiments import overwriting


def test_the_best_write_speed_of_the_soft_bound_counts() -> None:
    settings = overwriting.Settings(speeds=(1.0, 0.5))
    networks = list(overwriting._networks(settings))
    assert networks[-2:] == ["soft bound, speed 1", "soft bound, speed 0.5"]
    r2 = np.linspace(0.1, 0.9, 2 * len(networks) * 3).reshape(2, len(networks), 3)
    recall = xr.Dataset(
        {"r2": (("task", "network", "episode"), r2), "chance": (("task", "episode"), np.full((2, 3), 0.4))},
        coords={"task": ["rebinding", "overlap"], "network": networks},
    )
    numbers = overwriting.summary(xr.DataTree.from_dict({"/recall": recall}))
    assert numbers["overlap.soft bound, best.r2"] == pytest.approx(r2[1, -1].mean())
    assert numbers["rebinding.additive.r2"] == pytest.approx(r2[0, networks.index("additive")].mean())
    assert numbers["rebinding.additive.sem"] == pytest.approx(np.diff(r2[0, 0])[0] / np.sqrt(3))
    assert numbers["overlap.chance.r2"] == pytest.approx(0.4)


def test_networks_differ_from_their_model_files_in_what_their_names_say() -> None:
    networks = overwriting._networks(overwriting.Settings(speeds=(0.25,)))
    assert float(networks["error-correcting, no feedback"]["parameters"]["g_gaba"]) == 0
    soft = overwriting.load("soft-bound").values
    slow = networks["soft bound, speed 0.25"]["parameters"]
    assert {name: float(slow[name] / soft[name]) for name in slow} == pytest.approx({"P": 0.25, "D": 0.25})
