"""The command line, on a tiny experiment that stands in for the real ones."""

from __future__ import annotations

import ast
import json
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

import neurofwp.experiments
from neurofwp import cli, trace
from neurofwp.cli import catalogue
from neurofwp.identification.preparation import DRIVES
from neurofwp.plots import LazyFigures
from neurofwp.runtime import files, source

TINY = '''"""A tiny experiment: draws numbers and calls them rules.

More about it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.identification.preparation import DRIVES
from neurofwp.runtime.experiment import Experiment

calls = []


@dataclass(frozen=True)
class Settings:
    pairs: int = 2
    """How many pairs are stored."""
    regime: Literal["additive", "decay"] = "additive"
    """Which parameters the synapses have."""
    failure: Literal["none", "input", "late input", "interrupt", "crash", "plot", "figure"] = "none"
    """What goes wrong."""
    load: tuple[int, ...] = ()
    """Nothing here."""
    data: Path = Path("nowhere")
    """Nothing here."""
    parameters: tuple[str, ...] = ()
    """Nothing here."""


def check(settings):
    if settings.failure == "input":
        raise InputError("pairs are at most 32 here")


def run(settings, *, seed, device, folder):
    calls.append((settings, seed, device))
    if settings.failure == "late input":
        raise InputError("pairs do not fit the data")
    if settings.failure == "interrupt":
        raise KeyboardInterrupt
    if settings.failure == "crash":
        raise RuntimeError("the simulation blew up")
    numbers = np.random.default_rng(seed).normal(size=settings.pairs)
    rules = ["hebbian", "delta"]
    share = np.array([0.75, 0.975])
    fits = xr.Dataset(
        {
            "r2": ("rule", 0.9 * share),
            "feve": ("rule", share),
            "low": ("rule", share - 0.01),
            "high": ("rule", share + 0.01),
            "bic": ("rule", [10.0, -2000.5]),
            "best": ("rule", [False, True]),
            "noise_ceiling": ((), 0.9),
            "noise_ceiling_sem": ((), 0.01),
        },
        coords={"rule": rules},
        attrs={"drive": "nominal", "driven_by": DRIVES["nominal"]},
    )
    data = xr.Dataset({"numbers": ("pair", numbers)}, attrs={"failure": settings.failure})
    return xr.DataTree.from_dict({"/data": data, "/fits": fits})


def tables(result):
    coords = {"network": ["spiking", "rate"]}
    r2 = ("network", [float(result["data/numbers"].mean()), float("nan")], {"units": "1"})
    identified = ("network", [0.875, float("nan")], {"units": "1"})
    latency = ("network", [12.5, float("nan")], {"units": "ms"})
    return {
        "recall": xr.Dataset({"r2": r2, "identified": identified}, coords),
        "summary": xr.Dataset({"best": ("chosen", ["delta"]), "latency": latency}, coords),
    }


def plot(result):
    if result["data"].attrs["failure"] == "plot":
        raise RuntimeError("no ink")
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot(result["data/numbers"])
    if result["data"].attrs["failure"] == "figure":
        figure.savefig = lambda path, dpi: [path.write_text("half"), 1 / 0]
    return {"numbers": figure}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
'''


