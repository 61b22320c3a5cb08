"""Overwrite: what is measured of memories that are known exactly, and where they diverge."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import metrics
from neurofwp.errors import InputError
from neurofwp.experiments import overwrite as experiment
from neurofwp.plots.overwrite import CURVES
from neurofwp.rate import RateNetwork
from neurofwp.spiking import jobs
from neurofwp.spiking.conditions import from_quantities, parameters
from neurofwp.spiking.jobs import Job
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.synapses.write_speed import at_speed

SMALL = experiment.Settings(
    pairs=4, episodes=3, rate_episodes=4, overlap=(0.05, 0.3, 0.5), speeds=(1.0, 0.25), pixels=6, margin=0.02
)
STANDS_FOR = {"error-correcting": "delta", "additive": "hebbian", "error-correcting, no feedback": "hebbian"}


@contextmanager
def pretend(jobs: Sequence[Job], **_: Any) -> Iterator[Callable[[str], xr.Dataset]]:
    """Rate networks in place of spiking ones: the delta rule, an outstar, or a sum, all at one write speed."""
    by_name = {job.name: job for job in jobs}

    def trace(name: str) -> xr.Dataset:
        job = by_name[name]
        assert job.conditions is None or job.conditions.sizes["condition"] == job.program.sizes["condition"]
        sums = "parameters" in job.network or job.network["synapse"] in ("additive", "decay")
        rule = "hebbian" if sums else STANDS_FOR.get(job.network["synapse"], "outstar")
        parameters = {} if sums else {"rate": 0.8 if rule == "delta" else 3.2}
        return RateNetwork(rule, parameters=parameters, on_off=True, bounds=(0, np.inf)).run(job.program)

    yield trace


@pytest.fixture(scope="module")
def result() -> Iterator[xr.DataTree]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start", pretend)
        yield experiment.run(SMALL, seed=3, device="cpu")


def test_scores_belong_to_their_overlap_speed_and_episode(result: xr.DataTree) -> None:
    """The conditions of one network score as each overlap does by itself."""
    table = result["spiking"].to_dataset()
    for memory, rule, values in (("error-correcting", "delta", {"rate": 0.8}), ("additive", "hebbian", {})):
        for overlap in SMALL.overlap:
            program = experiment.write_program(SMALL, SMALL.rate_episodes, overlap, 3).isel(
                episode=slice(SMALL.episodes)
            )
            trace = RateNetwork(rule, parameters=values, on_off=True, bounds=(0, np.inf)).run(program)
            r2 = table["r2"].sel(memory=memory, overlap=overlap)
            expected = metrics.recall_r2(program, trace, by="episode")
            np.testing.assert_allclose(r2.isel(setting=0), expected, rtol=1e-9)
            reassigned = table["reassigned_r2"].sel(memory=memory, overlap=overlap).isel(setting=0)
            again = metrics.recall_r2(program, trace, by="episode", where=program["reassigned"])
            np.testing.assert_allclose(reassigned, again, rtol=1e-9)
            if rule == "delta":
                np.testing.assert_allclose(r2.isel(setting=1), expected, rtol=1e-9)
            else:
                assert bool(r2.isel(setting=slice(1, None)).isnull().all())


def test_every_memory_in_the_contest_can_be_slowed_and_the_network_takes_it() -> None:
    for name in (experiment.CORRECTING["spiking"], *experiment.ALONE["spiking"]):
        slow = at_speed(name, np.array([1.0, 0.25]))
        own = from_quantities(**slow)
        assert set(own) == set(slow) != set()
        SpikingNetwork(name)._check_conditions(parameters(own, SpikingNetwork(name)._declared))


def test_reassignment_leaves_as_much_of_the_old_value_as_the_write_speed_says(result: xr.DataTree) -> None:
    """Separate keys, twice under one value and once under another: a sum keeps two of three parts, a write the rest."""
    spiking = experiment.choose_speeds(result["spiking"].to_dataset()).isel(overlap=0).mean("episode")
    ratio = spiking["old"] / spiking["new"]
    assert float(ratio.sel(memory="additive")) == pytest.approx(2, rel=0.2)
    for memory, share in (("error-correcting", 0.8), ("thresholds", 3.2 / 20**0.5)):
        rest = 1 - share
        assert float(ratio.sel(memory=memory)) == pytest.approx(rest * (1 - rest**2) / share, abs=0.05)


def scores(r2: np.ndarray, memories: list[str]) -> xr.Dataset:
    """r2 (memory, overlap, setting, episode) alone."""
    dims = ("memory", "overlap", "setting", "episode")
    blank = dict.fromkeys(set(experiment.SCORES) - {"r2"}, (dims, 0 * r2))
    return xr.Dataset(
        {"r2": (dims, r2), **blank},
        coords={"memory": memories, "overlap": [0.1, 0.2, 0.4][: r2.shape[1]], "setting": range(r2.shape[2])},
    )


def test_a_speed_is_chosen_on_the_other_episodes() -> None:
    r2 = np.array([[[[0.9, 0.1, 0.1], [0.2, 0.3, 0.3], [np.nan] * 3]]])
    chosen = experiment.choose_speeds(scores(r2, ["one"]))["r2"].values
    # without the first episode the second speed is better; with it, the first
    np.testing.assert_allclose(chosen, [[[0.2, 0.1, 0.1]]])


def test_the_crossing_lies_where_the_gain_over_the_best_overwrite_reaches_the_margin() -> None:
    memories = ["delta", *experiment.ALONE["rate"]]
    base = np.array([[0.9, 0.8, 0.7], [0.88, 0.75, 0.2], [0.5, 0.7, 0.4]])  # gains .02, .05, .3
    r2 = base[:, :, None, None] + np.array([-0.01, 0.0, 0.01])  # episodes differ alike in all: no error
    chosen = experiment.choose_speeds(scores(r2, memories))
    gain = experiment.compare(chosen, "rate")
    np.testing.assert_allclose(gain["r2"].mean("episode"), [0.02, 0.05, 0.3], atol=1e-12)
    assert gain["best_overwrite"].values.tolist() == ["outstar", "outstar", "soft_bound"]
    place, error = experiment.find_crossing(chosen, "rate", 0.1)
    assert place == pytest.approx(0.2 + 0.2 * (0.1 - 0.05) / 0.25)
    assert error == pytest.approx(0, abs=1e-12)
    assert experiment.find_crossing(chosen, "rate", 0.01)[0] == 0.1  # there from the first
    assert np.isnan(experiment.find_crossing(chosen, "rate", 0.5)).all()  # never


def test_the_error_of_a_crossing_on_a_line_is_that_of_a_mean() -> None:
    """With gains rising by 1 per overlap the crossing moves as the mean gain does, and the jackknife is exact."""
    rng = np.random.default_rng(4)
    shift = 0.02 * rng.standard_normal(6)
    correcting = np.array([0.1, 0.2, 0.4])[:, None] + shift
    r2 = np.stack([correcting, 0 * correcting, 0 * correcting - 1])[:, :, None]
    chosen = experiment.choose_speeds(scores(r2, ["delta", *experiment.ALONE["rate"]]))
    place, error = experiment.find_crossing(chosen, "rate", 0.3)
    assert place == pytest.approx(0.3 - shift.mean())
    assert error == pytest.approx(shift.std(ddof=1) / np.sqrt(6))


def test_the_summary_says_whether_the_crossings_are_within_a_step(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    both = [numbers["crossing.spiking.overlap"], numbers["crossing.rate.overlap"]]
    assert np.isfinite(both).all()
    assert numbers["difference.overlap"] == pytest.approx(both[0] - both[1])
    errors = [numbers["crossing.spiking.overlap.sem"], numbers["crossing.rate.overlap.sem"]]
    assert numbers["difference.overlap.sem"] == pytest.approx(np.hypot(*errors), nan_ok=True)
    assert numbers["difference.within_one_step"] == float(numbers["difference.steps_apart"] <= 1)
    assert numbers["difference.margin"] == SMALL.margin
    r2 = experiment.choose_speeds(result["spiking"].to_dataset())["r2"].sel(memory="omega", overlap=0.3)
    assert numbers["spiking.omega.0.3.r2"] == pytest.approx(float(r2.mean()))
    assert numbers["spiking.omega.0.3.r2.sem"] == pytest.approx(float(r2.std(ddof=1)) / 3**0.5)
    for other in experiment.OTHER_MARGINS:
        place = experiment.find_crossing(experiment.choose_speeds(result["rate"].to_dataset()), "rate", other)[0]
        assert numbers[f"other_margins.{other:g}.rate.overlap"] == pytest.approx(place, nan_ok=True)
    assert numbers["gain.rate.0.5.r2"] > numbers["gain.rate.0.05.r2"] > 0  # overlap is what tells them apart
    assert numbers["gain.rate.0.5.best_overwrite"] in experiment.ALONE["rate"]


def test_tables_have_every_memory_at_every_overlap(result: xr.DataTree) -> None:
    tables = experiment.tables(result)
    for network, memories in (("spiking", 8), ("rate", 5)):
        assert dict(tables[network].sizes) == {"memory": memories, "overlap": 3}
        assert bool(tables[network].notnull().all().to_array().all())
    assert all("units" in variable.attrs for name in ("spiking", "rate") for variable in tables[name].values())
    assert set(experiment.plot(result)) == {"overwrite"}


def test_crossings_are_compared_in_steps_of_the_grid() -> None:
    grid = np.array([0.1, 0.2, 0.4])
    assert experiment.steps_apart(grid, [0.35, 0.15]) == pytest.approx(1.25)
    assert experiment.steps_apart(grid, [0.1, 0.4]) == pytest.approx(2)
    assert np.isnan(experiment.steps_apart(grid, [0.2, np.nan]))


def test_curves_of_the_figure_are_of_memories_in_the_contest_and_of_the_causal_test() -> None:
    for network in experiment.CORRECTING:
        others = {experiment.WITHOUT} if network == "spiking" else set()
        assert set(CURVES[network]) == {experiment.CORRECTING[network], *experiment.ALONE[network]} | others


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"overlap": (0.2, 0.1)}, "overlap must have one number or more, and rise"),
        ({"overlap": ()}, "overlap must have one number or more, and rise"),
        ({"overlap": (0.01, 0.1)}, "overlap must be between active / pre"),
        ({"episodes": 1}, "episodes and rate_episodes must be 2 or more"),
        ({"rate_episodes": 3}, "rate_episodes must be episodes \\(4\\) or more, not 3"),
        ({"reassign": 0.0}, "reassign must leave one of the 8 keys or more to be reassigned"),
        ({"speeds": (1.0, 0.0)}, "speeds must have one number above 0 or more"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(experiment.Settings(**settings), seed=0, device="cpu")
