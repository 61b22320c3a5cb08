"""`neurofwp calibrate circuit`: a file that a network runs, with the numbers of the closed form."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from brian2 import nS

from neurofwp import cli
from neurofwp.spiking import SpikingNetwork, circuits
from neurofwp.synapses.parameters import parse_unit


def test_the_shipped_circuit_is_what_is_calibrated(capsys: pytest.CaptureFixture[str]) -> None:
    _, shipped = circuits.load("two-compartment", {})
    assert cli.main(["calibrate", "circuit"]) == 0
    made = tomllib.loads(capsys.readouterr().out)
    assert made["form"] == "two-compartment"
    for name, value in shipped.items():
        unit = parse_unit(made[name]["unit"], name)
        assert made[name]["value"] == pytest.approx(float(value / unit), rel=2e-3), name


def test_a_file_runs_with_other_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of twice the size: all conductances of dendrite, gate and teacher twice as large."""
    base = Path(__file__).parents[2] / "models" / "circuits" / "apical-feedback.toml"
    large = base.read_text()
    for old, new in (
        ("dendrite_C = { value = 50", "dendrite_C = { value = 100"),
        ("dendrite_g_leak = { value = 5", "dendrite_g_leak = { value = 10"),
        ("g_gate = { value = 3", "g_gate = { value = 6"),
        ("g_teach = { value = 3", "g_teach = { value = 6"),
        ("g_tonic = { value = 15", "g_tonic = { value = 30"),
    ):
        assert old in large
        large = large.replace(old, new)
    (tmp_path / "large.toml").write_text(large)
    out = tmp_path / "coupled.toml"
    flags = ["--coupling", "10", "--nmda", "1", "--backpropagation", "0", "--gate", "number"]
    assert cli.main(["calibrate", "circuit", "--base", str(tmp_path / "large.toml"), *flags, "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    made = SpikingNetwork(circuit=out).circuit
    plain = SpikingNetwork(circuit="two-compartment-by-number", parameters={"backpropagation": "0 mV"}).circuit
    assert made["g_coupling"] == 10 * nS
    assert float(made["dendrite_C"] / plain["dendrite_C"]) == pytest.approx(2)
    assert float(made["g_gate"] / nS) == pytest.approx(
        2 * 3.127, rel=1e-3
    )  # a cell twice as large needs twice the gate
    assert float(made["g_teach"] / nS) == pytest.approx(2 * 4.278, rel=1e-3)


def test_a_circuit_that_is_there_is_found_refused_or_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "circuit.toml"
    words = ["calibrate", "circuit", "--out", str(out)]
    assert cli.main(words) == 0
    before = out.stat()
    assert cli.main(words) == 0
    assert out.stat().st_ino == before.st_ino, "nothing is written again"
    capsys.readouterr()
    assert cli.main([*words, "--coupling", "6"]) == 2
    remedy = "choose another file, or replace it with --overwrite"
    assert capsys.readouterr().err == f"neurofwp: {str(out)!r} is there, and says something else: {remedy}\n"
    text = out.read_text()
    assert cli.main([*words, "--coupling", "6", "--overwrite"]) == 0
    assert out.read_text() != text
    assert [path.name for path in tmp_path.iterdir()] == ["circuit.toml"]
    out.unlink()
    out.mkdir()
    assert cli.main(words) == 2
    assert "Is a directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["circuit", "--nmda", "3"], "alone takes the dendrite beyond"),
        (["circut"], "did you mean 'circuit'"),
        (["circuit", "--base", "two-compartment"], "must be uncoupled"),
        (["circuit", "--synapse", "triplet-visual-cortex"], "has no alpha_nmda"),
        (["circuit", "--out", "circuit.txt"], "must end in .toml"),
    ],
)
def test_what_has_no_answer_is_refused(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["calibrate", *words]) == 2
    assert sentence in capsys.readouterr().err
