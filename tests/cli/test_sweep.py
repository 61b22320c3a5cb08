"""`neurofwp sweep`: what is swept, what runs together, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import nS

from neurofwp import cli, slownet
from neurofwp.cli import catalogue, sweep
from neurofwp.cli.run import _Run
from neurofwp.experiments import hetero_associative
from neurofwp.runtime import files
from neurofwp.runtime.sweeps import Point
from neurofwp.slownet import FixedEncoder

SMALL = ("--episodes", "1", "--pairs", "2", "--no-fit", "--load", "--cells-per-pool", "1", "--backend", "numpy")


@pytest.fixture
def small_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 key cells instead of 400, and events of 250 ms instead of 500 ms."""
    monkeypatch.setattr(slownet, "FixedEncoder", partial(FixedEncoder, pre=40, active=10, duration=250.0))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("pairs=2,4", [2, 4]),
        ("--cells-per-pool = 1, 2", [1, 2]),
        ("load=2 4,8", [(2, 4), (8,)]),
        ("fit=true,false", [True, False]),
        ("overlap=none,0.2", [None, 0.2]),
        ("g_gaba=0,1.5", [0.0, 1.5]),
        ("g_gaba=0nS, 1500 pS", [0.0, 1.5]),
    ],
)
def test_values_have_the_type_of_the_setting(text: str, values: list[Any]) -> None:
    name, read = sweep._axis(text.replace("none", "None"), hetero_associative.Settings(), parameters=True)
    assert read == values
    assert name == text.split("=")[0].strip(" -").replace("-", "_")


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ("pairz=2,3", "unknown setting or parameter 'pairz'; did you mean 'pairs'?"),
        ("g_gabba=2,3", "unknown setting or parameter 'g_gabba'; did you mean 'g_gaba'?"),
        ("pairs=two", "pairs cannot be 'two': Value error Error parsing --pairs: invalid literal for int()"),
        ("g_gaba=much", "g_gaba needs a number in nS, as in g_gaba=1nS, not 'much'"),
        ("g_gaba=1,2mV", "g_gaba is 2mV, but needs a unit like nS"),
        ("fit=maybe", "fit is true or false, not 'maybe'"),
        ("pairs", "--over needs a name and values, like pairs=4,8, not 'pairs'"),
    ],
)
def test_bad_axes_are_refused_before_any_work(
    over: str, sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["sweep", "hetero-associative", "--over", over, "--out", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_only_points_that_differ_by_parameters_run_together() -> None:
    settings = hetero_associative.Settings()
    points = [
        Point({}, sweep._Task("hetero-associative", sweep._at(settings, at), seed, "cpu"), Path(f"{number}"))
        for number, (at, seed) in enumerate(
            (({"pairs": pairs, "g_gaba": g_gaba}), seed) for pairs in (2, 4) for g_gaba in (0.0, 1.0) for seed in (0, 1)
        )
    ]
    units = sweep._units(points, workers=1)
    assert sorted(len(unit) for unit in units) == [2, 2, 2, 2]
    for unit in units:
        assert len({(point.task.settings.pairs, point.task.seed) for point in unit}) == 1
    assert all(len(unit) == 1 for unit in sweep._units(points, workers=8))  # a core for each


def test_points_together_are_the_points_alone_but_for_their_noise() -> None:
    """Each has its own parameters, and no more: where nothing is written, alone and together agree exactly."""
    common = {"episodes": 2, "pairs": 2, "fit": False, "load": (), "cells_per_pool": 1}
    every = [
        hetero_associative.Settings("additive", parameters=(f"P={P}", "key_rest_drive=0"), **common)
        for P in (0.0, 1.0, 2.0)
    ]
    trees = hetero_associative.run_together(every, seed=0, device="cpu")
    nothing, one, two = (tree["spiking"].to_dataset() for tree in trees)
    assert abs(nothing["weight"]).max() == 0
    ratio = float(two["conductance"].mean() / one["conductance"].mean())
    assert 1.8 < ratio < 2.2  # the additive model writes in proportion
    other = hetero_associative.run(every[1], seed=0, device="cpu")
    alone = other["spiking"].to_dataset()
    assert float(one["conductance"].mean()) == pytest.approx(float(alone["conductance"].mean()), rel=0.1)
    assert one.sizes["episode"] == alone.sizes["episode"] == 2
    assert set(np.unique(trees[1]["spiking_spikes/spike_episode"])) == {0, 1}
    assert trees[1]["spiking_probes"].sizes == other["spiking_probes"].sizes


def test_parameters_are_read_in_their_own_unit() -> None:
    network = hetero_associative.Settings(parameters=("g_gaba=1.5",)).network()
    assert network["parameters"]["g_gaba"] == 1.5 * nS


@pytest.mark.usefixtures("small_keys")
def test_a_sweep_leaves_one_labelled_dataset_and_a_result_for_every_point(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", "hetero-associative", *SMALL, "--over", "g_gaba=0,2", "--over", "synapse=additive,addditive"]
    assert cli.main([*words, "--seeds", "2", "--workers", "1", "--out", str(tmp_path)]) == 1
    said = capfd.readouterr()
    assert said.out.strip() == str(tmp_path)
    assert "4 of 8 points failed" in said.err
    made = files.read_netcdf(tmp_path / files.SWEEP)
    assert made["recall.spiking.r2"].dims == ("g_gaba", "synapse", "seed")
    assert made["g_gaba"].attrs["units"] == "nS"
    assert made["recall.spiking.r2"].sel(synapse="additive").notnull().all()
    assert "did you mean 'additive'" in str(made["error"].sel(synapse="addditive")[0, 0].item())
    said_of = (tmp_path / "report.html").read_text()
    assert "4 points failed" in said_of
    assert "neurofwp sweep hetero-associative --over g_gaba=0,2 --over synapse=additive,addditive --seed 0" in said_of
    for folder in made["folder"].sel(synapse="additive").values.ravel():
        assert f'href="points/{folder}/"' in said_of
        assert (tmp_path / "points" / folder / "result.nc").is_file()
    assert cli.main(["compare", str(tmp_path), "--numbers", "recall.*.r2"]) == 0
    assert "recall.spiking.r2" in capfd.readouterr().out.replace("\n", "")
    assert cli.main(["plot", str(tmp_path), "--numbers", "recall.spiking.r2", "--out", str(tmp_path / "again")]) == 0
    drawn = {file.name for file in (tmp_path / "again").iterdir()}
    assert drawn == {"curves.png", "maps.png", "report.html", "manifest.json"}
    assert cli.main(["compare", str(tmp_path), "--numbers", "recal.r2"]) == 2
    results = list(tmp_path.glob("points/*/result.nc"))
    assert len(results) == 4
    assert {xr.open_datatree(path).attrs["seed"] for path in results} == {0, 1}


@pytest.mark.parametrize("name", catalogue.experiments())
def test_no_setting_has_the_name_of_a_flag(name: str) -> None:
    """Or an experiment could not be run or swept."""
    own = {field.name for field in fields(catalogue.experiment(name).settings)}
    flags = {field.name for kind in (_Run, sweep._Sweep) for field in fields(kind)}
    assert own.isdisjoint(flags)
