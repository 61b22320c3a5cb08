"""Tables as papers and rigs leave them: read as what they are, or refused with a question."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.laboratory import kinds, measurements
from neurofwp.laboratory.layout import COLUMNS, Layout
from neurofwp.laboratory.table import plain
from neurofwp.laboratory.table_files import read_table
from neurofwp.laboratory.template import template

HEADER = "study,region,pathway,protocol,frequency_hz,dt_ms,spikes_per_train,trains,train_period_s,ratio,sem,n"
LINE = "mine,V1,L5,pairing,20,10,5,15,10,1.32,0.09,8"
PAIRS = ("protocol=pairing", "spikes_per_train=1", "trains=60", "frequency_hz=1")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def make(*lines: str, name: str = "mine.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes("\n".join(lines).encode(encoding))
        return path

    return make


@pytest.mark.parametrize(
    ("lines", "encoding"),
    [
        ((HEADER, LINE), "utf-8-sig"),
        ((HEADER, LINE), "utf-16"),
        ((HEADER.upper(), LINE), "utf-8"),
        ((HEADER.replace("dt_ms", "dt (ms)").replace("train_period_s", "Train period [s]"), LINE), "utf-8"),
        (("# read off a figure, 3", HEADER, "", "  # dt = 10", LINE), "utf-8"),
        ((HEADER.replace(",", "\t"), LINE.replace(",", "\t")), "utf-8"),
        ((HEADER.replace(",", "\t"), LINE.replace(",", "\t").replace(".", ",")), "utf-8"),
        ((HEADER.replace(",", ";"), LINE.replace(",", ";").replace(".", ",")), "utf-8"),
        ((HEADER.replace(",", "|"), LINE.replace(",", "|")), "utf-8"),
        ((HEADER.replace(",", "  "), LINE.replace(",", "   ")), "utf-8"),
        ((f"{HEADER},,", f"{LINE},,"), "utf-8"),
    ],
)
def test_one_line_in_every_dress(write: Callable[..., Path], lines: tuple[str, ...], encoding: str) -> None:
    (one,) = measurements.read(write(*lines, encoding=encoding))
    pairs = kinds.pairing(10, 20, spikes=5, trains=15, period=10)
    assert (one.protocol.pre, one.protocol.post, one.protocol.trains, one.protocol.period) == (
        pairs.pre, pairs.post, 15, 10
    )  # fmt: skip
    assert one[1:] == (1.32, 0.09, 8, "mine", "L5")


def test_western_text_of_windows_is_read_and_said(write: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    path = write(HEADER, LINE.replace("mine", "Sjöström"), encoding="cp1252")
    with caplog.at_level(logging.WARNING, "neurofwp"):
        assert measurements.read(path)[0].study == "Sjöström"
    assert "read as Windows-1252" in caplog.text


def test_a_comma_and_a_point_in_numbers_are_not_guessed_at(write: Callable[..., Path]) -> None:
    path = write(HEADER.replace(",", ";"), LINE.replace(",", ";").replace("1.32", "1,320"))
    with pytest.raises(InputError, match=r"a comma in the number '1,320' \(line 2\) and a point in '0.09' \(line 2\)"):
        measurements.read(path)


@given(st.lists(st.tuples(st.floats(-99, 99), st.floats(0.3, 3)), min_size=1, max_size=9), st.sampled_from(",;\t|"))
def test_numbers_come_back_whatever_the_separator(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]], separator: str
) -> None:
    path = tmp_path_factory.mktemp("tables") / "mine.csv"
    lines = [f"{dt:.6f}{separator}{ratio:.6f}" for dt, ratio in points]
    if separator != ",":
        lines = [line.replace(".", ",") for line in lines]
    path.write_text("\n".join([f"dt_ms{separator}ratio", *lines]))
    found = measurements.read(path, Layout.from_words(given=PAIRS))
    np.testing.assert_allclose([one.protocol.coordinates["dt"] for one in found], [dt for dt, _ in points], atol=1e-6)
    np.testing.assert_allclose([one.ratio for one in found], [ratio for _, ratio in points], atol=1e-6)


@pytest.mark.parametrize("header", ["frequency_hz,dt_ms,change,sem", "dt_ms,change", "dt_ms,ratio,sem"])
def test_no_protocol_is_taken_from_the_names_of_columns(write: Callable[..., Path], header: str) -> None:
    """These are columns of shipped files, whose protocols are not this file's."""
    path = write(header, ",".join(["0.4"] * len(header.split(","))))
    with pytest.raises(InputError, match="does not say what was done to the cells: it lacks protocol, spikes_per_tr"):
        measurements.read(path)


