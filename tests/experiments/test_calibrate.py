"""What calibrate refuses, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from neurofwp import RateNetwork, SpikingNetwork, identification
from neurofwp.calibration.space import BOUNDS, Space
from neurofwp.calibration.trial import Trial
from neurofwp.errors import InputError
from neurofwp.experiments import calibrate
from neurofwp.runtime.tables import frame
from neurofwp.spiking import jobs
from neurofwp.spiking.jobs import Job


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "dleta"}, "did you mean 'delta'"),
        ({"rule": "mlstm"}, "cannot be fitted"),
        ({"start": "soft-bund"}, "did you mean 'soft-bound'"),
        ({"start": "btsp-network"}, "has no parameter 'P'"),
        ({"generations": 0}, "1 generation"),
        ({"population": 3}, "4 candidates"),
        ({"search_step": 0.3}, "whole multiple"),
        ({"search_step": -1.0}, "above 0"),
    ],
)
def test_bad_input_is_refused_before_any_simulation(settings: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        calibrate.run(calibrate.Settings(**settings), seed=0, device="cpu", folder=tmp_path / "parts")
    assert not list(tmp_path.rglob("*.toml"))


def test_what_is_judged_was_not_seen_by_the_search() -> None:
    searched, final, judged = (calibrate.write_program(calibrate.Settings(), 4, 2, 7, purpose) for purpose in range(3))
    written = [
        set(map(bytes, each["value"].values[each["key"].values.any(-1)])) for each in (searched, final, judged)
    ]  # fmt: skip
    assert searched["value"].shape == final["value"].shape
    assert not searched["key"].equals(final["key"])
    assert written[0] != written[1]
    assert not (written[0] | written[1]) & written[2]


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Rate networks for spiking ones, hebbian for the start and delta for the chosen; drawn scores in the search."""
    judged: list[Job] = []

    def scores(self: Trial) -> xr.Dataset:
        drawn = np.random.default_rng(self.seed).uniform(0, 1, len(self.candidates["P"]))
        columns = {name: ("candidate", drawn, {"units": "1"}) for name in ("share", "rival", "recall", "objective")}
        return xr.Dataset(columns)

    @contextmanager
    def running(asked: Sequence[Job], folder: Path | None) -> Iterator[Callable[[str], xr.Dataset]]:
        judged.extend(asked)
        by_name = {job.name: job for job in asked}

        def trace(name: str) -> xr.Dataset:
            made = RateNetwork("hebbian" if name.startswith("start") else "delta").run(by_name[name].program)
            noise = np.random.default_rng(by_name[name].seed).standard_normal(made["weight"].shape)
            return made.assign(weight=made["weight"] + 0.01 * noise)

        yield trace

    monkeypatch.setattr(Trial, "scores", scores)
    monkeypatch.setattr(jobs, "start", running)
    monkeypatch.setattr(identification, "identify", partial(identification.identify, rules=("hebbian", "delta")))
    return judged


def test_the_chosen_model_is_written_and_judged_as_written(rates: list[Job], tmp_path: Path) -> None:
    settings = calibrate.Settings(generations=1, population=4, pairs=2, episodes=4, judged_pairs=2, pixels=2)
    result = calibrate.run(settings, seed=100, device="cpu", folder=tmp_path / "parts")
    _loads(result, tmp_path / "delta-calibrated.toml")
    assert {job.network["synapse"] for job in rates} == {"soft-bound", tmp_path / "delta-calibrated.toml"}
    numbers = calibrate.EXPERIMENT.summary(result)
    assert numbers["models.chosen.best"] == "delta"
    assert numbers["models.start.best"] == "hebbian or delta", "which contains it"
    share = numbers["models.chosen.feve"]
    assert share == numbers["rules.chosen.delta.feve"] == pytest.approx(1, abs=0.05)
    assert numbers["rules.chosen.hebbian.feve"] < 0.9  # a reassigned key
    r2 = result["recall/reassigned_r2"].sel(model="chosen")
    assert numbers["recall.chosen.reassigned_r2"] == pytest.approx(float(r2.mean()))
    assert numbers["recall.chosen.reassigned_r2.sem"] == pytest.approx(float(r2.std(ddof=1)) / 2)
    found = result["parameters/found"]
    assert numbers["parameters.g_gaba.found"] == float(found.sel(parameter="g_gaba"))
    candidates = calibrate.tables(result)["candidates"]
    assert candidates["g_gaba"].attrs["units"] == "nS"
    assert numbers["candidates"] == len(frame(candidates)) == 8
    assert set(calibrate.plot(result)) == {"front", "rules_of_the_chosen", "rules_of_the_start"}


def _loads(result: xr.DataTree, path: Path) -> None:
    """A model file whose searched parameters are those that were found, to the last digit."""
    network = SpikingNetwork(path)
    values = {**network.synapse.values, **network.circuit}
    found = result["parameters"].to_dataset()["found"]
    for name in BOUNDS:
        assert float(values[name] / Space.unit(name)) == pytest.approx(float(found.sel(parameter=name)), rel=1e-12)
    assert result["parameters"].attrs["model"] == path.read_text()


@pytest.mark.slow
def test_a_small_search_with_spikes(tmp_path: Path) -> None:
    settings = calibrate.Settings(
        rule="outstar", generations=1, population=4, pairs=2, pixels=2, episodes=4, judged_pairs=2
    )
    result = calibrate.run(settings, seed=100, device="cpu", folder=tmp_path / "parts")
    _loads(result, tmp_path / "outstar-calibrated.toml")
    shares = result["search/share"]
    assert ((shares >= -1) & (shares < 1.2)).all()
    assert float(shares.max()) > 0.5
