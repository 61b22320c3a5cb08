"""Which protocols are done, in which simulations, and what is reported of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from neurofwp import cli, files, synapses
from neurofwp.errors import InputError
from neurofwp.experiments import plasticity_protocols as experiment
from neurofwp.protocols import Protocol, measurements
from neurofwp.synapses.model import SynapseModel, load

HEADER = "study,region,pathway,protocol,frequency_hz,dt_ms,spikes_per_train,trains,train_period_s,ratio,sem,n,note"


class StandIn:
    """A laboratory in which weights grow with the number of spikes, and which remembers what it was asked to do."""

    asked: list[tuple[Sequence[Protocol], int, int]]

    def __init__(self, model: str, target: str) -> None:
        pass

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

    @contextmanager
    def threads(processes: int) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(1) as executor:
            yield executor

    StandIn.asked = []
    monkeypatch.setattr(experiment, "Laboratory", StandIn)
    monkeypatch.setattr(experiment.processes, "pool", threads)
    return StandIn


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=30))
def test_no_protocol_waits_for_one_that_is_twice_as_long(durations: list[float]) -> None:
    protocols = [Protocol(str(index), period=duration) for index, duration in enumerate(durations)]
    groups = experiment.grouped(protocols)
    assert sorted(protocol.name for group in groups for protocol in group) == sorted(p.name for p in protocols)
    for group in groups:
        own = [protocol.duration for protocol in group]
        assert max(own) < 2 * min(own) or max(own) == min(own)
    # nor could two neighbouring groups have been one
    for former, later in pairwise(groups):
        assert former[0].duration >= 2 * later[0].duration


def test_chi2_is_the_mean_square_of_z(laboratory: type[StandIn], tmp_path: Path) -> None:
    result = experiment.run(experiment.Settings(data=Path("paired_recordings")), seed=1, device="cpu")
    numbers = experiment.summary(result)
    by_study: dict[str, list[float]] = {}
    for line in measurements.read("paired_recordings"):
        z = (StandIn.ratio(line.protocol) - line.ratio) / line.sem
        by_study.setdefault(line.study, []).append(z * z)
    every = list(chain(*by_study.values()))
    assert numbers.pop("points") == 25
    assert numbers.pop("chi2_per_point") == pytest.approx(sum(every) / 25)
    for study, squares in by_study.items():
        assert numbers.pop(f"{study}.points") == len(squares)
        assert numbers.pop(f"{study}.chi2_per_point") == pytest.approx(sum(squares) / len(squares))
    noise = [(0.01 / line.sem) ** 2 for line in measurements.read("paired_recordings")]
    assert numbers.pop("simulation_noise_per_point") == pytest.approx(sum(noise) / 25)
    assert not numbers


def test_a_model_one_sem_off_everywhere_has_a_chi2_of_1(laboratory: type[StandIn], tmp_path: Path) -> None:
    lines = [f"Doe,V1,,pairing,{hz},10,5,15,10,{1.75 + 0.2 * (-1) ** hz},0.2,7," for hz in (1, 2, 3, 50)]
    (tmp_path / "mine.csv").write_text("\n".join([HEADER, *lines]))
    settings = experiment.Settings(data=tmp_path / "mine.csv")
    result = experiment.run(settings, seed=0, device="cpu")
    assert experiment.summary(result) == {
        "chi2_per_point": pytest.approx(1),
        "points": 4,
        "simulation_noise_per_point": pytest.approx((0.01 / 0.2) ** 2),
    }
    np.testing.assert_allclose(result["protocols/z"], [1, -1, 1, -1])


def test_a_model_that_yields_no_number_has_no_chi2(laboratory: type[StandIn], monkeypatch: pytest.MonkeyPatch) -> None:
    """A point must not drop out of the mean because the model failed at it."""
    monkeypatch.setattr(laboratory, "ratio", staticmethod(lambda protocol: math.nan if protocol.trains == 50 else 1.0))
    settings = experiment.Settings(data=Path("sjostrom_2001_visual_cortex"))
    numbers = experiment.summary(experiment.run(settings, seed=0, device="cpu"))
    assert numbers["points"] == 10
    assert math.isnan(numbers["chi2_per_point"])


def test_points_without_a_standard_error_are_shown_but_not_scored(laboratory: type[StandIn]) -> None:
    settings = experiment.Settings(data=Path("bi_poo_1998_hippocampal_culture"))
    result = experiment.run(settings, seed=0, device="cpu")
    numbers = experiment.summary(result)
    assert numbers["points"] == 0
    assert math.isnan(numbers["chi2_per_point"])
    assert set(experiment.plot(result)) == {"ratio_against_dt", "comparison"}


def test_what_was_measured_twice_is_simulated_once(laboratory: type[StandIn]) -> None:
    """Three points are 50 Hz pairing as of Sjöström, two 20 Hz as of Egger; initial weights tell plateaus apart."""
    experiment.run(experiment.Settings(data=Path("paired_recordings"), repeats=3), seed=1, device="cpu")
    done = [protocol for protocols, _, _ in laboratory.asked for protocol in protocols]
    assert len(done) == 22
    assert {repeats for _, repeats, _ in laboratory.asked} == {3}
    assert len({seed for _, _, seed in laboratory.asked}) == len(laboratory.asked) == 3
    laboratory.asked.clear()
    result = experiment.run(experiment.Settings(protocols=("plateau-induction",)), seed=1, device="cpu")
    assert sum(len(protocols) for protocols, _, _ in laboratory.asked) == result["protocols"].sizes["protocol"] == 84


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
    assert set(experiment.plot(result)) == {kind.replace("-", "_") for kind in experiment.MAKE}
    assert experiment.summary(result)["points"] == 0


def test_a_model_does_the_protocols_that_it_can_respond_to() -> None:
    spikes = {"spike-timing", "pairing-frequency", "triplets", "quadruplets", "presynaptic-frequency", "poisson"}
    assert set(experiment.suited(load("shouval-2002"))) == {*spikes, "voltage-pairing"}

    def stages(**parts: str) -> SynapseModel:
        return SynapseModel("", "", (synapses.base.Stage("expression", "", "", **parts),), {}, {})

    assert set(experiment.suited(stages(spike_post="calcium += c_post"))) == spikes
    assert experiment.suited(stages(postsynaptic="dIS/dt = (plateau - IS)/tau_IS : 1")) == ["plateau-induction"]
    calcium = {*spikes, "voltage-pairing", "calcium-series"}
    assert set(experiment.suited(stages(postsynaptic_update="drive = calcium_outside*v_dendrite"))) == calcium


def test_data_and_protocols_exclude_each_other_and_bad_input_comes_first(laboratory: type[StandIn]) -> None:
    for settings, sentence in [
        (
            experiment.Settings(data=Path("paired_recordings"), protocols=("triplets",)),
            "leave out either data or protocols",
        ),
        (experiment.Settings(data=Path("nothing.csv")), "there is no file 'nothing.csv'"),
        (experiment.Settings(model="shouval-2003"), "did you mean 'shouval-2002'"),
    ]:
        with pytest.raises(InputError, match=sentence):
            experiment.run(settings, seed=0, device="cpu")
    assert not laboratory.asked


def test_the_command_line_leaves_the_table_as_csv(laboratory: type[StandIn], tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["run", "plasticity-protocols", "--model", "shouval-2002", "--data", "wang_2005_hippocampal_culture"]
    assert cli.main([*words, "--device", "cpu", "--out", str(out)]) == 0
    table = pd.read_csv(out / "table.csv")
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
    assert {file.name for file in out.glob("*.png")} == {"comparison.png"}


def test_cell_counts_are_whole_numbers(laboratory: type[StandIn]) -> None:
    result = experiment.run(experiment.Settings(data=Path("paired_recordings")), seed=1, device="cpu")
    assert experiment.tables(result)["table"]["n"].tolist()[:4] == [2, 5, 9, 11]
    assert "n,ratio" not in experiment.tables(result)["table"].to_csv()
    assert ",2," in experiment.tables(result)["table"].to_csv().splitlines()[1]


def test_the_laboratory_in_several_processes(tmp_path: Path) -> None:
    """Really simulated, in two groups of different durations: more pairs, more potentiation."""
    lines = [
        "Doe,V1,a,spikes,,,,1,0.2,1,0.1,7,,1,",
        "Doe,V1,b,spikes,,,,4,0.2,1,0.1,7,,1 21 41,3 23 43",
        "Doe,V1,c,spikes,,,,1,0.2,1,0.1,7,,1 21 41,3 23 43",
    ]
    (tmp_path / "mine.csv").write_text("\n".join([f"{HEADER},pre_ms,post_ms", *lines]))
    settings = experiment.Settings(model="shouval-2002", data=tmp_path / "mine.csv", target="numpy")
    ratio = experiment.run(settings, seed=0, device="cpu")["protocols/ratio"].values
    alone, four, one = ratio
    assert alone == pytest.approx(1, abs=1e-2)
    assert four > one > 1.01
