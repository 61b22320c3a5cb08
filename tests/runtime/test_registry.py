"""What is registered from outside, and what is said of what cannot be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import neurofwp
from neurofwp import identification, program, rules, synapses, tasks
from neurofwp.cli import catalogue
from neurofwp.errors import InputError
from neurofwp.runtime import registry
from neurofwp.runtime.experiment import REGISTRY as EXPERIMENTS
from neurofwp.spiking import SpikingNetwork, circuits
from neurofwp.synapses import model

RULE = """
from neurofwp.rules import Parameter, Rule

class Leaky(Rule):
    id = "leaky"
    equation = "leak W + beta v k'"
    objective = "none"
    reading = "a test"
    source = "a test"
    signals = ("key", "value", "gate")
    parameters = (Parameter("leak", 0.9, 0.0, 1.0, "share that survives"),)

    def step(self, weight, event, p):
        written = event.gate[..., None, None] * event.value[..., :, None] * event.key[..., None, :]
        return p["leak"][..., None, None] * weight + written
"""
STAGE = """
from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage

class Quadratic(Stage):
    stage = "expression"
    form = "quadratic"
    source = "a test"
    parameters = (Parameter("steepness", "nS/s", "potentiation per squared calcium", low=0),)
    synaptic_update = "weight = weight + plasticity_step*steepness*calcium*calcium"
"""
CIRCUIT = """
from dataclasses import replace
from neurofwp.spiking.circuits.apical_feedback import CIRCUIT

OWN = replace(CIRCUIT, name="without-feedback", connections=CIRCUIT.connections[:1])
"""
TASK = """
from neurofwp.tasks import Task, regression

def draw(episodes, *, seed):
    return regression(2, 3, episodes, seed=seed)

OWN = Task("own", draw, "a test")
"""
EXPERIMENT = '''
"""An experiment of one's own."""
from dataclasses import dataclass
from neurofwp.runtime.experiment import Experiment

@dataclass(frozen=True)
class Settings:
    pass

def run(settings, *, seed, device, folder):
    ...

def nothing(result):
    return {}

