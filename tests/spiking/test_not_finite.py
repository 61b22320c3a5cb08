"""A run whose numbers overflow stops, and says which of them, where, and in which event."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from brian2 import mV, nS, second

from neurofwp.errors import InputError
from neurofwp.spiking import SpikingNetwork

# in single precision a weight may be 3e38 S: with this rate it gets beyond within a few steps of the plasticity clock,
# once calcium, which is of the order of 1e4 here, is above its floor
OVERFLOWING = 1e47 * nS / second
FLOOR = {"g_calcium": 200 / mV, "c_floor": 4000.0}


def written_late(program: xr.Dataset) -> xr.Dataset:
    """Nothing is written in the first event: no key cell is driven, and the gate stays closed."""
    later = xr.DataArray([0.0, 1.0, 1.0, 1.0], dims="event")
    return program.assign({name: program[name] * later for name in ("key", "write_gate")})


@pytest.mark.parametrize("backend", ["numpy", "cpp_standalone"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_weight_that_overflows_stops_the_run_in_its_event(backend: str, stored_program: xr.Dataset) -> None:
    """In rows of a compiled program, and in steps of NumPy; the second event is the first that writes."""
    network = SpikingNetwork("linear", parameters={"eta": OVERFLOWING, **FLOOR}, cells_per_pool=1, backend=backend)
    said = (
        r"^weight of the synapse from key cell \d+ to value cell \d+ \((ON|OFF) pool of dimension [01]\) in episode "
        r"[01] became (inf|nan) in event 1, which ends at [\d.]+ s(; so are .*)?: parameters of synapse model 'linear' "
        "or circuit 'apical-feedback' make numbers overflow, or a time step is too long for them$"
    )
    with pytest.raises(InputError, match=said):
        network.run(written_late(stored_program), seed=3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_last_event_is_no_exception(stored_program: xr.Dataset) -> None:
    network = SpikingNetwork("linear", parameters={"eta": OVERFLOWING, **FLOOR}, cells_per_pool=1, backend="numpy")
    backwards = stored_program.copy()
    for name in ("key", "value", "write_gate"):
        backwards[name] = stored_program[name].copy(data=stored_program[name].values[:, ::-1])
    only_last = backwards["write_gate"] * np.eye(4)[3]
    with pytest.raises(InputError, match="became (inf|nan) in event 3, which ends at "):
        network.run(backwards.assign(write_gate=only_last), seed=3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_condition_that_overflows_is_named(stored_program: xr.Dataset) -> None:
    eta = xr.Dataset({"eta": ("condition", [3.0, float(OVERFLOWING / (nS / second))], {"units": "nS/s"})})
    network = SpikingNetwork("linear", parameters=FLOOR, cells_per_pool=1, backend="numpy")
    with pytest.raises(InputError, match=r"in episode \d of condition 1 became"):
        network.run(written_late(stored_program), seed=3, conditions=eta)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_calcium_that_overflows_is_named_before_the_weight_that_follows_it(stored_program: xr.Dataset) -> None:
    network = SpikingNetwork("linear", parameters={"g_calcium": "1e40 1/V"}, cells_per_pool=1, backend="numpy")
    with pytest.raises(InputError, match=r"^calcium of the synapse .* in event 0, .*; so are weight, g_ampa, v:"):
        network.run(stored_program, seed=3)