def test_a_protocol_is_given_once_for_the_file(write: Callable[..., Path]) -> None:
    path = write("frequency_hz,dt_ms,change,sem", "5,7,-0.05,0.05", "5,-3,-0.50,0.07")
    words = ("protocol=pairing", "spikes_per_train=7", "trains=3", "train_period_s=4")
    first, second = measurements.read(path, Layout.from_words(given=words))
    assert first.protocol.pre == pytest.approx(kinds.pairing(7, 5, spikes=7).pre)
    assert (first.protocol.trains, first.protocol.period, first.ratio, first.study) == (3, 4, 0.95, "mine")
    assert second.ratio == 0.5
    with pytest.raises(
        InputError, match="line 2, column 'train_period_s': is needed, or --given train_period_s=NUMBER"
    ):
        measurements.read(path, Layout.from_words(given=words[:3]))


def test_columns_are_mapped_by_words_or_by_a_file_beside_it(
    write: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    path = write(
        "protocol_id,frequency_train,dt_train,n_stimuli_train,n_sweep,period_sweep,mean_epsp_ratio,reference",
        "a1,10,5,5,10,4,1.10,Doe 2020",
    )
    columns = {
        "frequency_hz": "frequency_train",
        "dt_ms": "dt_train",
        "spikes_per_train": "n_stimuli_train",
        "trains": "n_sweep",
        "train_period_s": "period_sweep",
        "ratio": "mean_epsp_ratio",
        "study": "reference",
    }
    by_words = Layout.from_words([f"{ours}={theirs}" for ours, theirs in columns.items()], ["protocol=pairing"])
    with caplog.at_level(logging.WARNING, "neurofwp"):
        (one,) = measurements.read(path, by_words)
    assert "columns that are not read: protocol_id\n" in caplog.text
    assert (one.ratio, one.study, one.protocol.trains, len(one.protocol.pre)) == (1.1, "Doe 2020", 10, 5)
    write("[columns]", *(f'{ours} = "{theirs}"' for ours, theirs in columns.items()), "[given]",
          'protocol = "pairing"', name="mine.toml")  # fmt: skip
    assert [(each.protocol, each.ratio, each.study) for each in measurements.read(path)] == [
        (one.protocol, one.ratio, one.study)
    ]
    # words come before what the file says
    (other,) = measurements.read(path, Layout.from_words(given=["study=Roe 2021", "trains=3"]))
    assert (other.study, other.protocol.trains) == ("Roe 2021", 3)


@pytest.mark.parametrize(
    ("header", "value", "sem", "scale", "ratio"),
    [
        ("ratio", "120", "10", "percent", 1.2),
        ("ratio", "0.2", "0.1", "difference", 1.2),
        ("ratio", "20", "10", "percent-difference", 1.2),
        ("ratio", "120", "0.1", "ratio", 120),
        ("change", "0.2", "0.1", None, 1.2),
        ("change", "20", "10", "percent-difference", 1.2),
        ("change", "-100", "10", "percent-difference", 0),
    ],
)
def test_a_declared_scale(
    write: Callable[..., Path], header: str, value: str, sem: str, scale: str | None, ratio: float
) -> None:
    (one,) = measurements.read(write(f"dt_ms,{header},sem", f"10,{value},{sem}"), Layout.from_words((), PAIRS, scale))
    assert (one.ratio, one.sem) == (pytest.approx(ratio), pytest.approx(0.1))


@pytest.mark.parametrize(
    ("header", "value", "sem", "scale", "what"),
    [
        ("ratio", "120", "10", None, "ratios around 120 in the column 'ratio': per cent\\? Say --scale percent"),
        ("ratio", "0.1", "0.1", None, "ratios around 0.1 .*: differences\\? Say --scale difference"),
        ("ratio", "-0.2", "0.1", None, "column 'ratio': .* not '-0.2'; if it is a difference, --scale difference"),
        ("ratio", "1.2", "10", None, "errors around 10 for changes around 1.2: are they per cent"),
        ("ratio", "1.2", "0.1", "percent", "around 1.2 per cent of the strength before .*; if these are ratios"),
        ("change", "20", "10", None, "changes around 20 in the column 'change': per cent\\? Say --scale percent-diff"),
        ("change", "20", "10", "percent", "where 0 is no change, are --scale percent-difference; where 100 is"),
        (
            "change",
            "-20",
            "9",
            None,
            "of -1 or more .* not '-20'; if it is a difference in per cent, --scale percent-diff",
        ),
        (
            "ratio",
            "-20",
            "9",
            None,
            "of 0 or more .* not '-20'; if it is a difference in per cent, --scale percent-diff",
        ),
        ("ratio", "-20", "9", "percent", "not '-20'; if it is a difference in per cent, --scale percent-difference"),
        ("ratio", "-200", "9", "percent-difference", "a number of -100 or more is needed, not '-200'$"),
    ],
)
def test_a_scale_that_looks_like_another_is_asked_about(
    write: Callable[..., Path], header: str, value: str, sem: str, scale: str | None, what: str
) -> None:
    path = write(f"dt_ms,{header},sem", f"10,{value},{sem}")
    with pytest.raises(InputError, match=what):
        measurements.read(path, Layout.from_words((), PAIRS, scale))


def test_questions_name_the_column_as_the_file_does(write: Callable[..., Path]) -> None:
    path = write("dt_ms,EPSP (%),sem", "10,120,10")
    with pytest.raises(InputError, match=r"ratios around 120 in the column 'EPSP \(%\)'"):
        measurements.read(path, Layout.from_words(["ratio=EPSP"], PAIRS))
    with pytest.raises(InputError, match=r"say --columns ratio='EPSP \(%\)' with --scale percent"):
        measurements.read(path, Layout.from_words(["change=EPSP"], PAIRS, "percent"))


def test_a_column_is_found_without_its_unit(write: Callable[..., Path]) -> None:
    given = [word for word in PAIRS if not word.startswith("frequency")]
    words = ["frequency_hz=Frequenz", "ratio=Effekt"]
    (one,) = measurements.read(write("dt_ms,Frequenz (Hz),Effekt", "10,20,1.2"), Layout.from_words(words, given))
    assert one.protocol.coordinates["frequency"] == 20
    both = write("dt_ms,Frequenz (Hz),Frequenz [1/min],Effekt", "10,20,1200,1.2")
    with pytest.raises(InputError, match="the column 'Frequenz' is there twice"):
        measurements.read(both, Layout.from_words(words, given))
    other = write("dt_ms,Frequenz (kHz),Effekt", "10,0.02,1.2")
    with pytest.raises(InputError, match="says khz, but frequency_hz is in hz"):
        measurements.read(other, Layout.from_words(words, given))


def test_what_is_given_may_be_numbers(write: Callable[..., Path]) -> None:
    path = write("dt_ms,ratio", "10,1.2")
    words = dict(word.split("=") for word in PAIRS)
    (expected,) = measurements.read(path, Layout(given=words))
    numbers: dict[str, object] = {name: float(text) if text.isdigit() else text for name, text in words.items()}
    numbers["trains"] = np.int64(int(words["trains"]))
    (one,) = measurements.read(path, Layout(given=numbers))
    assert one.protocol == expected.protocol
    with pytest.raises(InputError, match=r"layout: given 'trains' must be a text or a number, not \[15\]"):
        Layout(given={"trains": [15]})


def test_a_heading_that_says_another_unit_is_refused(write: Callable[..., Path]) -> None:
    file = write("dt [s],ratio", "0.010,1.2")
    layout = Layout(columns={"dt_ms": "dt [s]"}, given=dict(word.split("=") for word in PAIRS))
    with pytest.raises(InputError, match=r"line 1: the heading 'dt \[s\]' says s, but dt_ms is in ms"):
        measurements.read(file, layout)


def test_cells_and_a_mean_of_their_own_are_not_chosen_between(write: Callable[..., Path]) -> None:
    file = write("dt_ms,cell,before,after,ratio", "10,a,1.2,1.5,1.1", "10,b,1.2,1.6,1.2")
    with pytest.raises(InputError, match="has before and after as well as ratio: say which counts"):
        measurements.read(file, Layout(given=dict(word.split("=") for word in PAIRS)))


def test_cells_make_mean_sem_and_n(write: Callable[..., Path]) -> None:
    path = write("cell,dt,baseline,late", "c1,10,1.2,1.6", "c2,10,-80,-110", "c3,10,1.1,1.2", "c4,-10,1,0.7")
    layout = Layout.from_words(["dt_ms=dt", "before=baseline", "after=late"], PAIRS)
    pre_first, post_first = measurements.read(path, layout)
    ratios = [1.6 / 1.2, 110 / 80, 1.2 / 1.1]
    assert pre_first.ratio == pytest.approx(np.mean(ratios))
    assert pre_first.sem == pytest.approx(pd.Series(ratios).sem())
    assert (pre_first.n, post_first.n, post_first.ratio) == (3, 1, 0.7)
    assert math.isnan(post_first.sem)
    relative = write("cell,dt_ms,ratio", *(f"c{i},10,{ratio}" for i, ratio in enumerate(ratios)))
    (one,) = measurements.read(relative, Layout.from_words(given=PAIRS))
    assert one[1:4] == pytest.approx(pre_first[1:4])


def test_what_is_not_known_of_a_mean_may_be_left_out(write: Callable[..., Path]) -> None:
    path = write(HEADER, LINE.replace("0.09,8", ","), LINE.replace("0.09,8", "n.a.,7"), LINE)
    first, second, third = measurements.read(path)
    assert math.isnan(first.sem)
    assert math.isnan(second.sem)
    assert (first.n, second.n, third.n, third.sem) == (None, 7, 8, 0.09)
    (one,) = measurements.read(write("dt_ms,ratio,sd,n", "10,1.2,0.3,9"), Layout.from_words(given=PAIRS))
    assert one.sem == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("lines", "columns", "what"),
    [
        (("dt_ms,x", "10,1.2"), ("ratio=y",), "line 1 has no column 'y', which is to be 'ratio'; it has dt_ms, x"),
        (("dt_ms,x", "10,1.2"), ("ratios=x",), "the command line: 'ratios'; did you mean 'ratio'"),
        (("dt_ms,x", "10,1.2"), ("ratio",), "--columns needs NAME=VALUE, where NAME is one of study, .* not 'ratio'"),
        (("dt_ms,x", "10,1.2"), ("ratio=x", "ratio=dt_ms"), "--columns has ratio twice"),
        (("dt_ms,x", "10,1.2"), ("ratio=x", "trains=x"), "'trains' is both given as '60' and the column 'x'"),
        (("dt_ms,x", "10,1.2"), (), "does not say what became of the synapses: .*; it has dt_ms, x"),
        (("dt_ms,x", "10,high"), ("ratio=x",), "line 2, column 'x': a number of 0 or more is needed, not 'high'"),
        (("7,0.05", "10,1.2"), (), "line 1 has only numbers, but the first line .* must name the columns"),
        (("dt_ms,ratio,sd", "1,1.2,0.3"), (), "line 2, column 'sd': a standard deviation needs the number of cells"),
        (("dt_ms,before,after", "1,0,2"), (), "line 2, column 'before': .* must not be 0"),
        (("dt_ms,before,after", "1,1,-2"), (), "line 2, column 'after': .* must have one sign, not 1 and -2"),
        (("cell,dt_ms,ratio", "a,1,1", "a,1,2"), (), "line 3, column 'cell': 'a' is there twice for one protocol"),
        (("dt_ms,ratio,Ratio", "1,1,2"), ("ratio=RATIO",), "line 1: the column 'RATIO' is there twice"),
    ],
)
def test_a_mistake_in_a_layout_is_one_sentence(
    write: Callable[..., Path], lines: tuple[str, ...], columns: tuple[str, ...], what: str
) -> None:
    path = write(*lines)
    with pytest.raises(InputError, match=what) as refused:
        measurements.read(path, Layout.from_words(columns, PAIRS))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("scale = ", r"mine.toml' is not TOML: Invalid value \(at .*"),
        ("[colums]", "entry of .*mine.toml: 'colums'; did you mean 'columns'"),
        ("given = 3", "mine.toml: 'given' must be a table"),
        ("[scale]", "mine.toml: 'scale' must be a text"),
        ('scale = "per cent"', "scale in .*mine.toml: 'per cent'; did you mean 'percent'"),
        ("[given]\ntrains = [1]", r"mine.toml: given 'trains' must be a text or a number, not \[1\]"),
        ('[given]\nprotocol = "paring"', "'protocol', which is given for the whole file: one of pairing, .*'paring'"),
        ("[given]\ntrains = 1.5", "'trains', which is given for the whole file: a whole number .* not '1.5'"),
        ('sheet = "LTP"', "is text, which has no sheet 'LTP'"),
    ],
)
def test_a_mistake_in_the_file_beside_it(write: Callable[..., Path], text: str, what: str) -> None:
    write(text, name="mine.toml")
    with pytest.raises(InputError, match=what):
        measurements.read(write(HEADER, LINE))


