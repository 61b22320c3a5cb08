"""Synapse models: how a file becomes one, and what is said when it cannot."""

import pytest
from brian2 import ms

from neurofwp.errors import InputError
from neurofwp.spiking.circuits.apical_feedback import PARAMETERS as CIRCUIT
from neurofwp.synapses import STAGES, consistency, model
from neurofwp.synapses.stage import OPTIONAL, ORDER
from neurofwp.synapses.stages.expression.linear import Linear

GOOD = """
description = "a test"
[nmda]
form = "saturating"
tau_nmda = { value = 100, unit = "ms" }
alpha_nmda = { value = 0.5, unit = "1" }
[magnesium]
form = "jahr-stevens-1990"
Mg = { value = 1, unit = "mM" }
[calcium]
form = "low-pass"
tau_calcium = { value = 12, unit = "ms" }
E_calcium = { value = 130, unit = "mV" }
g_calcium = { value = 20, unit = "1/V" }
[expression]
form = "calcium-control"
P = { value = 2, unit = "nS/s" }
K_P = { value = 1, unit = "1" }
p = { value = 4, unit = "1" }
D = { value = 1, unit = "nS/s" }
K_D = { value = 0.3, unit = "1" }
q = { value = 8, unit = "1" }
K_m = { value = 50, unit = "nS" }
w_max = { value = 50, unit = "nS" }
[turnover]
form = "constitutive"
tau_turnover = { value = inf, unit = "s" }
[ampa]
form = "exponential"
tau_ampa = { value = 5, unit = "ms" }
[circuit]
g_gaba = { value = 2, unit = "nS" }
"""


def test_a_file_becomes_stages_in_the_order_of_calcium_flow(tmp_path):
    shuffled = GOOD.replace("[ampa]", "[later]").split("[turnover]")
    path = tmp_path / "mine.toml"
    path.write_text(shuffled[0] + "[turnover]" + shuffled[1].replace("[later]", "[ampa]"))
    loaded = model.load(path)
    assert loaded.name == "mine"
    assert tuple(stage.stage for stage in loaded.stages) == tuple(stage for stage in ORDER if stage not in OPTIONAL)
    assert loaded.values["tau_nmda"] == 100 * ms
    assert loaded.circuit == {"g_gaba": {"value": 2, "unit": "nS"}}
    assert loaded.thresholds == {"depression": 0.3, "potentiation": 1}


def test_updates_run_calcium_before_expression_before_turnover():
    update = model.load("error-correcting").update
    calcium, expression, turnover = (update.index(s) for s in ("calcium = ", "weight = weight + ", "survival_post"))
    assert calcium < expression < turnover


def test_constants_hold_what_follows_from_the_step():
    loaded = model.load("error-correcting")
    one, two = loaded.constants(1 * ms), loaded.constants(2 * ms)
    assert one["calcium_survival"] ** 2 == pytest.approx(two["calcium_survival"])
    assert two["D_step"] == 2 * one["D_step"]
    assert one["plasticity_step"] == 1 * ms
    assert loaded.values.items() <= one.items()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tau_nmda =", "tau_nmdaa =", "unknown parameter in bad.toml: nmda 'tau_nmdaa'; did you mean 'tau_nmda'"),
        ('value = 100, unit = "ms"', 'value = 100, unit = "mV"', "nmda.tau_nmda is .*needs a unit like 'ms'"),
        ('value = 0.5, unit = "1"', 'value = 1.5, unit = "1"', "nmda.alpha_nmda is 1.5 1, but must be in .0, 1."),
        (
            'p = { value = 4, unit = "1" }',
            'p = { value = 5, unit = "1" }',
            "expression.p is 5, but must be one of 1, 2, 3, 4",
        ),
        ('K_m = { value = 50, unit = "nS" }', "", "bad.toml: expression lacks 'K_m'"),
        (
            'form = "low-pass"',
            'form = "low-pas"',
            r"form of \[calcium\] in bad.toml 'low-pas'; did you mean 'low-pass'",
        ),
        ('form = "low-pass"', "form = [1]", r"unknown form of \[calcium\] in bad.toml"),
        ('form = "low-pass"', "", r"bad.toml needs a table \[calcium\] with a form"),
        ("[turnover]", "[turnovr]", "unknown stage in bad.toml 'turnovr'; did you mean 'turnover'"),
        ("[nmda]", "ampa = 3\n[nmda]", "bad.toml"),
        ("[circuit]\n", "", "unknown parameter in bad.toml: ampa 'g_gaba'"),
        ('[circuit]\ng_gaba = { value = 2, unit = "nS" }', "", None),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, old, new, message):
    assert old in GOOD
    path = tmp_path / "bad.toml"
    path.write_text(GOOD.replace(old, new))
    if message is None:
        assert model.load(path).circuit == {}
        return
    with pytest.raises(InputError, match=message):
        model.load(path)


def test_a_missing_stage_and_a_circuit_that_is_no_table(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text(GOOD[: GOOD.index("[turnover]")])
    with pytest.raises(InputError, match=r"bad.toml needs a table \[turnover\]"):
        model.load(path)
    path.write_text("circuit = 3\n" + GOOD[: GOOD.index("[circuit]")])
    with pytest.raises(InputError, match="bad.toml: circuit must be a table of circuit parameters, not 3"):
        model.load(path)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_name_in_a_stage_has_one_meaning(stage):
    consistency.check(stage, [other for other in STAGES if other is not stage])
    assert not consistency.names(stage) & {parameter.name for parameter in CIRCUIT}


def test_each_form_is_found_by_its_stage_and_name_alone():
    assert len({(stage.stage, stage.form) for stage in STAGES}) == len(STAGES)
    assert {stage.stage for stage in STAGES} == set(ORDER)


def test_stages_are_equal_by_class_and_short_to_print():
    loaded = model.load("linear")
    assert Linear() in loaded.stages
    assert repr(Linear()) == "<Stage [expression] linear>"
    assert repr(loaded).startswith("<SynapseModel linear: nmda saturating, ")
