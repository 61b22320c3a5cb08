"""The command that a report names makes the same run again."""

from __future__ import annotations

import json
import shlex
from dataclasses import fields
from typing import Any

import pytest
import tyro

from neurofwp.cli import catalogue, experiment_settings
from neurofwp.experiments import hetero_associative

CHANGES: list[dict[str, Any]] = [
    {},
    {"fit": False, "pairs": 3, "overlap": 0.25},
    {"load": (), "parameters": ("g_gaba=1.5", "tau_nmda=50ms")},
    {"load": (2, 4), "synapse": "my model.toml"},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_the_command_has_the_settings_of_the_run(changes: dict[str, Any]) -> None:
    experiment = catalogue.experiment("hetero-associative")
    settings = hetero_associative.Settings(**changes)
    told = experiment_settings.command(experiment, json.loads(experiment_settings.to_json(settings)), 7, "cpu")
    (*head,) = shlex.split(told)[:7]
    assert head == ["neurofwp", "run", "hetero-associative", "--seed", "7", "--device", "cpu"]
    assert tyro.cli(hetero_associative.Settings, args=shlex.split(told)[7:]) == settings


@pytest.mark.parametrize("name", catalogue.experiments())
def test_every_setting_has_a_meaning(name: str) -> None:
    kind = catalogue.experiment(name).settings
    assert set(experiment_settings.meanings(kind)) == {each.name for each in fields(kind)}
