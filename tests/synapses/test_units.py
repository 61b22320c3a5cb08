"""Units read without Brian2 are those of Brian2; values written with them are what they say."""

from __future__ import annotations

from typing import Any

import brian2 as b2
import pytest
from brian2.units import allunits, stdunits

from neurofwp.errors import InputError
from neurofwp.spiking.network import SpikingNetwork
from neurofwp.spiking.network_parameters import numbers, quantities
from neurofwp.synapses import units
from neurofwp.synapses.parameters import parse_unit

KNOWN = [
    prefix + name
    for prefix in units.PREFIXES
    for name in units.NAMES
    if isinstance(getattr(stdunits, prefix + name, getattr(allunits, prefix + name, None)), b2.Unit)
]


@pytest.mark.parametrize("word", [*KNOWN, "1", "s", "V", "nS/s", "1/mV/mV", "nS / msecond"])
def test_size_and_dimension_are_those_of_brian2(word: str) -> None:
    found = units.size(word)
    assert found is not None
    unit: Any = parse_unit(word, "here")
    power, (metre, kilogram, second, ampere, mole) = found
    base = b2.metre**metre * b2.kilogram**kilogram * b2.second**second * b2.amp**ampere * b2.mole**mole
    assert b2.have_same_dimensions(unit, base)
    assert float(unit) == pytest.approx(10.0**power, rel=1e-12)


def test_enough_words_are_known() -> None:
    assert {"ms", "nS", "mV", "pF", "Hz", "mM", "um", "msecond", "nsiemens", "mvolt", "mmolar"} <= set(KNOWN)


@pytest.mark.parametrize("word", ["", "parsec", "ns/", "nS*s", "2", "S/ /s"])
def test_what_is_no_unit_is_none(word: str) -> None:
    assert units.size(word) is None


@pytest.mark.parametrize(
    ("text", "number", "quantity"),
    [
        ("tau_nmda=25ms", 25.0, 25 * b2.ms),
        ("tau_nmda=25 ms", 25.0, 25 * b2.ms),
        ("tau_nmda = 0.025 s", 25.0, 25 * b2.ms),
        ("tau_nmda=25", 25.0, 25 * b2.ms),
        ("g_gaba=0nS", 0.0, 0 * b2.nS),
        ("g_gaba=1.5e3pS", 1.5, 1.5 * b2.nS),
        ("P=2 nS/ms", 2000.0, 2000 * b2.nS / b2.second),
        ("alpha_nmda=.5", 0.5, 0.5),
        ("E_leak=-70mV", -70.0, -70 * b2.mV),
    ],
)
def test_values_are_read_with_their_unit_or_in_their_own(text: str, number: float, quantity: Any) -> None:
    name = text.partition("=")[0].strip()
    assert numbers([text]) == {name: number}
    assert quantities([text])[name] == quantity


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("g_gabba=1", "unknown parameter 'g_gabba'; did you mean 'g_gaba'?"),
        ("g_gaba=5mV", "g_gaba is 5mV, but needs a unit like nS \\(inhibition"),
        ("g_gaba=1 parsec", "g_gaba: 'parsec' is not a unit that it can have; write g_gaba=1nS"),
        ("g_gaba=much", "g_gaba needs a number in nS, as in g_gaba=1nS, not 'much'"),
        ("g_gaba", "g_gaba needs a number in nS, as in g_gaba=1nS, not ''"),
        ("g_gaba=-1pS", r"g_gaba is -0.001 nS, but must be in \[0, inf\]"),
        ("bistable=0.5", "bistable is 0.5, but must be one of 0, 1"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{sentence.replace('?', '[?]')}"):
        numbers([text])


def test_a_network_takes_text() -> None:
    network = SpikingNetwork("additive", parameters={"g_gaba": "0 nS", "tau_nmda": "0.05 s"})
    assert network.circuit["g_gaba"] == 0 * b2.nS
    assert network.synapse.values["tau_nmda"] == 50 * b2.ms
    with pytest.raises(InputError, match="needs a unit like nS"):
        SpikingNetwork("additive", parameters={"g_gaba": "1 mV"})
