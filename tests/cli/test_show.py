"""`neurofwp show`."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofwp import cli, synapses


def test_a_model_is_shown_by_name_and_by_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "finite-pool"]) == 0
    by_name = capsys.readouterr().out
    assert "pool_size = " in by_name
    assert "loop that advances synapses: " in by_name
    assert "interneuron" not in by_name.partition("stages")[2]
    file = Path(cli.__file__).parents[2] / "models" / "synapses" / "finite-pool.toml"
    assert cli.main(["show", str(file), "--circuit"]) == 0
    assert "interneuron cells" in capsys.readouterr().out


def test_a_rule_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "gated_delta"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "W <- alpha decay W; then delta",
        "prediction: (W k)_i, what the postsynaptic cell receives",
        "rate = 1, in fits between 0 and 10: size of a write",
        "fixed_decay where prediction_gain = 0.0",
        "arXiv 2412.06464",
    ):
        assert words in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["show", "gated_dleta"]) == 2
    assert "unknown synapse model or rule 'gated_dleta'; did you mean 'gated_delta'?" in capsys.readouterr().err


def test_the_file_of_a_model_is_a_model(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A model of one's own begins as a copy, with equations in place of a table."""
    assert cli.main(["show", "linear", "--toml"]) == 0
    (tmp_path / "mine.toml").write_text(capsys.readouterr().out)
    assert synapses.load(tmp_path / "mine.toml").update == synapses.load("linear").update
