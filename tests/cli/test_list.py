"""`neurofwp list`: that it tells the truth, in 80 columns, or as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from neurofwp import cli, rules
from neurofwp.cli import catalogue, list as listing
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.spiking.network_parameters import parameters_by_name


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert cli.main(["list", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_rules_read_from_source_are_those_that_are_imported() -> None:
    found = catalogue.rules()
    assert found.keys() == {rule.id for rule in rules.RULES}
    for rule in rules.RULES:
        assert found[rule.id] == {name: getattr(rule, name) for name in catalogue.RULE}


@pytest.mark.parametrize("model", catalogue.synapses())
def test_parameters_are_those_of_a_network_of_the_model(model: str) -> None:
    network, known = SpikingNetwork(model), parameters_by_name()
    values = {**network.circuit, **network.synapse.values}
    found = {each["name"]: each for each in catalogue.parameters(model)}
    assert found.keys() == values.keys()
    for name, each in found.items():
        quantity = known[name].quantity(f"{each['value']} {each['unit']}")
        assert known[name].text(quantity) == known[name].text(values[name])
        assert each["meaning"]


def test_json_holds_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    everything = listed(capsys)
    assert tuple(everything) == listing.KINDS
    assert [each["name"] for each in everything["experiments"]] == list(catalogue.experiments())
    assert listed(capsys, "rules") == everything["rules"]
    delta = next(each for each in everything["rules"] if each["id"] == "delta")
    assert delta["signals"] == ["key", "value", "gate", "prediction"]
    tau = next(each for each in listed(capsys, "parameters", "--model", "additive") if each["name"] == "tau_nmda")
    assert (tau["value"], tau["unit"], tau["stage"], tau["form"]) == (100, "ms", "nmda", "saturating")
    assert "2001" in tau["source"]


def test_tables_fit_80_columns_and_leave_nothing_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "…" not in printed
    names = [*catalogue.experiments(), *catalogue.rules(), *catalogue.synapses(), *catalogue.slownets()]
    names += [each["name"] for each in catalogue.parameters()]
    cells = {cell.strip() for line in printed.splitlines() for cell in line.split("│")}
    assert set(names) <= cells


def test_a_model_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list", "parameters", "--model", "additiv"]) == 2
    assert "did you mean 'additive'" in capsys.readouterr().err


def test_a_reader_that_leaves_early_sees_no_traceback() -> None:
    code = f"{sys.executable} -m neurofwp list --json | head -1"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