@pytest.fixture(autouse=True)
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The experiment `tiny-run`, and `heavy-one`, which must not be imported to be listed."""
    folder = tmp_path / "found_here"
    folder.mkdir()
    (folder / "tiny_run.py").write_text(TINY)
    (folder / "heavy_one.py").write_text('"""Takes [long] to import."""\nraise ImportError("not to be imported")\n')
    monkeypatch.setattr(neurofwp.experiments, "__path__", [str(folder)])
    source.package_hash.cache_clear()  # of which experiments are a part
    catalogue.experiment("tiny-run")
    yield sys.modules["neurofwp.experiments.tiny_run"]
    source.package_hash.cache_clear()
    sys.modules.pop("neurofwp.experiments.tiny_run")
    del neurofwp.experiments.tiny_run


def run_tiny(folder: Path, *flags: str) -> int:
    return cli.main(["run", "tiny-run", "--device", "cpu", "--out", str(folder), *flags])


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_run_leaves_everything(tmp_path: Path, tiny: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run_tiny(out, "--pairs", "3", "--regime", "decay", "--seed", "5") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert tiny.calls == [(tiny.Settings(pairs=3, regime="decay"), 5, "cpu")]
    assert names(out) == {
        "result.nc",
        "summary.json",
        "recall.csv",
        "summary.csv",
        "log.txt",
        "numbers.png",
        "report.html",
        "manifest.json",
    }

    result = files.read_tree(out / "result.nc")
    drawn = np.random.default_rng(5).normal(size=3)
    np.testing.assert_array_equal(result["data/numbers"], drawn)
    assert json.loads(result.attrs["settings"]) == {
        "pairs": 3, "regime": "decay", "failure": "none", "load": [], "data": "nowhere", "parameters": [],
    }  # fmt: skip
    assert (result.attrs["experiment"], result.attrs["seed"], result.attrs["device"]) == ("tiny-run", 5, "cpu")
    assert json.loads(result.attrs["versions"])["xarray"] == xr.__version__
    assert re.fullmatch(r"[0-9a-f]{40}\+?|unknown", result.attrs["commit"])

    summary = json.loads((out / "summary.json").read_text())
    assert summary["recall.spiking.r2"] == drawn.mean()
    assert summary["recall.rate.r2"] is None
    with xr.open_dataset(out / "result.nc", engine="h5netcdf") as first:
        assert first["recall.spiking.r2"].item() == drawn.mean()
        assert {name.replace("/", "_") for name in summary} - {"sha256"} == set(first)

    assert matplotlib.image.imread(out / "numbers.png").shape[:2] == (200, 400)  # 2 x 1 inches at 200 dpi
    headings = (out / "summary.csv").read_text().splitlines()[0]
    assert headings == "network,best,latency (ms)"

    log = (out / "log.txt").read_text()
    assert "tiny-run, seed 5, on cpu" in log
    assert result.attrs["settings"] in log
    assert f'"numpy": "{np.__version__}"' in log


def test_the_log_reaches_terminal_and_file_and_handlers_do_not_pile_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(logging.getLogger("neurofwp").handlers)
    for attempt in ("a", "b"):
        assert run_tiny(tmp_path / attempt) == 0
        line = "tiny-run, seed 0, on cpu"
        assert capsys.readouterr().err.count(line) == 1
        assert (tmp_path / attempt / "log.txt").read_text().count(line) == 1
    assert logging.getLogger("neurofwp").handlers == before


def test_without_out_the_folder_is_named_by_time_and_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    hashes = []
    for flags in (["--seed", "1"], ["--seed", "1"], ["--seed", "2"], ["--seed", "1", "--pairs", "3"]):
        assert cli.main(["run", "tiny-run", "--device", "cpu", *flags]) == 0
        folder = capsys.readouterr().out.splitlines()[-1]
        assert Path(folder, "result.nc").is_file()
        matched = re.fullmatch(r"results/tiny-run/\d{8}T\d{6}Z-([0-9a-f]{8})", folder)
        assert matched
        hashes.append(matched[1])
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


@pytest.mark.parametrize("failure", ["plot", "figure"])
def test_a_failing_figure_keeps_the_data(tmp_path: Path, failure: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run_tiny(out, "--failure", failure) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == str(out)
    what = {"plot": "the figures", "figure": "the figure 'numbers'"}[failure]
    assert f"{what} could not be drawn" in captured.err
    assert "Traceback" not in captured.err
    assert "Traceback" in (out / "log.txt").read_text()
    left = {"result.nc", "summary.json", "recall.csv", "summary.csv", "log.txt", "manifest.json", "report.html"}
    assert "Could not be drawn: " in (out / "report.html").read_text()
    assert names(out) == left  # no half figure either
    assert files.read_tree(out / "result.nc")["data/numbers"].size == 2


def test_a_failing_figure_is_one_sentence_and_the_others_are_drawn(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def draw() -> Figure:
        figure = Figure(figsize=(2, 1))
        figure.subplots()
        return figure

    drawings = {"first": lambda: 1 / 0, "second": draw, "third": draw}
    monkeypatch.setattr(tiny, "EXPERIMENT", replace(tiny.EXPERIMENT, plot=lambda result: LazyFigures(drawings)))
    monkeypatch.setattr(catalogue, "experiment", lambda name: tiny.EXPERIMENT)
    out = tmp_path / "out"
    assert run_tiny(out) == 1
    failed = [line for line in capsys.readouterr().err.splitlines() if "could not be drawn" in line]
    assert len(failed) == 1
    assert "the figure 'first' could not be drawn (ZeroDivisionError: division by zero), but the data" in failed[0]
    assert {"second.png", "third.png"} == {name for name in names(out) if name.endswith("png")}
    assert cli.main(["plot", str(out)]) == 1
    assert "the figure 'first' could not be drawn" in capsys.readouterr().err


def test_no_experiment_loses_all_its_figures_with_one() -> None:
    """Those with several draw them one by one."""
    for file in (Path(__file__).parents[2] / "experiments").glob("[!_]*.py"):
        functions = [each for each in ast.walk(ast.parse(file.read_text())) if isinstance(each, ast.FunctionDef)]
        (plot,) = [ast.unparse(each) for each in functions if each.name == "plot"]
        assert "LazyFigures" in plot or plot.count("nf.plots.") == 1, file.name


def test_an_output_folder_that_cannot_be_written_is_said_before_any_work(
    tmp_path: Path, tiny: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run_tiny(tmp_path / "file" / "below") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("neurofwp: cannot write to the output folder")
    assert not tiny.calls


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--failure", "input"), "pairs are at most 32 here"),
        (("--failure", "late input"), "pairs do not fit the data"),
        (("--parameters", "g_gabba=1"), "unknown parameter 'g_gabba'; did you mean 'g_gaba'?"),
        (("--parameters", "tau_nmda=25 mV"), "tau_nmda is 25 mV, but needs a unit like ms (decay time constant"),
    ],
)
@pytest.mark.parametrize("before", ["nothing", "a folder", "a log"])
def test_what_is_refused_is_one_sentence_and_exit_code_2_and_leaves_nothing(
    flags: tuple[str, str], sentence: str, before: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results" / "out"
    if before != "nothing":
        out.mkdir(parents=True)
    if before == "a log":
        (out / "log.txt").write_text("an earlier run\n")
    assert run_tiny(out, *flags) == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith(f"neurofwp: {sentence}")
    assert "Traceback" not in said
    assert (tmp_path / "results").exists() == (before != "nothing")
    assert before == "nothing" or names(out) == ({"log.txt"} if before == "a log" else set())


def test_an_interrupt_is_exit_code_130(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_tiny(tmp_path / "out", "--failure", "interrupt") == 130
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("neurofwp: interrupted")
    assert "Traceback" not in said


def test_a_crash_is_not_hidden_and_its_traceback_is_logged(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="blew up"):
        run_tiny(tmp_path / "out", "--failure", "crash")
    assert "RuntimeError: the simulation blew up" in (tmp_path / "out" / "log.txt").read_text()


def test_a_gpu_that_is_not_there_is_said(
    tmp_path: Path, tiny: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert cli.main(["run", "tiny-run", "--device", "cuda", "--out", str(tmp_path / "out")]) == 2
    assert "torch sees no GPU" in capsys.readouterr().err
    assert cli.main(["run", "tiny-run", "--out", str(tmp_path / "out")]) == 0
    assert [device for _, _, device in tiny.calls] == ["cpu"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "tiny-rum"], "neurofwp: unknown experiment 'tiny-rum'; did you mean 'tiny-run'?"),
        (["run", "zzz"], "neurofwp: unknown experiment 'zzz'; known: heavy-one, tiny-run"),
        (["run", "--pairs", "3"], "neurofwp: run needs an experiment before any flag, one of: heavy-one, tiny-run"),
        (["run"], "neurofwp: run needs an experiment before any flag, one of: heavy-one, tiny-run"),
        (["plto"], "neurofwp: unknown command 'plto'; did you mean 'plot'?"),
    ],
)
def test_unknown_names_offer_the_nearest(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 2
    assert capsys.readouterr().err == sentence + "\n"


@pytest.mark.parametrize("flags", [["--pears", "3"], ["--pairs", "three"], ["--regime", "decai"], ["--seed"]])
def test_a_flag_that_does_not_fit_is_exit_code_2(
    flags: list[str], tiny: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "tiny-run", *flags])
    assert stopped.value.code == 2
    assert flags[0] in capsys.readouterr().err
    assert not tiny.calls


def test_help_of_an_experiment_shows_each_setting_with_text_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["run", "tiny-run", "--help"])
    assert stopped.value.code == 0
    text = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    for flag, help_text, default in [
        ("--pairs INT", "How many pairs are stored.", "2"),
        ("--regime {additive,decay}", "Which parameters the synapses have.", "additive"),
        ("--seed INT", "Seed of everything random.", "0"),
        ("--device {auto,cpu,cuda}", "Where tensors live", "auto"),
    ]:
        assert re.search(rf"{re.escape(flag)} {re.escape(help_text)}[^()]*\(default: {default}\)", text)
    assert "A tiny experiment: draws numbers" in text


@pytest.mark.parametrize("words", [[], ["--help"], ["run", "--help"]])
def test_help_names_what_there_is(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    text = capsys.readouterr().out
    wanted = ["tiny-run", "heavy-one"] if "run" in words else list(cli.COMMANDS)
    assert all(re.search(rf"^  {name} ", text, re.MULTILINE) for name in wanted)


def test_compare_prints_recall_and_the_rules_best_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny(tmp_path / "out", "--seed", "4")
    capsys.readouterr()
    for result in (tmp_path / "out", tmp_path / "out" / "result.nc"):
        assert cli.main(["compare", str(result)]) == 0
        printed = capsys.readouterr().out
        rows = [re.findall(r"[^\s│┃]+", line) for line in printed.splitlines() if "│" in line]
        mean = np.random.default_rng(4).normal(size=2).mean()
        assert rows == [
            ["spiking", f"{mean:.3f}", "0.875"],
            ["rate", "–", "–"],
            ["delta", "0.975", "[0.965,", "0.985]", "0.877", "*"],
            ["hebbian", "0.750", "[0.740,", "0.760]", "0.675"],
        ]
        assert "noise ceiling 0.900 ± 0.010" in printed
        assert DRIVES["nominal"] in printed


def test_compare_finds_every_group_of_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny(tmp_path / "out")
    result = files.read_tree(tmp_path / "out" / "result.nc")
    fits = result["fits"].to_dataset()
    tree = xr.DataTree.from_dict({"/": result.to_dataset(), "/fits/nominal": fits, "/fits/measured": fits})
    tree["fits/measured"].attrs["driven_by"] = DRIVES["measured"]
    files.write_netcdf(tree, tmp_path / "alone.nc")
    capsys.readouterr()
    assert cli.main(["compare", str(tmp_path / "alone.nc")]) == 0
    printed = capsys.readouterr().out
    assert printed.count("hebbian") == 2
    for drive in ("nominal", "measured"):
        assert f"fits/{drive}: which rule" in printed
        assert DRIVES[drive] in printed


def test_what_is_no_result_is_refused_in_one_sentence(
    tmp_path: Path, small_trace: xr.Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    trace.save(small_trace, tmp_path / "trace.nc")
    (tmp_path / "notes.txt").write_text("not a result")
    (tmp_path / "empty").mkdir()
    files.write_netcdf(
        xr.DataTree.from_dict({"/": xr.Dataset(attrs={"experiment": "tiny-run"})}), tmp_path / "no_fits.nc"
    )
    for command, name, reason in [
        ("compare", "trace.nc", "is not the result of an experiment"),
        ("plot", "trace.nc", "is not the result of an experiment"),
        ("compare", "notes.txt", "is not a NetCDF-4 file"),
        ("compare", "empty", "there is no file"),
        ("compare", "nowhere", "there is no file"),
        ("compare", "no_fits.nc", "holds no recall and no rules"),
    ]:
        assert cli.main([command, str(tmp_path / name)]) == 2
        said = capsys.readouterr()
        assert reason in said.err
        assert len(said.err.splitlines()) == 1
        assert not said.out


def test_plot_needs_the_saved_data_alone(tmp_path: Path, tiny: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "else" / "where"
    run_tiny(out)
    first = matplotlib.image.imread(out / "numbers.png")
    for file in names(out) - {"result.nc"}:
        (out / file).unlink()
    tiny.calls.clear()
    assert cli.main(["plot", str(out)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    assert names(out) == {"result.nc", "numbers.png", "report.html"}
    np.testing.assert_array_equal(matplotlib.image.imread(out / "numbers.png"), first)
    assert cli.main(["plot", str(out / "result.nc"), "--out", str(elsewhere), "--pdf"]) == 0
    assert names(elsewhere) == {"numbers.png", "numbers.pdf", "report.html", "manifest.json"}
    assert (elsewhere / "numbers.pdf").read_bytes().startswith(b"%PDF")
    assert not tiny.calls


def test_help_and_lists_name_experiments_without_importing_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "experiments"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"heavy-one +│ Takes \[long\] to import\.", printed)
    assert re.search(r"tiny-run +│ A tiny experiment: draws numbers and calls them rules\.", printed)


def test_rerun_is_the_same_run(tmp_path: Path, tiny: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    run_tiny(out, "--pairs", "3", "--seed", "5", "--load", "2", "4", "--data", "some/file")
    assert cli.main(["rerun", str(out), "--out", str(again)]) == 0
    assert tiny.calls[0] == tiny.calls[1]
    assert tiny.calls[1][0] == tiny.Settings(pairs=3, load=(2, 4), data=Path("some/file"))
    assert (again / "summary.json").read_text() == (out / "summary.json").read_text()
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == [str(again), "identical: 10 arrays, bit for bit"]
    assert cli.main(["rerun", str(out), "--out", str(out)]) == 2
    assert "holds the result that is to be made again" in capsys.readouterr().err


def test_rerun_names_what_is_not_identical(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny(tmp_path / "out", "--pairs", "3")
    result = files.read_tree(tmp_path / "out" / "result.nc")
    result["data/numbers"] = result["data/numbers"].assign_attrs(units="nS").copy(deep=True)
    result["data/numbers"].values[1] += 0.25
    result["fits"] = xr.DataTree(result["fits"].to_dataset().drop_vars("low"))
    versions = json.loads(result.attrs["versions"]) | {"numpy": "0.1"}
    result.attrs |= {"commit": "abc", "versions": json.dumps(versions)}
    files.write_netcdf(result, tmp_path / "older.nc")
    capsys.readouterr()
    assert cli.main(["rerun", str(tmp_path / "older.nc"), "--out", str(tmp_path / "again")]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[said.index(str(tmp_path / "again")) + 1] == "not identical: 2 arrays differ, of 9"
    assert "  /data/numbers has 1 other values of 3, by 0.25 nS at most" in said
    assert "  /fits/low is new" in said
    assert f"numpy: 0.1 then, {np.__version__} now" in said
    assert any(line.startswith("commit: abc then, ") for line in said)


def test_rerun_says_what_has_changed_and_refuses_settings_that_there_are_no_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny(tmp_path / "out")
    result = files.read_tree(tmp_path / "out" / "result.nc")
    versions = json.loads(result.attrs["versions"]) | {"numpy": "0.1"}
    result.attrs |= {"commit": "abc", "versions": json.dumps(versions)}
    files.write_netcdf(result, tmp_path / "older.nc")
    capsys.readouterr()
    assert cli.main(["rerun", str(tmp_path / "older.nc"), "--out", str(tmp_path / "again")]) == 0
    result.attrs["settings"] = json.dumps(json.loads(result.attrs["settings"]) | {"pears": 2})
    files.write_netcdf(result, tmp_path / "older.nc")
    assert cli.main(["rerun", str(tmp_path / "older.nc"), "--out", str(tmp_path / "third")]) == 2
    assert "of another version of the experiment, 'pears'; did you mean 'pairs'?" in capsys.readouterr().err
    assert not (tmp_path / "third").exists()


def test_doctor_finds_this_machine_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for what in ("Python", "C++ compiler", "Brian2", "torch", "HDF5", "a small network", "a small fit"):
        assert re.search(rf"^ok +{re.escape(what)}: ", printed, re.MULTILINE)


@pytest.mark.parametrize(("compiler", "found"), [("/nowhere/c++", "no /nowhere/c++"), ("false", "it failed")])
def test_doctor_says_what_to_do_without_a_compiler(
    compiler: str, found: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CXX", compiler)
    assert cli.main(["doctor", "--quick"]) == 1
    printed = capsys.readouterr().out
    assert re.search(rf"^PROBLEM +C\+\+ compiler: {re.escape(found)}\n +install ", printed, re.MULTILINE)


def test_doctor_goes_on_after_a_check_that_breaks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    assert cli.main(["doctor", "--quick"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^PROBLEM +torch: ModuleNotFoundError", printed, re.MULTILINE)
    assert re.search(r"^ok +HDF5: ", printed, re.MULTILINE)
