"""Tables of experiments on the terminal: what comes first, what is left out, and where all of it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rich.console import Console
from rich.table import Table

from neurofwp.cli import printing

FILE = Path("out/scores.csv")


def printed(table: Table, width: int) -> list[str]:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(table)
    return capture.get().splitlines()


def rows_of(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


@pytest.fixture
def scores() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "protocol": ["pairing, +10 ms, 1 Hz", "pairing, -10 ms, 1 Hz"],
            "measured": [1.25, 0.61803],
            "measured_sem": [0.1, np.nan],
            "n": pd.array([12, None], dtype="Int64"),
            "model": [1.0, 0.00012345],
            "model_sem": [np.nan, np.nan],
            "study": ["Doe 2001", ""],
            "unused": [np.nan, np.nan],
            "pathway": ["", ""],
        }
    )
    table.attrs["caption"] = "chi^2 per point 6.25 over 1 points"
    return table


def test_means_stand_with_their_standard_errors_and_empty_columns_are_left_out(scores: pd.DataFrame) -> None:
    lines = printed(printing.excerpt(scores, "scores", FILE, 120), 120)
    assert [cell.strip() for cell in lines[2].strip("┃").split("┃")] == [
        *("protocol", "measured ± SEM", "n", "model", "study"),
    ]
    assert rows_of(lines) == [
        ["pairing, +10 ms, 1 Hz", "1.25 ± 0.1", "12", "1", "Doe 2001"],
        ["pairing, -10 ms, 1 Hz", "0.618", "–", "0.000123", ""],
    ]
    assert lines[-1].strip() == "chi^2 per point 6.25 over 1 points"  # nothing is cut, so nothing is said of it


@pytest.mark.parametrize("width", [50, 60, 80])
def test_what_is_too_wide_is_cut_at_a_column_and_the_file_is_named(scores: pd.DataFrame, width: int) -> None:
    lines = printed(printing.excerpt(scores, "scores", FILE, width), width)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    shown = len(rows_of(lines)[0])
    said = " ".join(" ".join(lines).split())
    assert (f"{shown} of 5 columns; all are in out/scores.csv" in said) == (shown < 5)
    assert (width < 80) == (shown < 5)


def test_a_long_name_is_folded_before_numbers_are_given_up(scores: pd.DataFrame) -> None:
    scores["protocol"] = "Doe et al. 2001, from one layer to another: " + scores["protocol"]
    lines = printed(printing.excerpt(scores[["protocol", "measured", "n", "model"]], "scores", FILE, 80), 80)
    folded = rows_of(lines)
    assert folded[0][1:] == ["1.25", "12", "1"]
    assert " ".join(row[0] for row in folded if row[0]).startswith(scores["protocol"][0][:40])


def test_a_long_table_is_cut(scores: pd.DataFrame) -> None:
    long = pd.concat([scores] * 30, ignore_index=True)
    lines = printed(printing.excerpt(long, "scores", FILE, 120), 120)
    assert len(rows_of(lines)) == printing.ROWS
    assert lines[-1].strip() == f"{printing.ROWS} of 60 rows; all are in out/scores.csv"


def test_the_file_holds_everything(
    scores: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    labelled = xr.Dataset.from_dataframe(scores.astype({"n": float}).set_index("protocol"))
    printing.write({"scores": labelled}, tmp_path)
    assert "measured ± SEM" in capsys.readouterr().out
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "scores.csv", keep_default_na=False, na_values=""), scores.replace("", np.nan),
        check_dtype=False,
    )  # fmt: skip


def test_units_stand_in_the_headings_of_file_and_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latency = ("network", [12.5, 13.5], {"units": "ms"})
    sem = ("network", [0.5, np.nan], {"units": "ms"})
    share = ("network", [0.25, 0.5], {"units": "1"})
    table = xr.Dataset(
        {"latency": latency, "latency_sem": sem, "share": share}, {"network": ["spiking", "rate"]},
        attrs={"caption": "mean of 5"},
    )  # fmt: skip
    printing.write({"times": table}, tmp_path)
    printed = capsys.readouterr().out
    assert "latency ± SEM (ms)" in printed
    assert "12.5 ± 0.5" in printed
    assert "mean of 5" in printed
    lines = (tmp_path / "times.csv").read_text().splitlines()
    assert lines == ["network,latency (ms),latency_sem (ms),share", "spiking,12.5,0.5,0.25", "rate,13.5,,0.5"]


def test_recall_is_shown_by_the_names_of_today() -> None:
    """A summary.json says no version, so that its old keys are renamed whenever they are met."""
    for key in ("reassigned_r2", "reassigned_r2"):
        table = printing.recall({"recall.spiking.r2": 0.5, f"recall.spiking.{key}": 0.25, "rules.delta.feve": 0.9})
        assert table is not None
        assert [column.header for column in table.columns] == ["network", "r2", "reassigned_r2"]
        assert rows_of(printed(table, 80)) == [["spiking", "0.500", "0.250"]]
