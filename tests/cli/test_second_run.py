"""A second command with the same folder: resumed, found complete, or refused; and what happens where disks fail."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import xarray as xr
from matplotlib.figure import Figure

from neurofwp import cli
from neurofwp.cli import sweep
from neurofwp.cli.manifest import MANIFEST
from neurofwp.experiments import in_context_regression
from neurofwp.runtime import files, locks, source
from neurofwp.runtime.sweeps import Point

RUN = ("in-context-regression", "--episodes", "20", "--longest", "2", "--device", "cpu")


@pytest.fixture(autouse=True)
def plain_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is drawn in no time."""
    monkeypatch.setitem(in_context_regression.EXPERIMENT.__dict__, "plot", lambda result: {"error": Figure((1, 1))})


@pytest.fixture
def done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder of a run."""
    assert run(tmp_path / "out") == 0
    capsys.readouterr()
    return tmp_path / "out"


def run(folder: Path, *flags: str) -> int:
    return cli.main(["run", *RUN, "--out", str(folder), *flags])


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file but the log: bytes and when it was written."""
    found = (path for path in folder.iterdir() if path.is_file() and path.name != "log.txt")
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def test_the_same_run_is_found_complete(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = content(done)
    for flags in ((), ("--overwrite",)):
        assert run(done, *flags) == 0
        said = capsys.readouterr()
        assert said.out == f"{done}\n"
        assert said.err == (
            f"{done} is complete, of these settings and this code: nothing was computed again (--fresh does)\n"
        )
        assert content(done) == before
    assert run(done, "--fresh") == 0
    after = content(done)
    assert {name: each[0] for name, each in after.items()} == {name: each[0] for name, each in before.items()}
    assert after["result.nc"][1] > before["result.nc"][1]


@pytest.mark.parametrize("flags", [("--inputs", "3"), ("--seed", "1"), ("--inputs", "3", "--fresh")])
def test_other_settings_are_refused_and_change_nothing(
    flags: tuple[str, ...], done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(done)
    assert run(done, *flags) == 2
    what = "seed = 0, not 1" if "--seed" in flags else "inputs = 10, not 3"
    remedy = "choose another folder, or replace what is there with --overwrite"
    assert capsys.readouterr().err == f"neurofwp: {str(done)!r} is of {what}: {remedy}\n"
    assert content(done) == before
    assert run(done, *flags, "--overwrite") == 0
    assert run(done, *(flag for flag in flags if flag != "--fresh")) == 0
    assert "is complete" in capsys.readouterr().err


def test_other_code_is_refused_unless_it_may_begin_afresh(
    done: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(source, "fingerprint", lambda: "other")
    assert run(done) == 2
    assert "is of these settings, but of other code, versions or input files" in capsys.readouterr().err
    assert run(done, "--fresh") == 0


def test_results_of_nobody_knows_what_are_refused(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (done / MANIFEST).unlink()
    assert run(done) == 2
    assert "result.nc' is there, and nothing says of what" in capsys.readouterr().err
    (done / MANIFEST).write_text("{")
    assert run(done) == 2
    assert "is not JSON that can be read" in capsys.readouterr().err
    assert run(done, "--overwrite") == 0


@pytest.mark.parametrize("name", ["result.nc", "summary.json", "error.csv"])
def test_what_is_damaged_is_named_and_made_again(
    name: str, done: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = done / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-30] + bytes([whole[-30] ^ 1]) + whole[-29:])
    if not name.endswith("csv"):  # which nothing reads
        assert cli.main(["compare", str(done)]) == 2
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1
        assert f"{name}' is " in said
    assert run(done) == 0
    assert f"{path} is damaged and is made again" in caplog.messages
    assert path.read_bytes() == whole


def test_replaced_results_leave_no_files_of_the_old_ones(done: Path) -> None:
    manifest = files.read_json(done / MANIFEST)
    manifest["files"]["old.csv"] = ""
    (done / "old.csv").touch()
    (done / "own.csv").touch()
    files.write_json(manifest, done / MANIFEST)
    assert run(done, "--inputs", "3", "--overwrite") == 0
    assert not (done / "old.csv").exists()
    assert (done / "own.csv").exists()


@pytest.mark.parametrize("changed", [{"files": 7}, {"files": {"result.nc": 7}}, {"replaces": "all"}, {"key": None}])
def test_a_manifest_of_another_form_is_refused(
    changed: dict[str, object], done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.write_json(files.read_json(done / MANIFEST) | changed, done / MANIFEST)
    assert run(done) == 2
    assert "manifest.json' is not what neurofwp leaves there; or choose another folder" in capsys.readouterr().err


def test_a_sweep_is_found_complete_or_refused_as_a_run_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    swept = []

    def stand_in(work: object, units: Sequence[Sequence[Point]], **named: object) -> xr.Dataset:
        swept.append([point.at for unit in units for point in unit])
        inputs = [at["inputs"] for at in swept[-1]]
        return xr.Dataset({"error": (("inputs", "seed"), [[""]] * len(inputs))}, {"inputs": inputs, "seed": [0]})

    monkeypatch.setattr(sweep, "sweep", stand_in)
    words = ["sweep", *RUN, "--out", str(tmp_path)]
    assert cli.main([*words, "--over", "inputs=2,3"]) == 0
    assert cli.main([*words, "--over", "inputs=2,3"]) == 0
    assert "is complete" in capsys.readouterr().err
    assert len(swept) == 1
    assert cli.main([*words, "--over", "inputs=2,3,4"]) == 2
    assert "is of over = ['inputs=2,3'], not ['inputs=2,3,4']" in capsys.readouterr().err
    assert cli.main([*words, "--over", "inputs=2,3,4", "--overwrite"]) == 0
    assert files.read_netcdf(tmp_path / files.SWEEP).sizes["inputs"] == 3


def test_a_folder_in_use_is_refused_whatever_the_command(
    done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    used, circuit = tmp_path / "used", tmp_path / "circuit.toml"
    used.mkdir()
    commands = {
        "run": ["run", *RUN],
        "rerun": ["rerun", str(done)],
        "sweep": ["sweep", *RUN, "--over", "inputs=2,3"],
        "train": ["train", "digit-pairs", "--steps", "1"],
        "identify": ["identify", str(done)],
        "measurements": ["calibrate", "measurements", "--train", "paired_recordings"],
        "plot": ["plot", str(done)],
        "phase-diagram": ["run", "phase-diagram"],
        "protocols": ["run", "plasticity-protocols"],
    }
    with locks.hold(used), locks.hold(circuit, tmp_path / ".circuit.toml.lock"):
        before = content(used)
        for name, words in commands.items():
            assert cli.main([*words, "--out", str(used), *(["--overwrite"] if "--over" not in words else [])]) == 2, (
                name
            )
            said = capsys.readouterr().err
            assert said.startswith(f"neurofwp: {str(used)!r} is in use by another neurofwp, process {os.getpid()}, "), (
                name
            )
            assert len(said.splitlines()) == 1
        assert content(used) == before
        assert cli.main(["calibrate", "circuit", "--out", str(circuit)]) == 2
        assert capsys.readouterr().err.startswith(f"neurofwp: {str(circuit)!r} is in use by another neurofwp, process ")
    assert [path.name for path in used.iterdir()] == []
    assert run(used) == 0


def test_a_manifest_does_not_vouch_for_the_files_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that was removed while a run was at work, and in which another has finished meanwhile."""

    def replace(folder: Path) -> None:
        monkeypatch.undo()
        shutil.rmtree(folder)
        assert run(folder, "--seed", "1") == 0

    _interrupted(replace, monkeypatch)
    assert run(tmp_path / "out") == 2
    assert f"{str(tmp_path / 'out')!r} was removed meanwhile, and is of seed = 1, not 0 now" in capsys.readouterr().err
    assert run(tmp_path / "out", "--seed", "1") == 0
    assert "is complete" in capsys.readouterr().err


def test_figures_of_another_result_are_not_replaced(
    done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, figures = tmp_path / "other", tmp_path / "figures"
    assert run(other, "--seed", "1") == 0
    plot = ["plot", str(other), "--out"]
    assert cli.main([*plot, str(done)]) == 2
    assert f"{str(done)!r} is of command = 'run in-context-regression', not 'plot'" in capsys.readouterr().err
    assert cli.main([*plot, str(figures)]) == cli.main([*plot, str(figures)]) == 0
    assert cli.main(["plot", str(done), "--out", str(figures)]) == 2
    assert cli.main(["plot", str(done), "--out", str(figures), "--overwrite"]) == 0
    (figures / MANIFEST).unlink()
    capsys.readouterr()
    assert cli.main(["plot", str(done), "--out", str(figures)]) == 2
    assert "error.png' is there, and nothing says of what" in capsys.readouterr().err


def _full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_one_sentence_and_parts_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (out / "parts").mkdir(parents=True)
    (out / "parts" / "kept.json").touch()
    monkeypatch.setattr(os, "fsync", _full)
    assert run(out) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"neurofwp: cannot write {str(out / MANIFEST)!r}: No space left on device; make room there")
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["kept.json"]
    monkeypatch.undo()
    assert run(out) == 0


def _interrupted(do: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let something happen to the folder of a run while it computes."""
    experiment = in_context_regression.EXPERIMENT
    original = experiment.run

    def measure(*words: object, folder: Path, **named: object) -> object:
        do(folder.parent)
        return original(*words, folder=folder, **named)

    monkeypatch.setitem(experiment.__dict__, "run", measure)


def test_a_folder_that_is_removed_meanwhile_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _interrupted(shutil.rmtree, monkeypatch)
    assert run(tmp_path / "out") == 0
    monkeypatch.undo()
    assert run(tmp_path / "out") == 0
    assert files.read_tree(tmp_path / "out" / "result.nc").attrs["seed"] == 0


def test_a_file_in_place_of_the_folder_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def replace(folder: Path) -> None:
        shutil.rmtree(folder)
        folder.touch()

    _interrupted(replace, monkeypatch)
    assert run(tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("neurofwp: cannot write ")
