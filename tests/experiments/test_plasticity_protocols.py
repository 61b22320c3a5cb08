"""Which protocols are done, in which simulations, and what is reported of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurofwp import cli
from neurofwp.cli import catalogue
from neurofwp.errors import InputError
from neurofwp.experiments import plasticity_protocols as experiment
from neurofwp.laboratory import Protocol, mean_weight, measurements, responses, side_by_side
from neurofwp.laboratory.responses import suitable_kinds
from neurofwp.runtime import files, parallel
from neurofwp.runtime.tables import frame
from neurofwp.synapses.model import load

HEADER = "study,region,pathway,protocol,frequency_hz,dt_ms,spikes_per_train,trains,train_period_s,ratio,sem,n,note"


def traces_of_nothing() -> xr.Dataset:
    """Two pairs of spikes to which no synapse responds."""
    flat = (("protocol", "time"), np.zeros((2, 5)))
    return xr.Dataset(
        {"voltage": (*flat, {"units": "mV"}), "weight": (*flat, {"units": "nS"})},
        coords={
            "protocol": ["pre before post", "post before pre"],
            "time": ("time", np.arange(5.0), {"units": "ms"}),
            "pre": ("protocol", [0.0, 1.0]),
            "post": ("protocol", [1.0, 0.0]),
        },
    )


TRACES = traces_of_nothing()


class StandIn:
    """A laboratory in which weights grow with the number of spikes, and which remembers what it was asked to do."""

    asked: list[tuple[Sequence[Protocol], int, int]]

    def __init__(self, model: str, backend: str) -> None:
        self.model = model

    def change(self, protocols: Sequence[Protocol], *, repeats: int, seed: int) -> xr.Dataset:
        self.asked.append((protocols, repeats, seed))
        ratio = [self.ratio(protocol) for protocol in protocols]
        names = [protocol.name for protocol in protocols]
        sem = ("protocol", [0.01] * len(ratio))
        return xr.Dataset({"ratio": ("protocol", ratio), "sem": sem}, coords={"protocol": names})

    @staticmethod
    def ratio(protocol: Protocol) -> float:
        return 1 + 0.01 * protocol.trains * len(protocol.pre)


@pytest.fixture
def laboratory(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    """The stand-in, in this process."""

    StandIn.asked = []
    monkeypatch.setattr(side_by_side, "Laboratory", StandIn)
    monkeypatch.setattr(experiment, "record_pair", lambda settings: TRACES.assign_attrs(model=settings.model))
    return StandIn


def test_a_default_run_is_three_simulations_of_minutes() -> None:
    """Of the model's time; short protocols, which are many, are spared most of it."""
    protocols = [protocol for kind in suitable_kinds(load("shouval-2002")) for protocol in experiment.MAKE[kind](0)]
    long, short, shortest = side_by_side.group_by_duration(protocols)
    assert (long[0].duration, short[0].duration, shortest[0].duration) == (150, 60, 7.5)
    assert len(short) > len(long) > 30 > len(shortest)  # the last are of the calcium series


def test_chi2_is_the_mean_square_of_z(laboratory: type[StandIn], tmp_path: Path) -> None:
    result = experiment.run(experiment.Settings(data=Path("paired_recordings")), seed=1, device="cpu")
    numbers = experiment.EXPERIMENT.summary(result)
    by_study: dict[str, list[float]] = {}
    for line in measurements.read("paired_recordings"):
        z = (StandIn.ratio(line.protocol) - line.ratio) / line.sem
        by_study.setdefault(line.study, []).append(z * z)
    every = list(chain(*by_study.values()))
    assert numbers.pop("points") == 25
    assert numbers.pop("chi2_per_point") == pytest.approx(sum(every) / 25)
    for study, squares in by_study.items():
        assert numbers.pop(f"studies.{study}.points") == len(squares)
        assert numbers.pop(f"studies.{study}.chi2_per_point") == pytest.approx(sum(squares) / len(squares))
    noise = [(0.01 / line.sem) ** 2 for line in measurements.read("paired_recordings")]
    assert numbers.pop("simulation_noise_per_point") == pytest.approx(sum(noise) / 25)
    assert all(key.startswith("points.") for key in numbers)


