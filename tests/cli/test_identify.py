"""`neurofwp identify`: from files of weights to a verdict, tables and figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from neurofwp import cli, identification, program
from neurofwp.cli import identify
from neurofwp.rate import RateNetwork
from neurofwp.runtime import files

NOISE = 0.02
RULES = ["--no-references", "--rules", "delta", "hebbian"]


def record(folder: Path, *, episodes: int = 8, repeat: bool = True) -> Path:
    """Weights of a delta rule with measurement noise, as NPY files."""
    rng = np.random.default_rng(0)
    key = (rng.random((episodes, 6, 12)) < 0.4) * 1.0
    key[..., 0] = 1  # no key is empty, and all overlap
    value = rng.uniform(-1, 1, (episodes, 6, 4))
    clean = RateNetwork("delta", parameters={"rate": 0.6}).run(program.from_arrays(key, value))["weight"].values
    folder.mkdir()
    arrays = {"key": key, "value": value, "weight": clean + NOISE * rng.normal(size=clean.shape)}
    arrays |= {"repeat": clean + NOISE * rng.normal(size=clean.shape)} if repeat else {}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return folder


def test_a_recording_leaves_its_verdict_tables_and_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = record(tmp_path / "own"), tmp_path / "out"
    assert cli.main(["identify", str(folder), "--units", "nS", "--seed", "3", *RULES, "--out", str(out)]) == 0
    assert {file.name for file in out.iterdir()} == {
        "fits.nc", "verdict.json", "summary.json", "rules.csv", "models.csv", "noise_ceiling.csv", "parameters.csv",
        "rule_bars.png", "log.txt", "manifest.json",
    }  # fmt: skip
    fits = files.read_netcdf(out / "fits.nc")
    said = identification.verdict(fits)
    assert said.names("delta")
    assert json.loads(fits.attrs["config"])["trace"]["file"] == str(folder)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == said.sentence, "the answer comes first"
    assert printed[-1] == str(out)

    written = json.loads((out / "verdict.json").read_text())
    assert (written["verdict"], written["rules"], written["adequacy"]) == ("rule", ["delta"], "a repeat")
    rate = written["parameters"]["delta"]["rate"]
    assert rate["low"] < 0.6 < rate["high"]
    assert rate["value"] == pytest.approx(0.6, abs=0.02)
    summary = json.loads((out / "summary.json").read_text())
    assert summary["sentence"] == said.sentence
    assert summary["rules.delta.feve"] == float(fits["feve"].sel(rule="delta"))
    unexplained = fits["unexplained"].sel(measure="increments", model="hebbian")
    assert summary["models.increments.hebbian.unexplained"] == float(unexplained)
    assert summary["parameters.delta.rate.low"] == rate["low"]


def test_a_verdict_is_found_made_again_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = record(tmp_path / "own"), tmp_path / "out"
    words = ["identify", str(folder), "--units", "nS", *RULES, "--out", str(out)]
    assert cli.main(words) == 0
    sentence = capsys.readouterr().out.splitlines()[0]
    written = (out / "fits.nc").stat().st_mtime_ns
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert said.out == f"{sentence}\n{out}\n"
    assert f"{out} is complete, of these settings and this code" in said.err
    assert cli.main([*words, "--seed", "4"]) == 2
    assert f"{str(out)!r} is of seed = 0, not 4: choose another folder" in capsys.readouterr().err
    value = np.load(folder / "weight.npy")
    np.save(folder / "weight.npy", value + 0.01)
    assert cli.main(words) == 2
    assert "of other code, versions or input files" in capsys.readouterr().err
    np.save(folder / "weight.npy", value)
    assert (out / "fits.nc").stat().st_mtime_ns == written
    (out / "manifest.json").unlink()
    assert cli.main(words) == 2
    assert "fits.nc' is there, and nothing says of what" in capsys.readouterr().err
    assert cli.main([*words, "--overwrite"]) == 0
    assert (out / "fits.nc").stat().st_mtime_ns > written


def test_answers_are_identified_with_weights_latent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys are written and read back; the weights themselves are in no file."""
    rng = np.random.default_rng(0)
    key = (rng.random((8, 12, 12)) < 0.4) * 1.0
    key[..., 0] = 1
    value, gate = rng.uniform(-1, 1, (8, 12, 4)), np.arange(12) % 2 == 0
    query = np.where(gate[:, None], 0.0, key[:, (np.arange(12) // 4) * 2])
    made = program.from_arrays(key * gate[:, None], value * gate[:, None], query=query, write_gate=gate * 1.0)
    clean = RateNetwork("delta", parameters={"rate": 0.6}).run(made)["recall"].values
    folder = tmp_path / "own"
    folder.mkdir()
    arrays = {name: made[name].values for name in ("key", "value", "query", "write_gate")}
    arrays |= {name: clean + NOISE * rng.normal(size=clean.shape) for name in ("recall", "recall_repeat")}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    out = tmp_path / "out"
    assert cli.main(["identify", str(folder), "--units", "nS", *RULES, "--out", str(out)]) == 0
    written = json.loads((out / "verdict.json").read_text())
    assert (written["verdict"], written["rules"]) == ("rule", ["delta"])
    assert written["parameters"]["delta"]["rate"]["value"] == pytest.approx(0.6, abs=0.03)
    fits = files.read_netcdf(out / "fits.nc")
    assert fits["measure"].values.tolist() == ["reads"]
    assert cli.main(["identify", str(folder), "--units", "nS", "--observed", "weights"]) != 0
    assert "finite where it was seen" in capsys.readouterr().err


def test_flags_reach_the_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = record(tmp_path / "own", repeat=False)
    flags = ["--units", "1", "--noise", f"{NOISE}", "--split-by", "time", "--no-unit-keys", "--initial", "first"]
    assert cli.main(["identify", str(folder), *flags, *RULES]) == 0
    fits = files.read_netcdf(tmp_path / "results" / "identify-own" / "fits.nc")
    assert fits.attrs["adequacy"] == "a stated noise"
    config = json.loads(fits.attrs["config"])
    expected = {
        "noise": NOISE,
        "split_by": "time",
        "unit_keys": False,
        "initial": "first",
        "rules": ["delta", "hebbian"],
    }
    assert {name: config[name] for name in expected} == expected


def test_without_repeat_and_noise_the_figure_shows_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = record(tmp_path / "own", episodes=4, repeat=False)
    assert cli.main(["identify", str(folder), "--units", "1", *RULES, "--out", str(tmp_path / "out")]) == 0
    written = json.loads((tmp_path / "out" / "verdict.json").read_text())
    assert (written["verdict"], written["adequacy"]) == ("adequacy unknown", "unknown")
    assert (tmp_path / "out" / "rule_bars.png").is_file()
    said = capsys.readouterr()
    assert "keys have norms" in said.err
    assert said.err.count("keys have norms") == 1
    assert "unless --no-unit-keys says" in said.err, "in the words of the command line"


def test_a_run_needs_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    asked = program.from_arrays((rng.random((4, 6, 12)) < 0.5) * 1.0, rng.uniform(-1, 1, (4, 6, 4)))
    ran = RateNetwork("hebbian", parameters={"rate": 0.5}, on_off=True, units="nS").run(asked)
    tree = xr.DataTree.from_dict({"/program": asked, "/spiking": ran})
    tree.attrs["experiment"] = "hetero-associative"
    (tmp_path / "my-run").mkdir()
    files.write_netcdf(tree, tmp_path / "my-run" / "result.nc")
    assert cli.main(["identify", "my-run/result.nc", *RULES]) == 0
    assert files.read_netcdf(Path("results/identify-my-run/fits.nc"))["best"].sel(rule="hebbian")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--rules", "delte"], "unknown rule 'delte'; did you mean 'delta'?"),
        (["--unit-keys", "--no-unit-keys"], "give one of --unit-keys and --no-unit-keys"),
        (["--noise", "0"], "noise must be above 0"),
        (["--noise", "0.1", "--units", "1"], "leave out --noise"),
        ([], "--units nS"),
    ],
)
def test_what_is_refused_leaves_no_folder(
    flags: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = record(tmp_path / "own", episodes=2)
    assert cli.main(["identify", str(folder), *flags, "--out", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_figure_that_fails_does_not_take_the_verdict_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(fits: xr.Dataset) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("neurofwp.plots.rule_bars", fail)
    folder = record(tmp_path / "own", episodes=2)
    out = tmp_path / "out"
    assert cli.main(["identify", str(folder), "--units", "1", *RULES, "--out", str(out)]) == 1
    assert (out / identify.FITS).is_file()
    assert "RuntimeError: no ink" in capsys.readouterr().err
