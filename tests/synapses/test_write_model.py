"""Models written as TOML files."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofwp import SpikingNetwork
from neurofwp.cli import catalogue
from neurofwp.synapses.model import load
from neurofwp.synapses.parameters import read_toml
from neurofwp.synapses.write_model import model_toml


@pytest.mark.parametrize("name", catalogue.synapses())
def test_any_model_survives_being_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / "again.toml"
    path.write_text(model_toml(name, {}, description='with "quotes" and µ', source="copied"), encoding="utf-8")
    own, again = load(name), load(path)
    assert again.values == own.values
    assert again.stages == own.stages
    assert again.circuit == own.circuit
    assert again.laboratory == own.laboratory
    assert again.description == 'with "quotes" and µ'


def test_what_is_replaced_says_so_and_the_rest_keeps_its_sources(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    found = {"P": (1 / 3, "nS/s", "found"), "g_gaba": (1e-3, "nS", "found"), "tau_turnover": (7.0, "s", "found")}
    path.write_text(model_toml("soft-bound", found, description="d", source="where from"), encoding="utf-8")
    network, start = SpikingNetwork(path), SpikingNetwork("soft-bound")
    changed = {
        name: value
        for name, value in {**network.synapse.values, **network.circuit}.items()
        if value != {**start.synapse.values, **start.circuit}[name]
    }
    assert {name: float(value) for name, value in changed.items()} == pytest.approx(
        {"P": 1e-9 / 3, "g_gaba": 1e-12, "tau_turnover": 7.0}, rel=1e-15
    )
    (_, after), (_, before) = (read_toml(each, "synapses", "model") for each in (path, "soft-bound"))
    assert after["expression"]["P"] == {"value": 1 / 3, "unit": "nS/s", "source": "found", "tuned": True}
    assert after["expression"]["K_P"] == before["expression"]["K_P"]
    assert after["source"].startswith("where from. Receptor kinetics")