def test_a_model_one_sem_off_everywhere_has_a_chi2_of_1(laboratory: type[StandIn], tmp_path: Path) -> None:
    lines = [f"Doe,V1,,pairing,{hz},10,5,15,10,{1.75 + 0.2 * (-1) ** hz},0.2,7," for hz in (1, 2, 3, 50)]
    (tmp_path / "mine.csv").write_text("\n".join([HEADER, *lines]))
    settings = experiment.Settings(data=tmp_path / "mine.csv")
    result = experiment.run(settings, seed=0, device="cpu")
    numbers = experiment.EXPERIMENT.summary(result)
    assert {key: number for key, number in numbers.items() if not key.startswith("points.")} == {
        "chi2_per_point": pytest.approx(1),
        "points": 4,
        "simulation_noise_per_point": pytest.approx((0.01 / 0.2) ** 2),
    }
    np.testing.assert_allclose(result["protocols/z"], [1, -1, 1, -1])


def test_a_model_that_yields_no_number_has_no_chi2(laboratory: type[StandIn], monkeypatch: pytest.MonkeyPatch) -> None:
    """A point must not drop out of the mean because the model failed at it."""
    monkeypatch.setattr(laboratory, "ratio", staticmethod(lambda protocol: math.nan if protocol.trains == 50 else 1.0))
    settings = experiment.Settings(data=Path("sjostrom_2001_visual_cortex"))
    numbers = experiment.EXPERIMENT.summary(experiment.run(settings, seed=0, device="cpu"))
    assert numbers["points"] == 10
    assert math.isnan(numbers["chi2_per_point"])


def test_points_without_a_standard_error_are_shown_but_not_scored(laboratory: type[StandIn]) -> None:
    settings = experiment.Settings(data=Path("bi_poo_1998_hippocampal_culture"))
    result = experiment.run(settings, seed=0, device="cpu")
    numbers = experiment.EXPERIMENT.summary(result)
    assert numbers["points"] == 0
    assert math.isnan(numbers["chi2_per_point"])
    assert set(experiment.plot(result)) == {"pairing_traces", "ratio_against_dt", "comparison"}


def test_what_was_measured_twice_is_simulated_once(laboratory: type[StandIn]) -> None:
    """Three points are 50 Hz pairing as of Sjöström, two 20 Hz as of Egger; initial weights tell plateaus apart."""
    experiment.run(experiment.Settings(data=Path("paired_recordings"), repeats=3), seed=1, device="cpu")
    done = [protocol for protocols, _, _ in laboratory.asked for protocol in protocols]
    assert len(done) == 22
    assert {repeats for _, repeats, _ in laboratory.asked} == {3}
    assert len({seed for _, _, seed in laboratory.asked}) == len(laboratory.asked) == 2
    laboratory.asked.clear()
    result = experiment.run(experiment.Settings(protocols=("plateau-induction",)), seed=1, device="cpu")
    assert sum(len(protocols) for protocols, _, _ in laboratory.asked) == result["protocols"].sizes["protocol"] == 369


@pytest.mark.parametrize(
    ("model", "asked", "done"),
    [("shouval-2002", None, 1), ("graupner-brunel-d-prime", None, 100), ("shouval-2002", 5, 5)],
)
def test_noisy_models_are_repeated_unless_told_otherwise(
    laboratory: type[StandIn], model: str, asked: int | None, done: int
) -> None:
    experiment.run(experiment.Settings(model, protocols=("triplets",), repeats=asked), seed=0, device="cpu")
    assert [repeats for _, repeats, _ in laboratory.asked] == [done]


def test_every_kind_is_done_and_drawn(laboratory: type[StandIn]) -> None:
    result = experiment.run(experiment.Settings(protocols=tuple(experiment.MAKE)), seed=1, device="cpu")
    data = result["protocols"].to_dataset()
    for kind, make in experiment.MAKE.items():
        protocols = make(1)
        own = data.isel(protocol=np.flatnonzero(data["kind"] == kind))
        assert own["protocol"].values.tolist() == [protocol.name for protocol in protocols]
        np.testing.assert_allclose(own["ratio"], [StandIn.ratio(protocol) for protocol in protocols])
        for name in protocols[0].coordinates:
            assert own[name].values.tolist() == [protocol.coordinates[name] for protocol in protocols]
    assert set(experiment.plot(result)) == {"pairing_traces", *(kind.replace("-", "_") for kind in experiment.MAKE)}
    assert experiment.EXPERIMENT.summary(result)["points"] == 0


