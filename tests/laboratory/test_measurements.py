"""Files of measurements: what each line means, and what is said about a mistake."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from neurofwp.errors import InputError
from neurofwp.laboratory import Protocol, kinds, measurements

HEADER = "study,region,pathway,protocol,frequency_hz,dt_ms,spikes_per_train,trains,train_period_s,ratio,sem,n,note"
LINE = "Doe 2020,V1,L4,pairing,20,10,5,15,10,1.3,0.1,7,"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(*lines: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "mine.csv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return make


def nameless(protocol: Protocol) -> Protocol:
    return replace(protocol, name="")


@pytest.mark.parametrize(
    ("name", "count", "column", "offset"),
    [
        ("paired_recordings", 25, "ratio", 0),
        ("sjostrom_2001_visual_cortex", 10, "change", 1),
        ("wang_2005_hippocampal_culture", 13, "change", 1),
        ("bi_poo_1998_hippocampal_culture", 42, "change", 1),
    ],
)
def test_shipped_files_are_read_whole(name: str, count: int, column: str, offset: int) -> None:
    """Ratios are those of the files, or 1 more than the changes in them."""
    read = measurements.read(name)
    assert len({one.protocol.name for one in read}) == len(read) == count
    lines = resources.files("neurofwp.data").joinpath(f"{name}.csv").read_text().splitlines()
    index = lines[0].split(",").index(column)
    ratios = [float(line.split(",")[index]) + offset for line in lines[1:]]
    np.testing.assert_allclose([one.ratio for one in read], ratios)


def test_two_tables_of_one_study_say_the_same_was_done() -> None:
    """Trains are spelt out in one and go without saying in the other."""
    first = [one for one in measurements.read("paired_recordings") if one.study == "Sjostrom et al. 2001"]
    second = measurements.read("sjostrom_2001_visual_cortex")
    assert [nameless(one.protocol) for one in first] == [nameless(one.protocol) for one in second]
    assert [one.n for one in first] == [7, 6, 3, 6, 6, 7, 3, 4, 5, 10]
    assert {one.n for one in second} == {None}


def test_a_line_of_paired_recordings_is_its_protocol() -> None:
    one = measurements.read("paired_recordings")[7]
    assert one.protocol.pre == pytest.approx((11, 111, 211, 311, 411))
    assert one.protocol.post == pytest.approx((1, 101, 201, 301, 401))
    assert (one.protocol.trains, one.protocol.period) == (10, 4)
    assert one[1:] == (0.7922, 0.0259, 6, "Markram et al. 1997", "L5TTPC->L5TTPC")


def test_lines_of_wang_are_pairs_triplets_and_quadruplets() -> None:
    done = [nameless(one.protocol) for one in measurements.read("wang_2005_hippocampal_culture")]
    pairs = [kinds.pairing(10), kinds.pairing(-10)]
    dts = [(5, -5), (10, -10), (15, -5), (5, -15), (-5, 5), (-10, 10), (-5, 15), (-15, 5)]
    assert done == list(map(nameless, [*pairs, *kinds.triplets(dts), *kinds.quadruplets([-88.5, 20, 83.7])]))


def test_single_cells_have_no_standard_error() -> None:
    read = measurements.read("bi_poo_1998_hippocampal_culture")
    assert all(math.isnan(one.sem) and one.n == 1 for one in read)


def test_the_map_of_plateaus_is_complete() -> None:
    change = measurements.btsp_map()["change"]
    assert change.shape == (9, 3)
    assert not change.isnull().any()
    assert change.sel(delay=-1.5, ramp="2-6") == 3.55
    assert change.sel(delay=2.5, ramp=">6") == -4.19


def test_a_file_of_ones_own(write: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    path = write(
        f"{HEADER},pre_ms,post_ms,calcium_mm,rig",
        f"{LINE},,,,A",
        "",
        f"{LINE},,,1.3,A",
        "Doe 2020,V1,L4,spikes,,,,20,2,1.3,0.1,7,a burst, 0 5.5  11 ,20,,A",
        "Doe 2020,V1,,presynaptic,100,,50,1,3,1.3,0.1,7,,,,,A",
        f"{LINE},,,,B",
        encoding="utf-8-sig",
    )
    with caplog.at_level(logging.WARNING, "neurofwp"):
        plain, low, burst, alone, again = (one.protocol for one in measurements.read(path))
    assert "columns that are not read: rig" in caplog.text
    assert nameless(plain) == nameless(kinds.pairing(10, 20, spikes=5, trains=15, period=10))
    assert low.calcium == 1.3
    assert (low.pre, low.post) == (plain.pre, plain.post)
    assert (burst.pre, burst.post, burst.trains, burst.period) == ((0, 5.5, 11), (20,), 20, 2)
    assert (len(alone.pre), alone.post, alone.trains) == (50, (), 1)
    np.testing.assert_allclose(np.diff(alone.pre), 10)
    assert again.name == f"{plain.name} (line 7)"
    assert nameless(again) == nameless(plain)


def changed(column: str, value: str) -> tuple[str, str]:
    cells = LINE.split(",")
    cells[HEADER.split(",").index(column)] = value
    return HEADER, ",".join(cells)


def spikes(pre: str, post: str, period: str = "1") -> tuple[str, str]:
    return f"{HEADER},pre_ms,post_ms", f"Doe 2020,V1,L4,spikes,,,,1,{period},1.3,0.1,7,,{pre},{post}"


@pytest.mark.parametrize(
    ("lines", "where", "what"),
    [
        (changed("ratio", "high"), "line 2, column 'ratio'", "a number of 0 or more is needed, not 'high'"),
        (changed("ratio", "-0.2"), "line 2, column 'ratio'", "a number of 0 or more is needed, not '-0.2'"),
        (changed("ratio", "nan"), "line 2, column 'ratio'", "needed, not 'nan'"),
        (changed("ratio", ""), "line 2, column 'ratio'", "needed, not ''"),
        (changed("sem", "0"), "line 2, column 'sem'", "a number above 0 is needed, not '0'"),
        (changed("n", "0"), "line 2, column 'n'", "a whole number of 1 or more is needed, not '0'"),
        (changed("n", "2.5"), "line 2, column 'n'", "a whole number of 1 or more is needed, not '2.5'"),
        (changed("trains", "x"), "line 2, column 'trains'", "a whole number of 1 or more is needed, not 'x'"),
        (changed("spikes_per_train", "-1"), "line 2, column 'spikes_per_train'", "not '-1'"),
        (changed("frequency_hz", "0"), "line 2, column 'frequency_hz'", "a number above 0 is needed, not '0'"),
        (changed("dt_ms", "inf"), "line 2, column 'dt_ms'", "a number is needed, not 'inf'"),
        (
            changed("protocol", "paring"),
            "line 2, column 'protocol'",
            "one of pairing, presynaptic, spikes, .*quadruplet is needed, not 'paring'",
        ),
        (changed("protocol", "presynaptic"), "line 2, column 'dt_ms'", "it must be empty, not '10'"),
        (changed("train_period_s", "0.2"), "line 2, column 'train_period_s'", "a train lasts 211 ms"),
        (changed("study", ""), "line 2, column 'study'", "must not be empty"),
        (spikes("5 3", ""), "line 2, column 'pre_ms'", "spike times must rise, but 3 ms follows 5 ms"),
        (spikes("5", "1 1"), "line 2, column 'post_ms'", "spike times must rise, but 1 ms follows 1 ms"),
        (spikes("-1 3", ""), "line 2, column 'pre_ms'", "0 ms or more are needed, a space between two, not '-1'"),
        (spikes("1;3", ""), "line 2, column 'pre_ms'", "a space between two, not '1;3'"),
        (spikes("", ""), "line 2, column 'pre_ms'", "needs spike times in this column or in 'post_ms'"),
        (spikes("1 2", "1001"), "line 2, column 'train_period_s'", "a train lasts 1001 ms"),
        ((HEADER, LINE, LINE + ",7"), "line 3", "has 14 cells, but line 1 names 13 columns"),
        ((HEADER.replace("ratio", "effect"), LINE), "", "does not say what became of the synapses: .* 'ratio'"),
        ((HEADER.replace(",", ";"), LINE), "line 2", "has 1 cells, but line 1 names 13 columns"),
        ((HEADER.replace("note", "sem"), LINE), "line 1", "the column 'sem' is there twice"),
        ((f"{HEADER},change".replace("ratio", "x"), f"{LINE},y"), "line 2, column 'change'", "a number .* not 'y'"),
        (
            ("protocol,dt1_ms,dt2_ms,change,sem,trains,frequency_hz", "pre-post-pre,-5,5,0,1,60,1"),
            "line 2, column 'protocol'",
            "it is post-pre-post, -5 and \\+5 ms, not pre-post-pre",
        ),
        (
            ("protocol,interval_ms,change,sem,trains,frequency_hz", "quadruplet,3,0,1,60,1"),
            "line 2, column 'interval_ms'",
            "more than their width of 5 ms apart",
        ),
        ((HEADER,), "", "holds no measurement"),
        (("",), "", "is empty"),
        ((HEADER, LINE.replace("V1", '"V1')), "", "is not a CSV file"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_column(
    write: Callable[..., Path], lines: tuple[str, ...], where: str, what: str
) -> None:
    path = write(*lines)
    with pytest.raises(InputError, match=what) as refused:
        measurements.read(path)
    said = str(refused.value)
    assert said.startswith(str(path))
    assert where in said
    assert "\n" not in said


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file 'mine.csv'; .* bi_poo_1998_hippocampal_culture, "):
        measurements.read("mine.csv")
    for start, what in [
        (b"\xff\xd8\xff\xe0\x00", "is an image"),
        (b"%PDF-1.7", "is a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1", "is a workbook of Excel 97-2003: save it as .xlsx or as CSV"),
        (b"\x80\x00\x02", "is not a CSV file in UTF-8"),
    ]:
        (tmp_path / "photo.csv").write_bytes(start)
        with pytest.raises(InputError, match=what):
            measurements.read(tmp_path / "photo.csv")
