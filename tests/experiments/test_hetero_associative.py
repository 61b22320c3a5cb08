"""The hetero-associative experiment from the command line to the figures, with small keys and short events."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from neurofwp import cli, metrics, program, slownet, trace
from neurofwp.experiments.hetero_associative import Settings
from neurofwp.identification import candidates
from neurofwp.runtime import files
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking import jobs

TINY = ["--pairs", "2", "--episodes", "2", "--load", "1", "2", "--load-episodes", "1", "--cells-per-pool", "1"]
TABLES = ("summary", "recall", "verdict", "noise_ceiling", "rules", "rules_measured", "rate", "capacity")
FIGURES = ("recall", "recall_scatter", "weights", "synapse", "one_write", "raster", "capacity", "rules", "overview")


@pytest.fixture(scope="module")
def small() -> Iterator[None]:
    """40 key cells instead of 400, and events of 250 ms instead of 500 ms."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slownet, "FixedEncoder", partial(FixedEncoder, pre=40, active=10, duration=250.0))
        yield


@pytest.fixture(scope="module")
def folder(small: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one run."""
    out = tmp_path_factory.mktemp("results") / "run"
    words = [
        "run",
        "hetero-associative",
        "--synapse",
        "additive",
        "--backend",
        "numpy",
        "--device",
        "cpu",
        "--seed",
        "4",
    ]
    assert cli.main([*words, *TINY, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def result(folder: Path) -> xr.DataTree:
    return files.read_tree(folder / "result.nc")


def test_the_folder_holds_data_summary_figures_and_log(folder: Path) -> None:
    found = {path.name for path in folder.iterdir() if path.is_file()}
    files_of = {"png": FIGURES, "csv": TABLES}
    expected = {f"{name}.{kind}" for kind, names in files_of.items() for name in names}
    assert found == {"result.nc", "summary.json", "log.txt", "manifest.json", "report.html"} | expected
    for name in FIGURES:
        assert (folder / f"{name}.png").stat().st_size > 5000


def test_the_summary_has_the_promised_keys_and_its_numbers_follow_from_the_data(
    folder: Path, result: xr.DataTree
) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    numbers = {"recall.spiking.r2", "recall.spiking.identified", "recall.rate.r2", "recall.rate.identified"}
    numbers |= {f"capacity.{n}.{p}.{s}" for n in ("spiking", "rate") for p in (1, 2) for s in ("r2", "identified")}
    numbers |= {f"rules.{rule.id}.{name}" for rule in candidates() for name in ("feve", "r2")}
    numbers |= {"noise_ceiling.value"}
    assert all(math.isfinite(summary[name]) for name in numbers)
    best = max(candidates(), key=lambda rule: summary[f"rules.{rule.id}.feve"]).id
    # one held-out episode has no standard error
    assert summary["noise_ceiling.sem"] is summary[f"rules.{best}.low"] is summary[f"rules.{best}.high"] is None
    assert summary["verdict"] == result["fits"]["nominal"]["sentence"].item()
    assert set(summary["best"]) <= {rule.id for rule in candidates()}
    assert summary["rate.rule"] in summary["best"]
    for network in ("spiking", "rate"):
        score = metrics.recall_r2(result["program"].to_dataset(), result[network].to_dataset())
        assert summary[f"recall.{network}.r2"] == pytest.approx(float(score))
    unexplained = result["fits"]["nominal"]["unexplained"].sel(measure="increments", model=best)
    assert summary[f"rules.{best}.feve"] == pytest.approx(1 - float(unexplained))
    assert summary[f"rules.{best}.feve"] > 0.8


def test_the_capacity_curve_ends_at_four_times_the_pairs() -> None:
    assert Settings(pairs=8).loads == (2, 4, 8, 16, 32)
    assert Settings(pairs=2).loads == (2, 4, 8)
    assert Settings(pairs=2, load=(32,)).loads == (32,)
    assert Settings(load=()).loads == ()


def test_the_tree_holds_valid_traces_of_one_program(result: xr.DataTree) -> None:
    made = program.check(result["program"].to_dataset())
    spiking, repeat, rate = (trace.check(result[name].to_dataset()) for name in ("spiking", "repeat", "rate"))
    assert made.sizes == {"episode": 2, "event": 5, "pre": 40, "post": 64}  # 2 writes, 1 again, 2 reads
    for one in (spiking, repeat, rate):
        assert one["weight"].sizes == {"episode": 2, "event": 5, "post": 64, "pre": 40}
    assert not np.array_equal(spiking["weight"], repeat["weight"])
    assert np.corrcoef(spiking["weight"].values[:, -1].ravel(), repeat["weight"].values[:, -1].ravel())[0, 1] > 0.8
    assert np.corrcoef(spiking["weight"].values[:, -1].ravel(), rate["weight"].values[:, -1].ravel())[0, 1] > 0.8
    assert json.loads(result.attrs["settings"])["synapse"] == "additive"
    assert result.attrs["seed"] == 4


def test_compare_and_plot_work_on_the_result_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", str(folder)]) == 0
    printed = capsys.readouterr().out
    assert all(rule.id in printed for rule in candidates())
    assert cli.main(["plot", str(folder), "--out", str(tmp_path / "again")]) == 0
    assert {path.stem for path in (tmp_path / "again").iterdir()} == {*FIGURES, "report", "manifest"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--synapse", "aditive"], "unknown synapse model 'aditive'; did you mean 'additive'?"),
        (["--synapse", "nowhere.toml"], "there is no synapse model file 'nowhere.toml'"),
        (["--episodes", "1"], "episodes must be 2 or more"),
        (["--pairs", "0"], "pairs must be at least 1, not 0"),
        (["--cells-per-pool", "0"], "cells_per_pool must be at least 1, not 0"),
        (["--load", "4", "2"], "loads that rise"),
        (["--seed", "-1"], "seed must be at least 0, not -1"),
    ],
)
def test_bad_settings_get_one_sentence_before_any_simulation(
    flags: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jobs, "start", None)
    words = ["run", "hetero-associative", *TINY, *flags, "--out", str(tmp_path)]
    assert cli.main(words) != 0
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed
