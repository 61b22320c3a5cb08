"""Stages that a model file writes out: the same numbers as our own, and no text that is more than arithmetic."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms, nS, second
from hypothesis import example, given, strategies as st

from neurofwp.brian import rows
from neurofwp.errors import InputError
from neurofwp.spiking import SpikingNetwork
from neurofwp.synapses import load, own_equations
from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage
from neurofwp.synapses.variants import adapt

SHIPPED = (Path(load.__code__.co_filename).parents[2] / "models" / "synapses" / "linear.toml").read_text()
LINEAR = """
source = "Irie & Gershman 2025"
synaptic_update = "weight = weight + plasticity_step*eta*clip(calcium - c_floor, 0, inf)"
"""


def write(folder: Path, part: str = LINEAR, expression: str = 'form = "equations"') -> Path:
    """The shipped linear model, with an expression of one's own."""
    path = folder / "mine.toml"
    path.write_text(SHIPPED.replace('form = "linear"', f"{expression}\n{part}"))
    return path


def test_equations_of_a_file_are_those_of_the_stage_that_they_copy(tmp_path):
    mine, shipped = load(write(tmp_path)), load("linear")
    assert mine.update == shipped.update
    assert mine.values == shipped.values
    assert {part: mine.text(part) for part in ("presynaptic", "postsynaptic", "synaptic", "spike")} == {
        part: shipped.text(part) for part in ("presynaptic", "postsynaptic", "synaptic", "spike")
    }
    again = pickle.loads(pickle.dumps(mine))  # as workers are given it
    assert again.stages == mine.stages
    assert again.update == mine.update
    recorded = SpikingNetwork(mine).config()["forms"]["expression"]
    assert recorded["synaptic_update"] == mine.stages[3].synaptic_update


def test_states_spikes_and_new_names_of_ones_own(tmp_path):
    """A trace of presynaptic spikes gates what calcium writes; its unit and that of a local variable are worked out."""
    part = """
source = "a test"
presynaptic = "dtrace/dt = -trace/tau_trace : 1"
presynaptic_spike = "trace += 1"
synaptic = "written : siemens"
synaptic_update = '''
step = plasticity_step*eta*trace_pre*calcium
written = written + step
weight = clip(weight + step, 0*nS, 5*nS)
'''
tau_trace = { value = 20, unit = "ms", source = "a test" }
"""
    mine = load(write(tmp_path, part))
    assert mine.states == ("calcium", "written", "weight")
    assert "dtrace/dt = -trace/tau_trace : 1" in mine.text("presynaptic")
    source, target = b2.PoissonGroup(5, 60 * b2.Hz), b2.NeuronGroup(2, "v : volt\ng : siemens")
    target.v = -40 * b2.mV
    from neurofwp import synapse

    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    try:
        plastic = synapse(tmp_path / "mine.toml").connect(source, target, dendrite="v", conductance="g")
        b2.Network(source, target, plastic).run(50 * ms)
    finally:
        b2.prefs.codegen.target = before
    assert plastic.weight[:].max() > 0 * nS
    np.testing.assert_allclose(plastic.weight / nS, np.minimum(plastic.written / nS, 5))


UPDATE = 'source = "x"\nsynaptic_update = """{}"""\n'
BAD = [
    ("weight = weight + __import__('os').system('true')*nS", "unknown function"),
    ("weight = weight; std::system(0)", "no expression|no code"),
    ("weight = system(0)*nS", "unknown function in mine.toml: expression.synaptic_update, line 1 'system'"),
    ("weight = weight.__class__", "not arithmetic|no code"),
    ("weight = weight[0]", "not arithmetic"),
    ("weight = [weight for i in (1,)]", "not arithmetic|no code"),
    ("weight = (lambda: weight)()", "unknown function"),
    ("weight = 'nS'", "no number"),
    ("weight = weight if calcium > 1 else 0*nS", "not arithmetic"),
    ("weight = eval(1)*nS", "unknown function"),
    ("import os", "no code that Brian2 reads"),
    ("weight : siemens\nint main() {}", "no code that Brian2 reads"),
    ("double = 3*nS", "means something in C"),
    ("_weight = 3*nS", "underscore|no code"),
    ("v_dendrite_post = -40*mV", "'v_dendrite_post' is the cell's own"),
    ("weight = weight + 9**9**9*nS", "an exponent is at most 64"),
    ("weight = weight + 2**1000*nS", "an exponent is at most 64"),
    ("weight = weight + 1j*nS", "no number|no code"),
    ("weight = weight + calciun*nS", "synaptic_update, line 1: 'calciun' is not known here"),
    ("weight = weight + calcium", "line 1: .*different units|line 1: .*unit"),
    ("weight = calcium", "has the unit"),
    ("weight = weight + xi*nS", "draw with randn"),
    ("weight = weight + exp(eta)*nS", "line 1"),
    ("weight = weight" + "+ weight" * 700, "characters"),
    ("weight = weight*((9**64)**64)**64", "no powers of powers"),
    ("weight = weight*9**(64*64*64*64)", "an exponent is at most 64"),
    ("weight = weight*9**-(64*64*64*64)", "an exponent is at most 64"),
    ("weight = weight*" + "9" * 400, "is no number|no code"),
    ("weight = weight*int(" + "not " * 200 + "1)", "nested more than"),
    ("weight = weight*int(0 < calcium < 1)", "compares more than two"),
    ("weight = weight*~1", "not arithmetic|no code"),
    ("weight = weight + \u03b7*nS", "ASCII"),
    ("weight *= 3*nS", "has the unit"),
    ("weight = weight + s_nmda*nS", "'s_nmda' is not known here"),
    ("M_PI = 3*nS", "means something in C"),
]


@pytest.mark.parametrize(("code", "message"), BAD)
def test_what_is_no_arithmetic_is_refused(tmp_path, code, message):
    with pytest.raises(InputError, match=message):
        load(write(tmp_path, UPDATE.format(code)))


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ('synaptic_update = "weight = weight"', "needs a source"),
        ('source = "x"\nsynaptic_updat = "weight = weight"', "unknown part of mine.toml: expression 'synaptic_updat'"),
        ('source = "x"\nrate = 3', "expression.rate must be written"),
        ('source = "x"\n"x}; int y{" = { value = 3, unit = "nS" }', "is not a valid variable name"),
        ('source = "x"\nrate = { value = 3, unit = "nS; evil" }', "is not a unit"),
        ('source = "x"\nint = { value = 3, unit = "nS" }', "cannot be used as a variable|means something in C"),
        ('source = "x"\nsynaptic = "mine : 1 (shared, constant over dt)"', "flag|no code"),
        ('source = "x"\npresynaptic = "ds_nmda/dt = -s_nmda/(5*ms) : 1"', "both define 's_nmda'"),
        ('source = "x"\npresynaptic = "dmine/dt = -mine*5*ms : 1"', "has the unit"),
        ('source = "x"\nsynaptic = "dmine/dt = -mine/(5*ms) : 1"', "is declared alone"),
        ('source = "x"\nsynaptic = "mine : integer"', "must be a number"),
        ('source = "x"\nsynaptic = "weight : siemens"', "declares 'weight' already"),
        ('source = "x"\nweight = { value = 3, unit = "nS" }', "declares 'weight' already|no parameter"),
        ('source = "x"\npresynaptic = "x : 1"\npresynaptic_spike = "x += weight/nS"', "'weight' is not known here"),
    ],
)
def test_tables_that_are_wrong(tmp_path, part, message):
    with pytest.raises(InputError, match=message):
        load(write(tmp_path, part))


@pytest.mark.parametrize(
    "code",
    ["weight *= 0.5", "weight /= 2", "weight += plasticity_step*eta*calcium**c_floor", "weight = weight # a comment",
     "# every write adds\nweight = weight*1", "weight = weight*s_nmda_pre**2", "weight = weight*calcium**(c_floor/2)"],
)  # fmt: skip
def test_what_is_arithmetic_passes(tmp_path, code):
    assert load(write(tmp_path, UPDATE.format(code))).stages[3].synaptic_update.strip()


