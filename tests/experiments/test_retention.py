"""What the retention experiment measures, from rate networks whose weights fade by a known share at every event."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import retention
from neurofwp.program import over_conditions
from neurofwp.rate import RateNetwork
from neurofwp.slownet import FixedEncoder
from neurofwp.spiking import SpikingNetwork
from neurofwp.tasks import digit_pairs
from neurofwp.transforms.selection import most_varied

SETTINGS = retention.Settings(
    regimes=("decay",), holds=(0.0, 1.2, 2.4), background=(6.0,), turnover=(2.0,), pairs=3, episodes=2, pixels=4
)
SLOT = 0.6  # s: a phase of 500 ms and its pause


def program(kind: str = "silence", level: float = 0.0) -> xr.Dataset:
    task = digit_pairs(SETTINGS.pairs, SETTINGS.episodes, seed=1)
    pairs = most_varied(FixedEncoder(pre=40, active=4, seed=1)(task), SETTINGS.pixels)
    return retention._program(SETTINGS, pairs, SpikingNetwork("decay", key_cells="poisson"), kind, level)


def fading(made: xr.Dataset, tau: float) -> xr.Dataset:
    parameters = {"decay": float(np.exp(-SLOT / tau))}
    return RateNetwork("fixed_decay", parameters=parameters, on_off=True, units="nS").run(made)


def test_delays_are_as_long_as_was_asked_and_only_readings_count() -> None:
    made = program()
    assert made["block"].values.tolist() == [-1] * 3 + [0] * 3 + [-1] * 2 + [1] * 3 + [-1] * 4 + [2] * 3
    np.testing.assert_array_equal(made["target"].notnull().all(("episode", "post")), made["block"] >= 0)
    silent = made.isel(event=[6, 7, 11, 12, 13, 14])
    assert not silent["key"].any()
    assert not silent["query"].any()


def test_background_firing_has_its_mean_rate_over_the_whole_delay() -> None:
    made = program("background", 6.0)
    circuit = SpikingNetwork("decay").circuit
    peak, rest = float(circuit["key_peak_rate"]), float(circuit["key_rest_rate"])
    query = made["query"].isel(event=6).values
    rate = (0.5 * (rest + query * (peak - rest)) + 0.1 * rest) / SLOT
    np.testing.assert_allclose(rate, 6.0, atol=rest)
    np.testing.assert_array_equal(made["query"].isel(event=slice(3, 6)), program()["query"].isel(event=slice(3, 6)))
    with pytest.raises(InputError, match="more than the peak rate"):
        program("background", 59.0)


def test_weights_and_recall_fade_as_the_rule_says() -> None:
    made, tau = program(), 3.0
    curve = retention._curve(made, fading(made, tau))
    np.testing.assert_allclose(curve["weight_age"], [0, 5 * SLOT, 12 * SLOT])
    expected = np.exp(-curve["weight_age"] / tau)
    np.testing.assert_allclose(curve["mean_weight"], expected.broadcast_like(curve["mean_weight"]), rtol=1e-9)
    # between the middle of the writes, at their end, and the middle of the reads, at their beginning
    np.testing.assert_allclose(curve["age"], [3 * SLOT - 0.5, 8 * SLOT - 0.5, 15 * SLOT - 0.5])
    r2 = curve["r2"].mean("episode").values
    assert r2[0] > 0.6 > r2[1] > r2[2]
    # 2 events of delay, and 4, would read 3 pairs 2/3 and 4/3 of a time
    np.testing.assert_allclose(curve["passes"], [1, 1 + 2 / 3 + 1, 2 + 2 / 3 + 4 / 3 + 1])


def test_without_fading_no_delay_does_anything() -> None:
    made = program()
    curve = retention._curve(made, fading(made, np.inf))
    np.testing.assert_allclose(curve["mean_weight"], 1, rtol=1e-12)
    np.testing.assert_allclose(curve["r2"], curve["r2"].isel(block=0).broadcast_like(curve["r2"]), rtol=1e-9)


@pytest.mark.parametrize("rule", retention.RULES)
def test_a_rule_fitted_to_the_first_events_knows_the_last_ones(rule: str) -> None:
    made = program()
    both = xr.concat([made, made], dim="condition", data_vars="all", combine_attrs="override")
    both = both.assign_coords(kind=("condition", ["silence", "turnover"]))
    trace = xr.concat([fading(made, 6.0), fading(made, 2.0)], dim="condition", combine_attrs="override")
    seen = over_conditions(retention._curve, both, trace)
    predicted = retention._predicted(rule, both, trace, seed=0)
    np.testing.assert_allclose(predicted["tau"], [6.0, 2.0], rtol=1e-3)
    np.testing.assert_allclose(predicted["mean_weight"], seen["mean_weight"], rtol=1e-2)
    np.testing.assert_allclose(predicted["r2"], seen["r2"], atol=1e-2)


def test_turnover_is_that_of_the_model_unless_it_is_the_question() -> None:
    conditions = retention._conditions(SETTINGS, "decay", "closed")
    assert list(conditions) == ["silence", "background 6 Hz", "reads", "turnover 2 s"]
    assert list(retention._conditions(SETTINGS, "thresholds", "closed")) == ["silence", "background 6 Hz", "reads"]
    own = retention._turnover(SpikingNetwork("decay"), conditions)["tau_turnover"]
    assert own["condition"].values.tolist() == list(conditions)
    np.testing.assert_allclose(own, [6, 6, 6, 2])


def test_erasure_follows_the_closed_form() -> None:
    settings = retention.Settings(rates=(5.0, 20.0))
    table = retention._erasure(settings, "graupner-brunel-cortical-slice", seed=0)
    # an average over synapses of an exponential is above that of its exponent: the more, the fewer spikes it takes
    excess = table["tau"] - table["tau_closed"]
    assert (abs(excess) < 3.3 * table["tau_sem"] + 0.03 * table["tau_closed"]).all()
    assert float(table["tau_closed"].sel(rate=20)) == pytest.approx(1.3, rel=0.1)  # of the published set
    assert float(table["tau_closed"].sel(rate=5)) > 5 * float(table["tau_closed"].sel(rate=20))


def test_the_experiment_refuses_what_it_cannot_measure() -> None:
    with pytest.raises(InputError, match="3 holds"):
        retention.run(retention.Settings(holds=(0.0, 1.0)), seed=0, device="cpu")
    with pytest.raises(InputError, match="above 0 Hz"):
        retention.run(retention.Settings(background=(0.0,)), seed=0, device="cpu")
    with pytest.raises(InputError, match="above 0 Hz"):
        retention.run(retention.Settings(rates=(0.0, 1.0)), seed=0, device="cpu")