def test_data_and_protocols_exclude_each_other_and_bad_input_comes_first(laboratory: type[StandIn]) -> None:
    for settings, sentence in [
        (
            experiment.Settings(data=Path("paired_recordings"), protocols=("triplets",)),
            "leave out either data or protocols",
        ),
        (experiment.Settings(data=Path("nothing.csv")), "there is no file 'nothing.csv'"),
        (experiment.Settings(model="shouval-2003"), "did you mean 'shouval-2002'"),
        (experiment.Settings(initial=0), "initial must be a weight above 0 nS"),
        (experiment.Settings(initial=math.inf), "initial must be a weight above 0 nS"),
        (experiment.Settings(repeats=0), "repeats must be 1 or more"),
    ]:
        with pytest.raises(InputError, match=sentence):
            experiment.run(settings, seed=0, device="cpu")
    assert not laboratory.asked


def test_the_command_line_prints_the_table_and_leaves_it_as_csv(
    laboratory: type[StandIn], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["run", "plasticity-protocols", "--model", "shouval-2002", "--data", "wang_2005_hippocampal_culture"]
    assert cli.main([*words, "--device", "cpu", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    table = pd.read_csv(out / "points.csv")
    lines = measurements.read("wang_2005_hippocampal_culture")
    assert table["protocol"].tolist() == [line.protocol.name for line in lines]
    np.testing.assert_allclose(table["measured"], [line.ratio for line in lines])
    np.testing.assert_allclose(table["model"], [StandIn.ratio(line.protocol) for line in lines])
    np.testing.assert_allclose(table["z"], (table["model"] - table["measured"]) / table["measured_sem"])
    assert table["n"].isna().all()
    result = files.read_tree(out / "result.nc")
    np.testing.assert_array_equal(result["protocols/z"], table["z"])
    assert result["protocols"].attrs["model"] == "shouval-2002"
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["chi2_per_point"], summary["points"]) == (pytest.approx((table["z"] ** 2).mean()), 13)
    assert f"{summary['chi2_per_point']:.3g}" in printed
    assert all(f"{measured:.3g} ± {sem:.3g}" in printed for measured, sem in table[["measured", "measured_sem"]].values)
    assert {file.name for file in out.glob("*.png")} == {
        "comparison.png",
        "pairing_traces.png",
        "ratio_against_interval.png",
    }


def test_cell_counts_are_whole_numbers(laboratory: type[StandIn]) -> None:
    result = experiment.run(experiment.Settings(data=Path("paired_recordings")), seed=1, device="cpu")
    points = experiment.tables(result)["points"]
    assert points["n"].values.tolist()[:4] == [2, 5, 9, 11]
    assert ",2," in frame(points).to_csv().splitlines()[1]


def test_every_shipped_model_has_something_to_do_and_a_weight_to_begin_with() -> None:
    for name in catalogue.synapses():
        model = load(name)
        settings = experiment.complete(experiment.Settings(name), model)
        assert suitable_kinds(model)
        assert (settings.initial or mean_weight(model)) > 0
        upper = model.values.get("w_max", model.values.get("w1"))
        assert upper is None or (settings.initial or 0) < float(upper) * 1e9


def test_a_model_that_responds_to_nothing_is_said(laboratory: type[StandIn], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(responses, "suitable_kinds", lambda model: [])
    with pytest.raises(
        InputError, match="shouval-2002 responds to neither .*: choose what to do to it with --protocols"
    ):
        experiment.run(experiment.Settings("shouval-2002"), seed=0, device="cpu")


@pytest.mark.parametrize(
    ("model", "asked", "started"),
    [("shouval-2002", None, None), ("thresholds", None, 0.25), ("thresholds", 0.5, 0.5), ("shouval-2002", 0.4, 0.4)],
)
def test_an_empty_memory_begins_with_a_weight(
    laboratory: type[StandIn], model: str, asked: float | None, started: float | None
) -> None:
    """Changes are shares of the weight before, so there must be one; plateaus bring their own."""
    kinds = ("triplets", "plateau-induction")
    result = experiment.run(experiment.Settings(model, initial=asked, protocols=kinds), seed=0, device="cpu")
    done = [protocol for protocols, _, _ in laboratory.asked for protocol in protocols]
    for protocol in done:
        assert protocol.initial == (protocol.coordinates["initial"] if protocol.plateaus else started)
    assert result["protocols"].attrs.get("initial") == started


def test_a_run_that_was_interrupted_goes_on(
    laboratory: type[StandIn], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups that are done are not simulated again, unless something about them has changed."""
    settings = experiment.Settings("shouval-2002", data=Path("paired_recordings"))
    whole = experiment.run(settings, seed=1, device="cpu")
    every = list(laboratory.asked)
    laboratory.asked.clear()

    def change(self: StandIn, protocols: Sequence[Protocol], *, repeats: int, seed: int) -> xr.Dataset:
        if self.asked:
            raise KeyboardInterrupt
        return original(self, protocols, repeats=repeats, seed=seed)

    original = laboratory.change
    monkeypatch.setattr(laboratory, "change", change)
    with pytest.raises(KeyboardInterrupt):
        experiment.run(settings, seed=1, device="cpu", folder=tmp_path)
    assert laboratory.asked == every[:1]
    monkeypatch.setattr(laboratory, "change", original)
    laboratory.asked.clear()
    resumed = experiment.run(settings, seed=1, device="cpu", folder=tmp_path)
    assert laboratory.asked == every[1:]
    xr.testing.assert_identical(resumed["protocols"].to_dataset(), whole["protocols"].to_dataset())

    laboratory.asked.clear()
    experiment.run(settings, seed=1, device="cpu", folder=tmp_path)
    assert not laboratory.asked
    next(tmp_path.iterdir()).write_text("half a file")
    experiment.run(settings, seed=1, device="cpu", folder=tmp_path)
    assert len(laboratory.asked) == 1
    for other, seed in [(settings, 2), (replace(settings, repeats=2), 1), (replace(settings, initial=0.5), 1)]:
        laboratory.asked.clear()
        experiment.run(other, seed=seed, device="cpu", folder=tmp_path)
        assert len(laboratory.asked) == len(every)


def test_the_content_of_a_model_file_counts_not_its_path(laboratory: type[StandIn], tmp_path: Path) -> None:
    shipped = (Path(experiment.__file__).parents[1] / "models" / "synapses" / "shouval-2002.toml").read_text()
    mine, folder = tmp_path / "mine.toml", tmp_path / "parts"
    for text, simulated in [(shipped, 1), (shipped, 0), (shipped.replace("value = 80,", "value = 40,"), 1)]:
        mine.write_text(text)
        laboratory.asked.clear()
        experiment.run(experiment.Settings(str(mine), protocols=("triplets",)), seed=0, device="cpu", folder=folder)
        assert len(laboratory.asked) == simulated


def test_a_bad_laboratory_is_found_before_anything_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = (Path(experiment.__file__).parents[1] / "models" / "synapses" / "shouval-2002.toml").read_text()
    (tmp_path / "mine.toml").write_text(f'{shipped}\nv_rest = {{ value = -70, unit = "nS" }}\n')
    monkeypatch.setattr(side_by_side, "changes", lambda *arguments, **more: pytest.fail("simulated"))
    words = ["run", "plasticity-protocols", "--model", str(tmp_path / "mine.toml"), "--device", "cpu"]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "mine.toml: laboratory.v_rest is -70. nS, but needs a unit like 'mV'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("value = 50, unit", "value = -50, unit"), "is -50 ms, but must be in"),
        (('unit = "ms"', 'unit = "msec"'), "'msec' is not a unit"),
        (('unit = "ms"', 'unit = "mV"'), "needs a unit like 'ms'"),
        (("tau_calcium =", "tau_calcum ="), "did you mean 'tau_calcium'"),
    ],
)
def test_a_mistake_in_a_model_file_is_one_sentence(
    change: tuple[str, str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = (Path(experiment.__file__).parents[1] / "models" / "synapses" / "shouval-2002.toml").read_text()
    own = next(line for line in shipped.splitlines() if line.startswith("tau_calcium"))
    (tmp_path / "mine.toml").write_text(shipped.replace(own, own.replace(*change)))
    words = ["run", "plasticity-protocols", "--model", str(tmp_path / "mine.toml"), "--device", "cpu"]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("neurofwp: ")]
    assert len(said) == 1
    assert "mine.toml" in said[0]
    assert sentence in said[0]


def test_the_laboratory_in_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Really simulated, in two groups of different durations: more pairs, more potentiation."""
    monkeypatch.delenv(parallel.LIMIT)
    lines = [
        "Doe,V1,a,spikes,,,,1,0.2,1,0.1,7,,1,",
        "Doe,V1,b,spikes,,,,4,0.2,1,0.1,7,,1 21 41,3 23 43",
        "Doe,V1,c,spikes,,,,1,0.2,1,0.1,7,,1 21 41,3 23 43",
    ]
    (tmp_path / "mine.csv").write_text("\n".join([f"{HEADER},pre_ms,post_ms", *lines]))
    settings = experiment.Settings(model="shouval-2002", data=tmp_path / "mine.csv", backend="numpy")
    ratio = experiment.run(settings, seed=0, device="cpu")["protocols/ratio"].values
    alone, four, one = ratio
    assert alone == pytest.approx(1, abs=1e-2)
    assert four > one > 1.01