def test_a_parameter_may_be_infinite_and_be_called_as_a_loop_counts(tmp_path):
    """Names of the C++ around a loop over synapses are none that a model can have."""
    part = (
        UPDATE.format("weight = weight + plasticity_step*eta*k*first*exp(-plasticity_step/tau)")
        + """
k = { value = 2, unit = "1" }
first = { value = 1, unit = "1" }
tau = { value = inf, unit = "s" }
"""
    )
    mine = load(write(tmp_path, part))
    code = rows._code(mine, ["s_nmda_pre"], (1, 4, 2), (), "float")
    written = set(re.findall(r"\b(?:int|size_t|float|double)\*?\s+(?:__restrict\s+)?(\w+)\s*(?==|;|\[|,|\))", code))
    own = {*mine.constants(ms), *mine.states, *re.findall(r"\w+(?=\s*=)", mine.update), "s_nmda_pre"}
    assert {"k", "first"} <= written
    assert (
        not {name for name in written - own if not name.startswith("_")}
        - {"x", "low", "high", "T"}
        - {name for name in written if name.endswith("_post")}
    )


def test_a_stage_without_what_others_need_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        re.sub(r"\[calcium\].*?(?=\n\[)", '[calcium]\nform = "equations"\nsource = "x"\n', SHIPPED, flags=re.S)
    )
    with pytest.raises(InputError, match="speaks of 'calcium', which no stage declares"):
        load(path)


def test_the_form_is_offered_where_a_name_is_wrong(tmp_path):
    with pytest.raises(InputError, match="did you mean 'equations'"):
        load(write(tmp_path, expression='form = "equation"'))


@given(st.text(max_size=60))
@example("weight = weight + 0*nS")
@example("weight = \\\n weight")
@example("weight = weight # };")
def test_any_text_is_refused_in_a_sentence_or_is_arithmetic(text):
    """What passes holds no character with which C++ could do more."""
    stage = own_equations.OwnEquations("expression", "fuzz", {"synaptic_update": text}, ())
    others = [each for each in load("linear").stages if each.stage != "expression"]
    try:
        own_equations.check(stage, others, "fuzz")
    except InputError:
        return
    code = "\n".join(line.split("#")[0] for line in text.splitlines())
    assert not set(code) & set(";{}[]\"'`$@!?\\&|~^:")


class Squared(Stage):
    """Calcium squared potentiates."""

    stage = "expression"
    form = "squared"
    source = "a test"
    parameters = (Parameter("gain", "nS/s", "of squared calcium", low=0),)
    synaptic_update = "weight = weight + plasticity_step*gain*calcium*calcium"


class Misnamed(Squared):
    form = "misnamed"
    synaptic_update = "weight = weight + plasticity_step*gane*calcium*calcium"


def test_a_stage_from_python_takes_the_place_of_a_models_own():
    model = load("error-correcting")
    mine = adapt(model, stages=[Squared], parameters={"gain": 3 * nS / second, "tau_nmda": "50 ms"})
    assert "gain*calcium*calcium" in mine.update
    assert "K_P" not in mine.values
    assert mine.values["tau_nmda"] == 50 * ms
    assert model.values["tau_nmda"] == 100 * ms
    for stages, parameters, message in (
        ([Squared], {}, "'error-correcting' needs 'gain': of squared calcium, in nS/s"),
        ([Squared], {"gain": 3 * nS}, "gain is 3. nS, but needs a unit like 'nS/s'"),
        ([Squared], {"gain": "3 nS/s", "K_P": "1"}, "unknown parameter of 'error-correcting' 'K_P'"),
        ([Misnamed], {"gain": "3 nS/s"}, "names 'gane'"),
    ):
        with pytest.raises(InputError, match=message):
            adapt(model, stages=stages, parameters=parameters)
