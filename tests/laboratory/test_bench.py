"""The bench: what cells do comes at its step, and a compiled bench serves every number."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from brian2 import mM, ms, mV, nS, second

from neurofwp.errors import InputError
from neurofwp.laboratory.bench import Bench
from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.protocol import Protocol


def protocols(shift: float = 0.0, calcium: float = 2.0) -> list[Protocol]:
    """Pairs, a held cell, and plateaus that touch: the same number of everything, whatever the arguments are."""
    return [
        Protocol("pairs", (10.0 + shift, 60.0), (20.0, 35.0 + shift), trains=2, period=0.1, calcium=calcium),
        Protocol("weak", (10.0,), (5.0 + shift,), trains=2, period=0.1, initial=1.0 + shift / 10),
        Protocol("held", (5.0, 25.0), held=((0.0, 50.0), (50.0, 60.0 + shift)), voltage=-20.0 - shift, period=0.1),
        Protocol("plateaus", (5.0,), (30.0,), plateaus=((20.0, 100.0), (100.0, 120.3 + shift)), period=0.2),
    ]


def test_voltage_follows_what_is_done_to_the_cell() -> None:
    """Plateau, held voltage and back-propagating spike against their formulas, at every step."""
    lab = Laboratory("error-correcting", backend="numpy", parameters={"spike_delay": 2 * ms})
    seen = lab.run(protocols(), record=0.1 * ms)["voltage"]
    time = seen["time"].values
    held = seen.sel(protocol="held").values
    assert (held[(time > 0.05) & (time < 59.95)] == -20).all()
    np.testing.assert_allclose(held[(time > 60.05)], -65, atol=1e-9)
    plateau = seen.sel(protocol="plateaus").values
    up = (time > 20.05) & (time < 120.25)
    spike = time >= 32.15  # told at 30 ms, fired a step later, 2 ms on its way; the first step shows a mean
    since = np.where(spike, time - 32.15, 0)
    expected = np.where(up, 40.0, 0.0) + spike * 100 * (0.75 * np.exp(-since / 3) + 0.25 * np.exp(-since / 25))
    far = abs(time - 32.1) > 0.3
    np.testing.assert_allclose(plateau[far & up], expected[far & up] - 65, atol=0.6)
    np.testing.assert_allclose(plateau[time < 19.95], -65, atol=1e-9)


@pytest.mark.parametrize("model", ["error-correcting", "btsp-network"])
def test_a_bench_is_compiled_once_for_all_numbers(model: str) -> None:
    """Other times, weights, voltages, parameters and a seed: in the same program, and as without one."""
    others = {"tau_slow": 20 * ms, "spike_height": 80 * mV}
    if model == "error-correcting":
        others |= {"w_max": 7 * nS, "Mg": 1.2 * mM}
    Laboratory(model).run(protocols(), record=1 * ms)
    lab = Laboratory(model, parameters=others)
    with patch.object(Bench, "_compile", side_effect=AssertionError("compiled again")):
        compiled = lab.run(protocols(1.5, calcium=1.6), seed=3, record=1 * ms)
    stepped = Laboratory(model, parameters=others, backend="numpy").run(protocols(1.5, calcium=1.6), record=1 * ms)
    for name in stepped:
        np.testing.assert_allclose(compiled[name], stepped[name], rtol=1e-6, atol=1e-9, err_msg=str(name))
    assert not np.allclose(compiled["after"], compiled["before"])


def test_two_spikes_in_one_time_step_are_refused() -> None:
    twice = Protocol("burst", pre=(10.0, 10.04))
    with pytest.raises(InputError, match="burst: two pre spikes fall into one time step of 0.1 ms"):
        Laboratory("error-correcting", backend="numpy").run([twice])
    touching = Protocol("train", post=(0.0, 99.9999), trains=2, period=0.1)
    with pytest.raises(InputError, match="train: two post spikes fall into one time step"):
        Laboratory("error-correcting", backend="numpy", step=0.2 * ms).run([touching])


def test_times_between_steps_fall_into_the_nearest_one_and_that_is_said() -> None:
    """A spike sampled at 30 kHz, at 10.0667 ms, falls at 10.1 ms and not at 10.0; at steps of the samples, nowhere."""
    between, on = Protocol("between", pre=(302 / 30,), period=0.05), Protocol("on", pre=(10.1,), period=0.05)
    lab = Laboratory("error-correcting", backend="numpy", parameters={"epsp_height": 5 * mV})
    moved, same = (lab.run([each], record=0.1 * ms) for each in (between, on))
    np.testing.assert_array_equal(moved["voltage"], same["voltage"])
    assert moved.attrs["largest_spike_shift_ms"] == pytest.approx(0.1 / 3)
    assert same.attrs["largest_spike_shift_ms"] == 0


@pytest.mark.parametrize("backend", ["numpy", "cpp_standalone"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_that_overflow_stop_it_and_are_named(backend: str) -> None:
    lab = Laboratory("linear", backend=backend, parameters={"eta": 1e308 * nS / second, "g_calcium": 1e12 / mV})
    quiet = Protocol("quiet", (), (10.0,), trains=4, period=0.1)
    with pytest.raises(InputError, match=r"^\w+ in protocol 'pairs' became (nan|inf) within the .* before 0.\d s: "):
        lab.run([quiet, *protocols()])
