"""What the retention experiment measures, from rate networks whose weights fade by a known share at every event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import retention
from neurofwp.metrics import retention_curve
from neurofwp.rate import RateNetwork
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking import SpikingNetwork, jobs as spiking_jobs
from neurofwp.spiking.jobs import Job
from neurofwp.tasks import digit_pairs
from neurofwp.transforms.selection import keep_most_varied

SETTINGS = retention.Settings(
    synapses=("decay",), holds=(0.0, 1.2, 2.4), background=(6.0,), turnover=(2.0, 3.0), pairs=3, episodes=2, pixels=4
)
SLOT = 0.6  # s: a phase of 500 ms and its pause
NETWORK = SpikingNetwork("decay", key_cells="poisson")


def programs(gate: str = "closed") -> xr.Dataset:
    task = digit_pairs(SETTINGS.pairs, SETTINGS.episodes, seed=1)
    pairs = keep_most_varied(FixedEncoder(pre=40, active=4, seed=1)(task), SETTINGS.pixels)
    delays = retention.list_delays(SETTINGS, "decay", gate)
    written: xr.Dataset = retention.write_programs(pairs, SETTINGS.holds, NETWORK, delays)
    return written


def fade(program: xr.Dataset, tau: float) -> xr.Dataset:
    parameters = {"decay": float(np.exp(-SLOT / tau))}
    return RateNetwork("fixed_decay", parameters=parameters, on_off=True, units="nS").run(program)


def fade_by_turnover(program: xr.Dataset) -> xr.Dataset:
    """Traces (condition) that fade with 6 s, or with the turnover of the condition."""
    levels = zip(program["kind"].values.tolist(), program["level"].values.tolist(), strict=True)
    each = [
        fade(program.isel(condition=number, drop=True), level if kind == "turnover" else 6.0)
        for number, (kind, level) in enumerate(levels)
    ]
    return xr.concat(each, dim="condition", combine_attrs="override", coords="minimal", compat="override")


def test_background_firing_has_its_mean_rate_over_the_whole_delay() -> None:
    program = programs()
    peak, rest = float(NETWORK.circuit["key_peak_rate"]), float(NETWORK.circuit["key_rest_rate"])
    query = program["query"].sel(condition="background 6 Hz").isel(event=6).values
    rate = (0.5 * (rest + query * (peak - rest)) + 0.1 * rest) / SLOT
    np.testing.assert_allclose(rate, 6.0, atol=rest)
    with pytest.raises(InputError, match="more than the peak rate"):
        retention.background_query(NETWORK, 59.0, 500.0)


def test_delays_are_silent_but_for_background_firing_and_reads() -> None:
    program = programs()
    fires = program["query"].isel(event=6).any(("episode", "pre"))
    assert program["condition"].values[fires.values].tolist() == ["background 6 Hz", "reads"]
    same = program["query"].isel(event=slice(3, 6))
    np.testing.assert_array_equal(same, same.isel(condition=0).broadcast_like(same))


@pytest.mark.parametrize("rule", retention.SURVIVAL)
def test_a_rule_fitted_to_the_first_events_knows_the_last_ones(rule: str) -> None:
    program = programs()
    trace = fade_by_turnover(program)
    predicted = retention.predict(rule, program, trace, seed=0)
    silent = ["silence", "turnover 2 s", "turnover 3 s"]
    assert predicted["condition"].values.tolist() == silent
    measured = retention_curve(program, trace).sel(condition=silent)
    np.testing.assert_allclose(predicted["tau"], [6.0, 2.0, 3.0], rtol=1e-3)
    np.testing.assert_allclose(predicted["mean_weight"], measured["mean_weight"], rtol=1e-2)
    np.testing.assert_allclose(predicted["r2"], measured["r2"], atol=1e-2)


def test_turnover_is_that_of_the_model_unless_it_is_the_question() -> None:
    delays = retention.list_delays(SETTINGS, "decay", "closed")
    assert list(delays) == ["silence", "background 6 Hz", "reads", "turnover 2 s", "turnover 3 s"]
    assert list(retention.list_delays(SETTINGS, "thresholds", "closed")) == ["silence", "background 6 Hz", "reads"]
    own = retention.turnover_conditions(SpikingNetwork("decay"), delays)["tau_turnover"]
    assert own["condition"].values.tolist() == list(delays)
    np.testing.assert_allclose(own, [6, 6, 6, 2, 3])


@contextmanager
def pretend(jobs: Sequence[Job], **_: Any) -> Iterator[Callable[[str], xr.Dataset]]:
    """Rate networks that forget, in place of spiking ones."""
    yield {job.name: fade_by_turnover(job.program) for job in jobs}.__getitem__


def test_tables_have_every_reading_and_every_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spiking_jobs, "start", pretend)
    settings = replace(SETTINGS, synapses=("decay", "thresholds"), ungated=())
    result = retention.run(settings, seed=1, device="cpu")
    numbers = retention.EXPERIMENT.summary(result)
    r2 = result["curves/closed/thresholds"]["r2"].sel(condition="reads").isel(block=2)
    assert numbers["gate_closed.thresholds.reads.2.r2"] == pytest.approx(float(r2.mean()))
    assert numbers["gate_closed.thresholds.reads.2.r2.sem"] == pytest.approx(float(r2.std(ddof=1)) / 2**0.5)
    age = result["curves/closed/decay"]["weight_age"].values
    for block in range(3):
        assert numbers[f"gate_closed.decay.{block}.weight_age"] == age[block]
        for tau in (2, 3):
            weight = pytest.approx(np.exp(-age[block] / tau), rel=1e-2)
            assert numbers[f"turnover.{tau}.{block}.mean_weight"] == weight
            assert numbers[f"predicted_turnover.scalar_decay.{tau}.{block}.mean_weight"] == weight
    assert numbers["predicted.fixed_decay.decay.tau"] == pytest.approx(6, rel=1e-3)
    assert np.isfinite([each for key, each in numbers.items() if not key.endswith("passes")]).all()
    assert not any(".silence." in key for key in numbers if key.startswith("gate_open"))
    assert set(retention.plot(result)) == {"retention"}
    without = retention.tables(retention.run(replace(settings, synapses=("thresholds",)), seed=1, device="cpu"))
    assert set(without) == {"gate_closed", "gate_open", "predicted"}


def test_the_experiment_refuses_what_it_cannot_measure() -> None:
    with pytest.raises(InputError, match="3 holds"):
        retention.run(retention.Settings(holds=(0.0, 1.0)), seed=0, device="cpu")
    with pytest.raises(InputError, match="above 0 Hz"):
        retention.run(retention.Settings(background=(0.0,)), seed=0, device="cpu")
    with pytest.raises(InputError, match="above 0 Hz"):
        retention.run(retention.Settings(rates=(0.0, 1.0)), seed=0, device="cpu")
