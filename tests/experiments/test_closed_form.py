"""Simulated two-threshold synapses against their closed form: what is counted, and how it is judged."""

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import closed_form as experiment
from neurofwp.protocols.kinds import pairing
from neurofwp.synapses.model import load


def test_standard_errors_are_those_of_counts() -> None:
    # 40 simulated populations: how their mean changes scatter is what is expected of one
    model, protocol, repeats = load("graupner-brunel-dp-curve"), pairing(10.0), 50
    ratio, sem, rarest = experiment._exact(model, protocol, repeats)
    change = experiment.graupner_brunel.exact(model, protocol)
    rng = np.random.default_rng(0)
    up, down = (rng.binomial(repeats, each, 4000) / repeats for each in (change.up, change.down))
    low, high = 1.0, 5.0
    means = (0.5 * (low + (high - low) * up) + 0.5 * (high - (high - low) * down)) / 3.0
    assert means.mean() == pytest.approx(ratio, abs=0.005)
    assert means.std() == pytest.approx(sem, rel=0.05)
    assert rarest == pytest.approx(max(min(p, 1 - p) for p in (change.up, change.down)) * repeats)


def test_summary_counts_points_whose_counts_are_large() -> None:
    dims = {"set": ["a"], "bistable": [0, 1], "dt": [0.0, 10.0, 20.0]}
    data = xr.Dataset(
        {
            "ratio": (("set", "bistable", "dt"), [[[1.1, 1.3, 1.01], [1.2, 1.3, 1.0]]]),
            "sem": (("set", "bistable", "dt"), np.full((1, 2, 3), 0.03)),
            "closed_form": (("set", "dt"), [[1.0, 1.31, 1.0]]),
            "z": (("set", "dt"), [[3.0, -0.3, 50.0]]),
            "rarest": (("set", "dt"), [[20.0, 30.0, 1.0]]),
        },
        coords=dims,
    )
    numbers = experiment.summary(xr.DataTree.from_dict({"/changes": data}))
    assert (numbers["points"], numbers["within_2_se"]) == (2, 0.5)
    assert numbers["mean_z2"] == pytest.approx((9 + 0.09) / 2)
    assert numbers["largest_error_of_others"] == pytest.approx(0.01)
    assert numbers["a.bistable_difference"] == pytest.approx(0.1)
    assert numbers["a.bistable_difference_sem"] == pytest.approx(0.03 * 2**0.5)


def test_bad_settings_are_refused_before_any_work() -> None:
    with pytest.raises(InputError, match="2 repeats or more"):
        experiment.run(experiment.Settings(repeats=1), seed=0, device="cpu")
    with pytest.raises(InputError, match="graupner-brunel-dp-curv"):
        experiment.run(experiment.Settings(sets=("dp-curv",)), seed=0, device="cpu")
