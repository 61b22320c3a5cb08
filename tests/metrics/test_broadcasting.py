"""Measures, fits and rate networks of several conditions: each is what it is alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from neurofwp import identification, metrics, program, trace as traces
from neurofwp.errors import InputError
from neurofwp.program import nth_condition
from neurofwp.rate import RateNetwork

Measure = Callable[[xr.Dataset, xr.Dataset], xr.DataArray | xr.Dataset]
MEASURES: dict[str, Measure] = {
    "decode": metrics.decode,
    "recall_r2": metrics.recall_r2,
    "by episode": lambda p, t: metrics.recall_r2(p, t, by="episode"),
    "where": lambda p, t: metrics.recall_r2(
        p, t, where=p["target"].notnull().all("post") & (p["value"] > 0).any("post")
    ),
    "chance_r2": lambda p, t: metrics.chance_r2(p),
    "identified": metrics.identified,
    "chance_identified": lambda p, t: metrics.chance_identified(p),
    "projections": metrics.projections,
    "identify": lambda p, t: identification.identify(p, t, ["hebbian", "delta"], restarts=1, progress=False),
}


@pytest.fixture(scope="module")
def both() -> tuple[xr.Dataset, xr.Dataset]:
    """Two Programs, in which half of the keys are written anew and all are read, and their Trace."""
    rng = np.random.default_rng(0)
    key = (rng.random((4, 6, 20)) < 0.3).astype(float)
    key[:, 3:] = key[:, :3]
    made = []
    for _ in range(2):
        value = rng.choice([-1.0, 1.0], (4, 6, 3))
        made.append(program.from_arrays(key, value, query=key, target=value))
    programs = xr.concat(made, dim="condition", data_vars="all", combine_attrs="override")
    programs = programs.assign_coords(condition=["a", "b"], level=("condition", [1.0, 2.0]))
    return programs, RateNetwork("delta", on_off=True, parameters={"rate": 0.5}).run(programs)


@pytest.mark.parametrize("name", MEASURES)
def test_each_condition_is_measured_as_if_it_were_alone(name: str, both: tuple[xr.Dataset, xr.Dataset]) -> None:
    programs, run = both
    together = MEASURES[name](programs, run)
    assert together["condition"].values.tolist() == ["a", "b"]
    assert together["level"].values.tolist() == [1.0, 2.0]
    for number in range(2):
        alone = MEASURES[name](nth_condition(programs, number), nth_condition(run, number))
        xr.testing.assert_equal(together.isel(condition=number, drop=True).drop_vars("level", errors="ignore"), alone)


def test_a_rate_network_runs_every_condition(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    programs, run = both
    traces.check(run)
    alone = RateNetwork("delta", on_off=True, parameters={"rate": 0.5}).run(nth_condition(programs, 1))
    np.testing.assert_array_equal(run["weight"][1], alone["weight"])


def test_one_fit_is_of_one_condition(both: tuple[xr.Dataset, xr.Dataset]) -> None:
    with pytest.raises(InputError, match="a fit is of one condition: choose it"):
        identification.fit("delta", *both, train=[0, 1])
