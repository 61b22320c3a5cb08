"""`neurofwp train`: what it says, what it leaves, and how an interrupted training goes on."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import matplotlib.image
import pytest
import torch
from matplotlib.figure import Figure

from neurofwp import cli
from neurofwp.cli import catalogue
from neurofwp.rate import RateNetwork
from neurofwp.runtime import files
from neurofwp.slownet import load
from neurofwp.slownet.families import Family, gated_pairs
from neurofwp.slownet.training import meta_training
from neurofwp.slownet.training.settings import MetaTraining

TINY = (
    "--stored", "2", "--distractors", "2", "--pre", "40", "--active", "5", "--hidden", "6", "--steps", "6",
    "--evaluate-every", "2", "--batch", "2", "--learning-rate", "0.02", "--device", "cpu",
)  # fmt: skip
LEFT = {
    "slow-net.safetensors", "training.safetensors", "learning.nc", "learning.png", "report.html", "summary.json",
    "log.txt", "manifest.json",
}  # fmt: skip


@pytest.fixture(autouse=True)
def few_episodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_training, "HELD_OUT", 8)
    monkeypatch.setattr(meta_training, "TESTED", 8)


@pytest.fixture
def plain_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is drawn in no time."""
    monkeypatch.setattr("neurofwp.plots.learning", lambda history: Figure((1, 1)))


def train(folder: Path, *flags: str) -> int:
    return cli.main(["train", "gated-pairs", *TINY, "--out", str(folder), *flags])


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load(folder / "slow-net.safetensors").model.state_dict()


def test_a_training_leaves_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert train(out, "--seed", "5", "--rule", "gated_delta") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [str(out)]
    assert names(out) == LEFT

    net = load(out / "slow-net.safetensors")
    assert net.family == "gated-pairs"
    assert net.model.shape.rule == "gated_delta"
    assert (net.about["seed"], net.about["settings"]["stored"], net.about["settings"]["steps"]) == (5, 2, 6)
    family = gated_pairs.family(gated_pairs.Settings(2, 2))
    measured = meta_training.test_model(net.model, family, seed=5)
    RateNetwork("gated_delta").run(net(family.draw(1, 9, "test")))

    summary = files.read_json(out / "summary.json")
    assert summary == net.about["measured"]
    assert summary["steps"] == 6
    assert {name: summary[f"after.{name}"] for name in measured} == pytest.approx(measured)
    history = files.read_netcdf(out / "learning.nc")
    assert history["step"].values.tolist() == [2, 4, 6]
    for when in ("before", "after"):
        for name in measured:
            assert float(history[f"{name}_{when}"]) == summary[f"{when}.{name}"]
    assert matplotlib.image.imread(out / "learning.png").shape[2] == 4

    log = (out / "log.txt").read_text()
    for line in ("training a slow net on gated-pairs, seed 5, on cpu", '"rule": "gated_delta"', "trained for 6 steps"):
        assert line in log
    assert f"r2 on 8 held-out episodes: {summary['after.r2']:.4f}, before training {summary['before.r2']:.4f}" in log
    assert "training a slow net on gated-pairs, seed 5, on cpu" in captured.err


@pytest.mark.usefixtures("plain_figure")
def test_an_interrupted_training_goes_on_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path / "whole") == 0
    original, drawn = gated_pairs.family, []

    def interrupting(settings: gated_pairs.Settings) -> Family:
        family = original(settings)

        def draw(episodes: int, seed: int, split: Any) -> Any:
            drawn.append(split)
            if len(drawn) == 1 + 1 + 5:  # tested before, held out, and the batch of the fifth step
                raise KeyboardInterrupt
            return family.draw(episodes, seed, split)

        return replace(family, draw=draw)

    monkeypatch.setattr(gated_pairs, "family", interrupting)
    out = tmp_path / "out"
    assert train(out) == 130
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1].startswith("neurofwp: interrupted")
    assert "Traceback" not in captured.err
    assert names(out) == {"training.safetensors", "training-before.safetensors", "log.txt", "manifest.json"}

    drawn.clear()
    drawn.extend(["a long time ago"] * 100)
    assert train(out) == 0
    assert len(drawn) == 100 + 2 + 2 + 1  # tested before, held out, two steps, tested after
    assert names(out) == LEFT
    one, other = weights(tmp_path / "whole"), weights(out)
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert (out / "summary.json").read_text() == (tmp_path / "whole" / "summary.json").read_text()

    assert train(out, "--gate-cost", "0.5") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "is of gate_cost = 0.0, not 0.5: choose another folder, or replace what is there with --overwrite" in said
    assert weights(out).keys() == one.keys()  # still whole


