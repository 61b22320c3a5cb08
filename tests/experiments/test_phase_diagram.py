"""The map of rules, from rate networks of known rules in place of spiking ones; and that an interrupted map resumes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import nS

from neurofwp import identification
from neurofwp.errors import InputError
from neurofwp.experiments import phase_diagram as experiment
from neurofwp.identification import identify
from neurofwp.identification.recovery import disturb
from neurofwp.rate import RateNetwork
from neurofwp.spiking.network import SpikingNetwork

SLOT = 0.6  # s: a phase of 500 ms and its pause
SMALL = experiment.Settings(turnover=(2.0, 1e6), gain=(0.0, 1.0), episodes=4, pairs=4, pixels=3, overlap=0.4)
TRUE = {(0.0, 2.0): "fixed_decay", (0.0, 1e6): "hebbian", (1.0, 2.0): "gated_delta", (1.0, 1e6): "delta"}


def pretend(self: SpikingNetwork, program: xr.Dataset, *, seed: int, conditions: xr.Dataset) -> xr.Dataset:
    """A gated delta rule whose prediction has the feedback's gain, and whose weights decay with the turnover."""
    gain = float(self.circuit["g_gaba"] / SpikingNetwork("error-correcting").circuit["g_gaba"])
    rng = np.random.default_rng(seed)
    made = []
    for tau in conditions["tau_turnover"].values.tolist():
        parameters = {"rate": 0.7, "decay": float(np.exp(-SLOT / tau)), "prediction_gain": gain}
        network = RateNetwork(
            "gated_delta", parameters=parameters, on_off=True, bounds=(0, np.inf), unit_keys=False, units="nS"
        )
        made.append(network.run(disturb(program, 0.05, rng)))
    return xr.concat(made, dim="condition", combine_attrs="override")


@pytest.fixture(scope="module", autouse=True)
def _rate_networks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpikingNetwork, "run", pretend)
        patch.setattr(identification, "identify", partial(identify, rules=list(TRUE.values())))
        yield


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    return experiment.run(SMALL, seed=3, device="cpu")


def test_the_map_has_each_rule_where_it_is_true(result: xr.DataTree) -> None:
    names = experiment.winners(result["map"].to_dataset())
    assert {at: str(names.sel(gain=at[0], turnover=at[1]).item()) for at in TRUE} == TRUE
    numbers = experiment.EXPERIMENT.summary(result)
    assert [numbers[f"points.{rule}.count"] for rule in TRUE.values()] == [1, 1, 1, 1]
    said = result["map"].to_dataset()["verdict"].values.ravel().tolist()
    assert numbers["decided"] == sum(each in ("rule", "class") for each in said)
    assert numbers["map.0.2.rule"] == "fixed_decay"
    assert "fixed_decay" in numbers["map.0.2.best"].split(" or ")
    assert numbers["map.1.1e+06.feve"] == numbers["rules.1.1e+06.delta.feve"] == pytest.approx(1, abs=0.02)
    assert set(experiment.plot(result)) == {"phase_diagram"}


def test_recall_is_that_of_both_runs(result: xr.DataTree) -> None:
    table = result["map"].to_dataset()
    assert table["recall"].argmax(...) == {"gain": 1, "turnover": 1}  # the delta rule, without decay
    assert (table["recall_sem"] > 0).all()
    assert table.attrs["duration"] == pytest.approx(SLOT * result["program"].sizes["event"])


def test_an_interrupted_map_resumes_and_comes_out_the_same(
    result: xr.DataTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[float] = []

    def interrupted(self: SpikingNetwork, *arguments: Any, **others: Any) -> xr.Dataset:
        ran.append(float(self.circuit["g_gaba"] / nS))
        if len(ran) == 2:
            raise KeyboardInterrupt
        return pretend(self, *arguments, **others)

    monkeypatch.setattr(SpikingNetwork, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        experiment.run(SMALL, seed=3, device="cpu", folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    again = experiment.run(SMALL, seed=3, device="cpu", folder=tmp_path)
    assert ran == [0, 2, 2], "the first row was not run again"
    assert len(list(tmp_path.iterdir())) == 2
    xr.testing.assert_identical(again["map"].to_dataset(), result["map"].to_dataset())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"episodes": 3}, "episodes must be 4 or more"),
        ({"gain": (1.0, 0.5)}, "gain must have .* rising"),
        ({"gain": (-0.5, 1.0)}, "gain must have .* from 0 on"),
        ({"turnover": ()}, "turnover must have one number or more"),
    ],
)
def test_a_map_that_cannot_be_made_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        experiment.run(replace(SMALL, **changed), seed=0, device="cpu")
