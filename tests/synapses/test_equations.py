"""What `print(model)` shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from brian2 import ms

from neurofwp.cli import catalogue
from neurofwp.synapses import equations, model


@pytest.mark.parametrize("name", catalogue.synapses())
def test_all_code_and_all_parameters_of_a_model_are_shown(name: str) -> None:
    loaded = model.load(name)
    shown = " ".join(loaded.equations().split())
    for part in (*(part for _, part in equations.PLACES), "update"):
        for line in equations.code(loaded.update if part == "update" else loaded.text(part)):
            assert " ".join(line.split()) in shown
    for stage in loaded.stages:
        assert stage.source in shown
        for parameter in stage.parameters:
            if parameter.name not in loaded.values:
                assert parameter.optional
                continue
            assert f"{parameter.name} = {parameter.text(loaded.values[parameter.name])}: " in shown


def test_lines_fit_a_terminal_wherever_they_have_spaces() -> None:
    lines = model.load("error-correcting").equations().splitlines()
    assert max(map(len, lines)) <= equations.WIDTH
    assert equations.wrap("a" * 90, "  ") == "  " + "a" * 90


def test_values_are_those_of_this_model_at_this_step() -> None:
    loaded = model.load("error-correcting")
    other = replace(loaded, values=loaded.values | {"tau_nmda": 62.5 * ms})
    assert "tau_nmda = 62.5 ms: decay" in str(other)
    assert "plasticity_step = 1 ms" in str(other)
    assert "plasticity_step = 0.5 ms" in other.equations(0.5 * ms)
    assert "weight before anything is written: 0 S" in str(other)


def test_where_code_runs_is_said() -> None:
    shown = model.load("graupner-brunel-cortical-slice").equations()
    assert "\nsynapse, pre_delay after presynaptic spikes\n" in shown
    assert "per step of the plasticity clock\n  calcium" not in shown
    assert "# changes nothing where calcium <= c_floor" in model.load("linear").equations()


def test_a_notebook_gets_text_that_is_no_markup() -> None:
    html = model.load("error-correcting")._repr_html_()
    assert html.startswith("<pre>")
    assert "int(weight &gt; w_floor)" in html
