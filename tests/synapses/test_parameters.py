"""Parameters: units are parsed, and whatever is wrong is named."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import have_same_dimensions, mV, nS, second

from neurofwp.errors import InputError
from neurofwp.synapses.parameters import Parameter, parse_unit, read_toml

TAU = Parameter("tau", "ms", "decay time constant", low=0.1)


@pytest.mark.parametrize(
    ("text", "factor", "like"),
    [("ms", 1e-3, second), ("s", 1, second), ("nS/s", 1e-9, nS / second), ("nS/second", 1e-9, nS / second),
     ("1/mV", 1e3, 1 / mV), ("1", 1, 1), ("V", 1, mV)],
)  # fmt: skip
def test_units(text, factor, like):
    unit = parse_unit(text, "here")
    assert have_same_dimensions(unit, like)
    assert float(unit) == pytest.approx(factor)


@pytest.mark.parametrize("text", ["", "msec", "ms*mV", "exp", "/ms", "nS//s"])
def test_what_is_no_unit(text):
    with pytest.raises(InputError, match="here.*is not a unit"):
        parse_unit(text, "here")


def test_a_value_in_another_unit_of_its_dimension():
    assert TAU.read({"value": 2, "unit": "s"}, "nmda.tau") == 2 * second
    endless = replace(TAU, high=np.inf)
    assert np.isinf(endless.read({"value": np.inf, "unit": "s"}, "nmda.tau"))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (100, "nmda.tau must be written { value = ..., unit = "),
        ({"value": 100}, "nmda.tau must be written"),
        ({"value": 100, "unit": "mV"}, "nmda.tau is .*, but needs a unit like 'ms'"),
        ({"value": 100, "unit": "1"}, "nmda.tau is .*, but needs a unit like 'ms'"),
        ({"value": "100", "unit": "ms"}, "value must be a number in ms, not '100'"),
        ({"value": True, "unit": "ms"}, "value must be a number in ms, not True"),
        ({"value": np.nan, "unit": "ms"}, "value must be a number in ms, not nan"),
        ({"value": 0.01, "unit": "ms"}, "nmda.tau is 0.01 ms, but must be in .0.1, inf."),
        ({"value": 1e-5, "unit": "s"}, "nmda.tau is 0.01 ms, but must be in .0.1, inf."),
        ({"value": 100, "unit": "ms", "sourec": "x"}, "unknown field of nmda.tau 'sourec'; did you mean 'source'?"),
    ],
)
def test_what_is_refused(entry, message):
    with pytest.raises(InputError, match=message):
        TAU.read(entry, "nmda.tau")


def test_files_are_found_by_path_and_named_when_they_cannot_be_read(tmp_path):
    good, broken, binary = tmp_path / "mine.toml", tmp_path / "broken.toml", tmp_path / "binary.toml"
    good.write_text("format = 2\nx = 1")
    broken.write_text("x = = 1")
    binary.write_bytes(b"\xff\xfe\x00")
    assert read_toml(good, "synapses", "synapse model") == ("mine", {"x": 1})
    for path in (broken, binary):
        with pytest.raises(InputError, match=f"{path.name}' is not TOML"):
            read_toml(path, "synapses", "synapse model")
    good.write_text("format = 1000")
    with pytest.raises(InputError, match="mine.toml' is in format 1000, and this neurofwp reads formats up to"):
        read_toml(good, "synapses", "synapse model")
    with pytest.raises(InputError, match="there is no synapse model file '.*absent.toml'"):
        read_toml(tmp_path / "absent.toml", "synapses", "synapse model")
    with pytest.raises(InputError, match="unknown synapse model 'aditive'; did you mean 'additive'?"):
        read_toml("aditive", "synapses", "synapse model")