EXPERIMENT = Experiment(Settings, run, nothing, nothing)
'''


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (rules.REGISTRY, synapses.REGISTRY, circuits.REGISTRY, tasks.REGISTRY, EXPERIMENTS):
        monkeypatch.setattr(each, "_registered", {})
    monkeypatch.setattr(registry, "_places", {})


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Write a module that can be imported, and import it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    written = []

    def write(text: str, name: str = "outside_module") -> ModuleType:
        (tmp_path / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
        written.append(name)
        return import_module(name)

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_a_rule_is_found_fitted_and_registered_once_however_often(module: Callable[..., ModuleType]) -> None:
    own = module(RULE)
    assert neurofwp.register(own.Leaky) is own.Leaky
    neurofwp.register(own.Leaky)
    assert rules.get("leaky") in identification.candidates()
    assert [rule.id for rule in identification.candidates()].count("leaky") == 1
    assert registry.registered_modules() == ("outside_module:Leaky",)
    (source,) = registry.sources()
    assert source.files == (Path(own.__file__ or ""),)


def test_a_stage_is_used_by_a_file(module: Callable[..., ModuleType], tmp_path: Path) -> None:
    neurofwp.register(module(STAGE).Quadratic)
    text = Path(neurofwp.__path__[0]).parent.joinpath("models", "synapses", "linear.toml").read_text()
    start = text.index("[expression]")
    end = text.index("\n[", start)
    mine = '[expression]\nform = "quadratic"\nsteepness = { value = 2, unit = "nS/s" }\n'
    (tmp_path / "mine.toml").write_text(text[:start] + mine + text[end:])
    loaded = model.load(tmp_path / "mine.toml")
    assert "weight = weight + plasticity_step*steepness*calcium*calcium" in loaded.update


def test_a_circuit_is_listed_and_runs_from_a_file(module: Callable[..., ModuleType], tmp_path: Path) -> None:
    neurofwp.register(module(CIRCUIT).OWN)
    assert "interneuron" in catalogue.circuits()["without-feedback"]
    assert "interneuron to value" not in catalogue.circuits()["without-feedback"]
    text = Path(neurofwp.__path__[0]).parent.joinpath("models", "circuits", "apical-feedback.toml").read_text()
    (tmp_path / "open.toml").write_text(text.replace('"apical-feedback"', '"without-feedback"'))
    one_pair = program.from_arrays(np.ones((1, 1, 20)), np.ones((1, 1, 1)), duration=150.0)
    weights = []
    for circuit in ("apical-feedback", tmp_path / "open.toml"):
        network = SpikingNetwork("error-correcting", circuit=circuit, cells_per_pool=2, backend="numpy")
        weights.append(network.run(one_pair, seed=3)["weight"].mean().item())
    assert weights[1] > 1.05 * weights[0] > 0  # no feedback holds the dendrite back


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("connections=CIRCUIT.connections[:1]", "parameters=CIRCUIT.parameters[:-1]", "lacks the parameter 'pause'"),
        ("connections=CIRCUIT.connections[:1]", "others=()", "'relay' of circuit 'without-feedback' has no cells"),
        ("connections=CIRCUIT.connections[:1]", "key={}", "circuit 'without-feedback' lacks key cells"),
        ('"without-feedback"', '"apical-feedback"', "two circuits are called 'apical-feedback', that of neurofwp"),
    ],
)
def test_a_circuit_that_lacks_something(module: Callable[..., ModuleType], old: str, new: str, message: str) -> None:
    assert old in CIRCUIT
    with pytest.raises(InputError, match=message) as raised:
        neurofwp.register(module(CIRCUIT.replace(old, new)).OWN)
    assert "\n" not in str(raised.value)


def test_tasks_and_experiments_are_found_by_name(module: Callable[..., ModuleType]) -> None:
    neurofwp.register(module(TASK).OWN)
    assert tasks.REGISTRY.get("own").draw(2, seed=0).sizes["episode"] == 2
    own = module(EXPERIMENT, "an_experiment")
    neurofwp.register(own.EXPERIMENT)
    assert EXPERIMENTS.get("an-experiment") is own.EXPERIMENT
    assert EXPERIMENTS.origins()["an-experiment"] == "registered"


def test_a_worker_registers_again_what_its_parent_registered(module: Callable[..., ModuleType]) -> None:
    module(RULE)
    before = set(rules.REGISTRY.origins())
    assert "leaky" not in before
    code = "import sys; from neurofwp.runtime import registry; registry.restore(sys.argv[1:]); "
    code += "from neurofwp import rules; print(rules.get('leaky').id)"
    neurofwp.register(sys.modules["outside_module"].Leaky)
    made = subprocess.run(
        [sys.executable, "-c", code, *registry.registered_modules()],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert made.stdout.split() == ["leaky"]


LOCAL = (
    RULE
    + """
def make():
    class Inner(Leaky):
        id = "inner"
    return Inner
"""
)


def test_what_a_worker_could_not_import_is_refused(module: Callable[..., ModuleType], tmp_path: Path) -> None:
    own = module(LOCAL)
    with pytest.raises(InputError, match="rule 'inner' cannot be registered: it is defined inside a function"):
        neurofwp.register(own.make())
    with pytest.raises(InputError, match="it is not the value of a name at the top level of a module"):
        neurofwp.register(tasks.Task("mine", tasks.regression, "a test"))
    script = tmp_path / "script.py"
    script.write_text(f"import neurofwp\n{RULE}\nneurofwp.register(Leaky)")
    failed = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert "rule 'leaky' cannot be registered: it is defined in '__main__'" in failed.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('    id = "leaky"\n', "", "the rule Leaky lacks 'id'"),
        ('    equation = "leak W + beta v k\'"\n', "", "rule 'leaky' lacks 'equation'"),
        ("def step", "def stepp", "rule 'leaky' lacks a method step"),
        ('("key", ', '("kee", ', "unknown signal of rule 'leaky', 'kee'; did you mean 'key'"),
        ('id = "leaky"', 'id = "delta"', "two rules are called 'delta', that of neurofwp and one that is registered"),
        ("parameters = (", "parameters = (Parameter('leak', 1, 0, 1, ''), ", "two parameters of the name 'leak'"),
    ],
)
def test_a_rule_that_lacks_something(module: Callable[..., ModuleType], old: str, new: str, message: str) -> None:
    assert old in RULE
    own = module(RULE.replace(old, new))
    with pytest.raises(InputError, match=message):
        neurofwp.register(own.Leaky)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"expression"', '"expresion"', "unknown stage of Quadratic, 'expresion'; did you mean 'expression'"),
        ('    source = "a test"\n', "", "Quadratic needs a source"),
        ('form = "quadratic"', 'form = "linear"', "two stages are called 'expression.linear'"),
        ("step*steepness", "step*steepnes", "names 'steepnes' in its update, which is no parameter"),
        ('    synaptic_update', '    idle = "calcum <= 0"\n    synaptic_update', "names 'calcum' in its idle"),
        ('"steepness", "nS/s"', '"tau_nmda", "nS/s"', "both define 'tau_nmda'"),
        ('    synaptic_update', '    delay = "late"\n    synaptic_update', "its delay 'late' must be the name"),
        ('    synaptic_update', '    double = ("q",)\n    synaptic_update', "'q', which needs double precision"),
        ("parameters = (", "parameters = (Parameter('steepness', 'nS/s', ''), ", "two parameters of the name"),
    ],
)  # fmt: skip
def test_a_stage_that_does_not_fit(module: Callable[..., ModuleType], old: str, new: str, message: str) -> None:
    assert old in STAGE
    own = module(STAGE.replace(old, new))
    with pytest.raises(InputError, match=message):
        neurofwp.register(own.Quadratic)


def test_other_things_are_refused() -> None:
    with pytest.raises(InputError, match="register takes a Rule, Stage, Circuit, Task or Experiment, not 3"):
        neurofwp.register(3)


def point(name: str, value: str, kind: str = "rule") -> metadata.EntryPoint:
    return metadata.EntryPoint(name, value, f"neurofwp.{kind}s")


@pytest.mark.parametrize(
    ("offered", "message"),
    [
        ([point("mine", "no_such_module:RULE")], "the rule 'mine' of no_such_module:RULE cannot be used: No module"),
        ([point("mine", "outside_module:Leaky")], "calls its rule 'leaky' 'mine' in its entry points"),
        ([point("leaky", "outside_module:Parameter")], "the rule 'leaky' of outside_module:Parameter cannot be used"),
        ([point("hebbian", "outside_module:Leaky")], "two rules are called 'hebbian'"),
    ],
)  # fmt: skip
def test_what_a_package_offers_is_checked_when_it_is_used(
    module: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch, offered: list[metadata.EntryPoint], message: str
) -> None:
    module(RULE)
    monkeypatch.setattr(registry, "entry_points", lambda kind: tuple(offered) if kind == "rule" else ())
    with pytest.raises(InputError, match=message):
        rules.REGISTRY.all()


def test_what_a_package_offers_is_listed_without_being_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda kind: (point("far", "no_such_module:RULE"),))
    assert rules.REGISTRY.origins()["far"] == "no_such_module:RULE"
    assert rules.get("delta").id == "delta"