def test_a_workbook_of_excel(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As pandas returns its sheets; lines have the numbers that Excel shows."""
    cells = [line.split(",") for line in (HEADER, LINE, LINE.replace("1.32", "high"))]
    sheets = {"LTP": pd.DataFrame([["# mine", *[""] * 11], *cells[:2]]), "LTD": pd.DataFrame(cells)}
    monkeypatch.setattr(pd, "read_excel", lambda path, **options: sheets)
    path = write("PK\x03\x04", name="mine.xlsx")
    with caplog.at_level(logging.WARNING, "neurofwp"):
        assert measurements.read(path)[0].ratio == 1.32
    assert "read the sheet 'LTP' of 2" in caplog.text
    with pytest.raises(InputError, match="line 3, column 'ratio': .* not 'high'"):
        measurements.read(path, Layout(sheet="LTD"))
    with pytest.raises(InputError, match="has no sheet 'Sheet1'; it has 'LTP', 'LTD'"):
        measurements.read(path, Layout(sheet="Sheet1"))


def test_without_openpyxl_a_workbook_says_what_to_install(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InputError, match=r"openpyxl is needed: pip install neurofwp\[excel\], or save it as CSV"):
        measurements.read(write("PK\x03\x04", name="mine.xlsx"))


@pytest.mark.parametrize("cells", [False, True])
def test_the_template_asks_until_it_is_filled_in(write: Callable[..., Path], cells: bool) -> None:
    table, layout = template("mine.csv", cells=cells)
    path = write(table)
    write(layout, name="mine.toml")
    with pytest.raises(InputError, match="holds no measurement"):
        measurements.read(path)
    write(table.replace("# Doe", "Doe"))
    with pytest.raises(InputError, match="does not say what was done"):
        measurements.read(path)
    for name in ("protocol", "spikes_per_train", "trains", "train_period_s"):
        layout = layout.replace(f"\n# {name} = ", f"\n{name} = ")
    write(layout, name="mine.toml")
    (one,) = measurements.read(path)
    assert (one.ratio, one.n) == ((pytest.approx(1.6 / 1.2), 1) if cells else (1.32, 8))
    assert set(read_table(path, "mine.csv").columns) <= set(COLUMNS)


def test_headings_are_compared_without_case_and_brackets() -> None:
    assert {plain(each) for each in ("dt (ms)", "DT_MS", "Δt [ms]", " dt  ms ")} == {"dt_ms"}
    assert plain("ratio (%)") == "ratio_percent"
