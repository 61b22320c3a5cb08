"""The power of a Program to tell rules apart."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from neurofwp.errors import InputError
from neurofwp.identification.power import critical_value, power, separation

from .programs import reassigned

RULES = {"hebbian": {"rate": 0.6}, "outstar": {"rate": 1.5, "scale": 0.6}, "delta": {"rate": 0.6}}


def test_power_is_the_share_of_paired_t_tests_that_succeed() -> None:
    rng = np.random.default_rng(0)
    critical = stats.t.ppf(0.95, 7)
    drawn = rng.normal(0.5, 1, (40_000, 8))
    tested = np.sqrt(8) * drawn.mean(1) / drawn.std(1, ddof=1) > critical
    assert separation(0.5 * np.sqrt(8), critical, 8) == pytest.approx(tested.mean(), abs=0.01)
    assert separation(0.0, critical, 8) == pytest.approx(0.05)


def test_the_critical_value_lies_between_one_test_and_independent_ones() -> None:
    rng = np.random.default_rng(1)
    independent = rng.standard_normal((400, 5))
    one = stats.t.ppf(0.95, 9)
    assert critical_value(independent[:, :1], 10, rng) == pytest.approx(one)
    assert critical_value(np.repeat(independent[:, :1], 5, axis=1), 10, rng) == pytest.approx(one, rel=0.03)
    several = critical_value(independent, 10, rng)
    drawn = rng.standard_normal((40_000, 5)) / np.sqrt(rng.chisquare(9, (40_000, 1)) / 9)
    assert several == pytest.approx(np.quantile(drawn.max(1), 0.95), rel=0.05)
    still = np.column_stack([independent[:, 0], np.zeros(400)])
    assert critical_value(still, 10, rng) == pytest.approx(one)


def test_many_episodes_separate_what_few_do_not() -> None:
    few, many = (power(reassigned(8), RULES, 0.6, n, seed=0, runs=4, restarts=1) for n in (2, 200))
    apart = ~np.eye(3, dtype=bool)
    apart[0, 2] = False  # delta, without its prediction, is hebbian
    assert (many["power"].values[apart] > 0.99).all()
    assert (few["power"].values[apart] < many["power"].values[apart]).all()
    for found in (few, many):
        chance = np.diagonal(found["power"].values)
        assert (chance <= 0.06).all()
        assert (chance > 0.01).all()
        np.testing.assert_allclose(np.diagonal(found["distance"].values), 0, atol=1e-12)
        assert (found["distance"].values[apart] > 0.002).all()


def test_a_rule_that_contains_the_truth_cannot_be_told_from_it() -> None:
    found = power(reassigned(8), {"hebbian": {"rate": 0.6}, "fixed_decay": {"rate": 0.6, "decay": 0.8}}, 0.3, 50)
    assert float(found["distance"].sel(truth="hebbian", rival="fixed_decay")) < 1e-6
    assert float(found["power"].sel(truth="hebbian", rival="fixed_decay")) <= 0.06
    assert float(found["power"].sel(truth="fixed_decay", rival="hebbian")) > 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": {"delta": {}}}, "needs 2 rules"),
        ({"episodes": 1}, "2 episodes to judge"),
        ({"noise": 0.0}, "above 0, not 0"),
    ],
)
def test_what_has_no_power_is_refused(change: dict[str, object], message: str) -> None:
    given = {"rules": RULES, "noise": 0.3, "episodes": 10} | change
    with pytest.raises(InputError, match=message):
        power(reassigned(4), **given)


def test_the_norm_of_keys_does_not_count() -> None:
    """Keys are written at norm one, whatever the Program says."""
    one = reassigned(4)
    scaled = one.copy()
    size = xr.DataArray(np.random.default_rng(0).uniform(0.5, 2, (4, 10)), dims=("episode", "event"))
    scaled["key"] = (one["key"] * size).transpose(*one["key"].dims)
    pair = {"outstar": RULES["outstar"], "delta": RULES["delta"]}
    first, second = (power(each, pair, 0.3, 10, runs=1, restarts=1) for each in (one, scaled))
    xr.testing.assert_allclose(first["distance"], second["distance"], rtol=1e-3)
