"""Numbers that no setting and no parameter can be are refused by name, before anything is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofwp import cli
from neurofwp.cli import experiment_settings
from neurofwp.errors import InputError
from neurofwp.experiments import hetero_associative, synapse_models
from neurofwp.spiking.network_parameters import parameters_by_name
from neurofwp.synapses.parameters import Parameter, read_toml

HUGE = "9" * 401
IN_CONTEXT, HETERO = ["run", "in-context-regression"], ["run", "hetero-associative"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([*IN_CONTEXT, "--decay", "nan"], "decay must be a finite number, not nan"),
        ([*IN_CONTEXT, "--ridge", "inf"], "ridge must be a finite number, not inf"),
        ([*IN_CONTEXT, "--inputs", HUGE], "inputs must be a whole number of at most 64 bits, not one of 401 digits"),
        ([*IN_CONTEXT, "--longest", "0"], "longest must be 1 or more, but is 0"),
        ([*IN_CONTEXT, "--seed", "-1"], "seed must be at least 0, not -1"),
        ([*IN_CONTEXT, "--seed", HUGE], "seed must be a whole number of at most 64 bits, not one of 401 digits"),
        ([*HETERO, "--parameters", "g_gaba=inf"], "g_gaba is inf nS, but must be a finite number"),
        ([*HETERO, "--parameters", f"g_gaba={HUGE}"], "g_gaba is inf nS, but must be a finite number"),
        ([*HETERO, "--load", "2", HUGE], "load must be a whole number of at most 64 bits"),
        (["sweep", "hetero-associative", "--over", "g_gaba=1,inf"], "g_gaba is inf nS, but must be a finite number"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_the_command_line_refuses_them(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert said.startswith(f"neurofwp: {sentence}")
    assert not (tmp_path / "out").exists()


def test_infinity_is_for_the_few_that_it_means_something_for() -> None:
    known = parameters_by_name()
    infinite = {name for name, each in known.items() if each.high == float("inf")}
    assert infinite == {"tau_turnover", "tau_pool", "plateau_length"} & known.keys()
    for name, parameter in known.items():
        if name not in infinite and not parameter.allowed:
            with pytest.raises(InputError, match=f"^{name} is inf .*but must be a finite number"):
                parameter.number("inf")
    experiment_settings.check(
        hetero_associative.EXPERIMENT, hetero_associative.Settings(parameters=("tau_turnover=inf",))
    )
    experiment_settings.check(synapse_models.EXPERIMENT, synapse_models.Settings(spread=float("inf")))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (10**401, "value has too many digits for a number in nS"),
        (-(10**401), "value has too many digits"),
        (float("nan"), "value must be a number in nS, not nan"),
        (float("inf"), "must be a finite number"),
        (float("-inf"), "must be a finite number"),
    ],
    ids=["huge", "huge below 0", "nan", "inf", "-inf"],
)
def test_a_file_of_parameters_refuses_them(value: float, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^synapse.nmda.g.*{sentence}"):
        Parameter("g", "nS", "conductance").read({"value": value, "unit": "nS"}, "synapse.nmda.g")


def test_a_number_of_thousands_of_digits_is_no_toml_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"format = {'9' * 5000}\n")
    with pytest.raises(InputError, match=r"mine.toml' is not TOML: .*digits"):
        read_toml(path, "synapses", "synapse model")
