"""Simulated two-threshold synapses beside their closed form: what the experiment compares and reports."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import closed_form
from neurofwp.laboratory import kinds
from neurofwp.theory import graupner_brunel

SMALL = closed_form.Settings(sets=("dpd-prime",), intervals=(5.0, -5.0), pairs=1, repeats=40, backend="numpy")


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    return closed_form.run(SMALL, seed=1, device="cpu")


def test_both_simulations_and_the_closed_form_are_of_the_same_pairs(result: xr.DataTree) -> None:
    data = result["pairs"].to_dataset().sel(set="dpd-prime")
    np.testing.assert_array_equal(data["dt"], [-5, 5])
    model = closed_form.load_set("dpd-prime", bistable=0)
    exact = [graupner_brunel.exact_change(model, kinds.pairing(dt, trains=1)) for dt in (-5.0, 5.0)]
    np.testing.assert_allclose(data["exact"], [each.ratio for each in exact], rtol=1e-12)
    np.testing.assert_allclose(data["curve"].sel(at=[-5, 5]), data["exact"], rtol=1e-12)
    # synapses begin at 1 and 5, half of them at either
    sem = [4 * np.sqrt(e.up * (1 - e.up) + e.down * (1 - e.down)) / 6 / np.sqrt(40) for e in exact]
    np.testing.assert_allclose(data["sem"], sem, rtol=1e-9)
    assert (abs(data["off"] - data["exact"]) < 3.5 * data["sem"] + 1e-3).all()
    # one second is nothing to the bistable term: with the same noise the same synapses switch
    np.testing.assert_allclose(data["on"], data["off"], atol=1e-9)


def test_numbers_and_tables_tell_how_many_points_agree(result: xr.DataTree) -> None:
    data = result["pairs"].to_dataset()
    made = data.assign(
        off=data["exact"] + [[1.9, -3.0]] * data["sem"].clip(0.01), sem=data["sem"].clip(0.01),
        difference=(data["exact"].dims, [[0.02, -0.07]]),
    )  # fmt: skip
    tree = xr.DataTree.from_dict({"/pairs": made})
    numbers = closed_form.EXPERIMENT.summary(tree)
    assert (numbers["points"], numbers["within_2_standard_errors"]) == (2, 0.5)
    assert numbers["largest_z"] == pytest.approx(3)
    assert numbers["mean_z2"] == pytest.approx((1.9**2 + 9) / 2)
    assert numbers["largest_difference"] == 0.07
    assert numbers["sets.dpd-prime.within_2_standard_errors"] == 0.5
    assert numbers["sets.dpd-prime.largest_difference"] == -0.07
    assert numbers["sets.dpd-prime.largest_difference.sem"] == float(made["difference_sem"].sel(set="dpd-prime", dt=5))
    assert numbers["sets.dpd-prime.largest_difference_dt"] == 5
    pairs = closed_form.tables(tree)["pairs"].sel(set="dpd-prime")
    np.testing.assert_allclose(pairs["z"], [1.9, -3.0])
    assert numbers["pairs.dpd-prime.-5.exact"] == float(pairs["exact"].sel(dt=-5))


def test_where_nothing_can_change_a_point_agrees() -> None:
    zeros = xr.zeros_like(xr.DataArray(np.zeros(2), dims="dt"))
    levels = xr.DataArray([1, 1.1], dims="dt")
    certain = xr.Dataset({"off": zeros + 1, "exact": levels, "sem": zeros})
    z = closed_form.z_score(certain)
    assert z[0] == 0
    assert abs(z[1]) > 1e6


def test_a_set_comes_with_its_delay_on_the_grid_and_the_bistable_term_asked_for() -> None:
    values = closed_form.load_set("hippocampal-slice", bistable=1).values
    assert float(values["pre_delay"]) == pytest.approx(18.8e-3)
    assert values["bistable"] == 1


def test_the_figure_has_a_panel_for_every_set_with_line_and_points(result: xr.DataTree) -> None:
    data = result["pairs"].to_dataset()
    several = xr.concat([data.assign_coords(set=[name]) for name in "abcd"], dim="set")
    figure = closed_form.plot(xr.DataTree.from_dict({"/pairs": several}))["closed_form"]
    assert [ax.get_title() for ax in figure.axes] == list("abcd")
    for ax in figure.axes:
        line = next(line for line in ax.lines if line.get_label() == "closed form")
        np.testing.assert_allclose(line.get_ydata(), data["curve"].values[0])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sets": ("dpx",)}, "unknown synapse model 'graupner-brunel-dpx'"),
        ({"sets": ("cortical-slice-nmda",)}, "no bistable term"),
        ({"sets": ()}, "one or more sets"),
        ({"repeats": 1}, "2 or more, not 1"),
    ],
)
def test_what_cannot_be_run_is_named(changed: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        closed_form.run(closed_form.Settings(**changed), seed=0, device="cpu")