@pytest.mark.usefixtures("plain_figure")
def test_another_training_is_replaced_where_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path) == 0
    assert train(tmp_path, "--hidden", "7") == 2
    assert train(tmp_path, "--hidden", "7", "--fresh") == 2
    assert train(tmp_path, "--hidden", "7", "--overwrite") == 0
    assert load(tmp_path / "slow-net.safetensors").model.shape.hidden == 7
    capsys.readouterr()
    assert train(tmp_path, "--hidden", "7") == 0
    assert "is complete, of these settings and this code" in capsys.readouterr().err


@pytest.mark.usefixtures("plain_figure")
def test_without_out_the_folder_is_named_by_family_time_and_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hashes = []
    for flags in ((), ("--seed", "1"), ("--hidden", "5")):
        assert cli.main(["train", "gated-pairs", *TINY, "--steps", "1", *flags]) == 0
        folder = capsys.readouterr().out.strip()
        matched = re.fullmatch(r"results/train/gated-pairs/\d{8}T\d{6}Z-([0-9a-f]{8})", folder)
        assert matched
        assert names(Path(folder)) == LEFT
        hashes.append(matched[1])
    assert len(set(hashes)) == 3


FAMILIES = ", ".join(catalogue.families())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gated-pear"], "unknown family of tasks 'gated-pear'; did you mean 'gated-pairs'?"),
        (["zzz"], f"unknown family of tasks 'zzz'; known: {FAMILIES}"),
        ([], f"train needs a family of tasks before any flag, one of: {FAMILIES}"),
        (["--steps", "3"], f"train needs a family of tasks before any flag, one of: {FAMILIES}"),
    ],
)
def test_unknown_names_offer_the_nearest(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", *words]) == 2
    assert capsys.readouterr().err == f"neurofwp: {sentence}\n"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--rule", "delt"], "unknown rule 'delt'; did you mean 'delta'?"),
        (["--rule", "mesa"], "rule 'mesa' takes other signals than a slow net programs"),
        (["--active", "40"], "active must be at least 1 and below pre (40), not 40"),
        (["--stored", "0"], "stored must be at least 1, not 0"),
        (["--steps", "0"], "steps must be 1 or more, not 0"),
        (["--batch", "0"], "batch must be 1 or more, not 0"),
        (["--patience", "0"], "patience must be 1 or more, not 0"),
        (["--weight-decay", "-1"], "weight_decay must be 0 or more, not -1"),
        (["--seed", "-1"], "seed must be"),
    ],
)
def test_settings_that_make_no_sense_are_one_sentence_and_exit_code_2(
    flags: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path / "out", *flags) == 2
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].startswith(f"neurofwp: {sentence}")
    assert "Traceback" not in said.err
    assert not said.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("flags", [["--stord", "3"], ["--steps", "many"], ["--architecture", "gur"], ["--seed"]])
def test_a_flag_that_does_not_fit_is_exit_code_2(
    flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        train(tmp_path / "out", *flags)
    assert stopped.value.code == 2
    assert flags[0] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_folders_and_devices_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert train(tmp_path / "file" / "below") == 2
    assert capsys.readouterr().err.startswith("neurofwp: cannot write to the output folder")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert train(tmp_path / "out", "--device", "cuda") == 2
    assert "torch sees no GPU" in capsys.readouterr().err


@pytest.mark.usefixtures("plain_figure")
def test_a_checkpoint_that_is_cut_short_is_said_and_training_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, "--steps", "1") == 0
    file = tmp_path / "training.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    net = tmp_path / "slow-net.safetensors"
    before = net.read_bytes()
    net.unlink()
    assert train(tmp_path, "--steps", "1") == 0
    assert "no whole safetensors file" in capsys.readouterr().err
    assert net.read_bytes() == before


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_the_families(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", flag]) == 0
    printed = capsys.readouterr().out
    for name, line in catalogue.families().items():
        assert f" {name} {line} " in " ".join(printed.split())


def test_help_of_a_family_shows_each_setting_with_text_and_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as stopped:
        cli.main(["train", "gated-pairs", "--help"])
    assert stopped.value.code == 0
    text = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    for flag, help_text, default in [
        ("--stored INT", "Pairs to store in an episode.", "6"),
        ("--distractors INT", "Distractors: pairs that are not to be stored.", "12"),
        ("--rule STR", "Update rule of the fast weights; `neurofwp list rules`.", "delta"),
        (
            "--architecture {feed-forward,gru,recurrent}",
            "What the controller knows: the event, all events so far (gru), or what was read last (recurrent).",
            "feed-forward",
        ),
        ("--gate-cost FLOAT", "Loss per open write gate", "0.0"),
        ("--seed INT", "Seed of everything random.", "0"),
        ("--device {auto,cpu,cuda}", "Where tensors live", "auto"),
    ]:
        assert re.search(rf"{re.escape(flag)} {re.escape(help_text)}[^()]*\(default: {default}\)", text), flag
    for setting in (*fields(gated_pairs.Settings), *fields(MetaTraining)):
        assert re.search(rf"--{setting.name.replace('_', '-')}[ ,]", text), setting.name
    assert (gated_pairs.__doc__ or "").splitlines()[0] in text
