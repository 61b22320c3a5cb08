"""README and pages on Python: their examples run as they stand, and the README stays a page."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from neurofwp import synapses, trace
from neurofwp.brian import backends

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def example(page: str, number: int, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The names that a Python example of a page leaves, beside those of the examples `before` it."""
    code = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)[number]
    names = dict(before or {})
    exec(compile(code, page, "exec"), names)
    return names


def test_the_readme_is_a_page() -> None:
    assert len(README.split()) <= 600
    assert len(re.findall(r"!\[", README)) == 1
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_commands_of_the_readme_are_there() -> None:
    commands = re.findall(r"^make (\w+)", README, flags=re.MULTILINE)
    targets = re.findall(r"^(\w+): ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert commands == ["demo", "test"]
    assert set(commands) <= set(targets)


def test_a_network_of_the_reader_with_synapses_of_ours() -> None:
    with backends.use_backend("numpy"):
        names = example("README.md", 0)
    assert names["trace"]["weight"].shape == (10, 4, 4, 20)
    assert names["fits"]["best"].any()


@pytest.mark.slow
def test_the_sequence_model_of_the_readme_learns_to_recall_in_a_minute() -> None:
    start = time.process_time()
    names = example("README.md", 1)
    right = (names["model"](names["tokens"])[:, -1].argmax(-1) == names["answer"]).double().mean()
    assert right >= 0.99
    assert time.process_time() - start < 60


@pytest.mark.slow
def test_measurements_of_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = example("README.md", 2)
    assert [point.ratio for point in names["points"]] == pytest.approx([1.04, 1.54, 0.83, 1.02])
    fit = names["fit"]
    assert (fit["low"] <= fit["high"]).all()
    assert float(fit["fitted"].sel(parameter="A3_plus")) > 0  # pairs at 40 Hz potentiate whatever their order


@pytest.mark.slow
def test_the_example_of_both_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = example("docs/python.md", 0)
    assert names["spiking"]["weight"].dims == names["rate"]["weight"].dims
    names = example("docs/python.md", 5, names)
    assert {path.name for path in tmp_path.iterdir()} >= {"rules.png", "recall.png", "synapse.png"}
    assert len(names["spikes"].to_dataframe()) == names["spikes"].sizes["spike"]


@pytest.mark.slow
def test_the_model_of_the_docs_learns_to_recall_in_a_minute() -> None:
    start = time.process_time()
    names = example("docs/python.md", 1)
    assert names["accuracy"] >= 0.99
    assert time.process_time() - start < 60
    assert names["logits"].shape == (2000, 32)


def test_the_example_of_rules() -> None:
    names = example("docs/python.md", 2)
    assert names["read"].shape == (2, 300, 4, 32)
    assert names["weight"].shape == (2, 4, 32, 16)
    assert names["y"].shape == (2, 300, 64)
    assert all(signal.grad is not None for signal in (names["k"], names["v"], names["b"]))


def test_the_example_of_recent_rules() -> None:
    names = example("docs/rules.md", 0)
    assert names["made"].read.shape == (2, 300, 4, 32)
    assert names["made"].backend == "chunkwise"
    assert names["y"].shape == (2, 300, 64)


@pytest.mark.slow
def test_the_example_of_a_slow_net() -> None:
    names = example("docs/python.md", 3)
    assert float(names["metrics"].recall_r2(names["gated"], names["trace"], where=names["gated"]["stored"])) > 0.8


def test_the_example_of_weights_of_your_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = example("docs/python.md", 4)
    assert names["verdict"].rules == ("delta",)
    assert float(names["fits"]["parameter_value"].sel(rule="delta", parameter="rate")) == pytest.approx(0.6, abs=0.02)
    assert names["recording"].trace.equals(trace.from_weights(names["first"], units="nS"))
    assert (tmp_path / "rules.png").is_file()


def test_the_examples_of_a_network_of_your_own(tmp_path: Path) -> None:
    with backends.use_backend("numpy"):
        names = example("docs/brian2.md", 0)
        assert names["seen"].weight.max() > 0
        names = example("docs/brian2.md", 1, names)
    assert "gain*calcium**2" in names["mine"].update
    table = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/brian2.md").read_text(), flags=re.DOTALL)[0]
    shipped = (ROOT / "models/synapses/linear.toml").read_text()
    before, rest = shipped.split("[expression]")
    (tmp_path / "oja.toml").write_text(f"{before}{table}[turnover]{rest.split('[turnover]')[1]}")
    assert "weight*above/w_scale" in synapses.load(tmp_path / "oja.toml").update


@pytest.mark.slow
def test_the_examples_of_spike_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = example("docs/spikes.md", 0)
    assert 0 < names["recording"]["trace"].attrs["largest_spike_shift_ms"] <= 0.025
    names = example("docs/spikes.md", 1, names)
    written = names["spike_trains"].read_csv(tmp_path / "spikes.csv")
    assert written.sizes["spike"] == len(names["table"])
    assert trace.load_recording(tmp_path / "recording.nc").equals(names["recording"])
