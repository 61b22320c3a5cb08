"""Model recovery: what is disturbed, how verdicts are counted, and rules that are found again."""

import numpy as np
import pytest
import xarray as xr

from neurofwp import program
from neurofwp.errors import InputError
from neurofwp.identification import Fit, candidates, fitted_network
from neurofwp.identification.fit_rule import predict
from neurofwp.identification.preparation import prepare
from neurofwp.identification.recovery import (
    TRUE,
    classes,
    diagonal,
    disturb,
    network_of,
    parameter_error,
    recover,
    truth,
)  # fmt: skip
from neurofwp.rules import Rule, get


def task(episodes: int = 6) -> xr.Dataset:
    """Keys of 6 of 24 cells; five pairs, two of them reassigned; then reads with the gate closed."""
    rng = np.random.default_rng(0)
    order = np.array([0, 1, 2, 3, 4, 1, 0, 3, 1, 2])
    writes = np.arange(10) < 7
    key = np.zeros((episodes, 10, 24))
    for episode in range(episodes):
        keys = np.zeros((5, 24))
        for pair in keys:
            pair[rng.choice(24, 6, replace=False)] = 1
        key[episode] = keys[order]
    value = rng.uniform(-1, 1, (episodes, 10, 4))
    return program.from_arrays(key * writes[:, None], value, query=key * ~writes[:, None], write_gate=writes * 1.0)


def test_disturbance_keeps_means_and_has_the_variation_that_is_asked_for() -> None:
    clean = program.from_arrays(np.ones((50, 40, 25)), np.zeros((50, 40, 30)))
    noisy = disturb(clean, 0.3, np.random.default_rng(0))
    key, value = noisy["key"].values, noisy["value"].values
    assert key.mean() == pytest.approx(1 / 5, rel=0.01)  # of unit norm: 25 cells
    assert key.std() / key.mean() == pytest.approx(0.3, rel=0.02)
    assert value.std() == pytest.approx(0.3 * 0.5, rel=0.02)  # both pools are driven by a half
    xr.testing.assert_identical(noisy["query"], clean["query"])
    none = disturb(clean, 0.0, np.random.default_rng(0))
    np.testing.assert_allclose(none["key"].values, 1 / 5)
    with pytest.raises(InputError, match="0 or more, not -1"):
        disturb(clean, -1, np.random.default_rng(0))


def test_true_parameters_lie_within_the_domain_of_their_rule() -> None:
    for name, spans in TRUE.items():
        rule = get(name)
        every = (*rule.parameters, *rule.fitted_with)
        assert spans.keys() <= {parameter.name for parameter in every}
        drawn = truth(name, np.random.default_rng(1))
        for parameter in (each for each in every if each.name != rule.timed_by):
            assert parameter.domain[0] <= drawn[parameter.name] <= parameter.domain[1]


def test_calcium_reaches_the_same_shares_of_its_thresholds_where_more_cells_are_active() -> None:
    """Keys of 10 and of 40 cells, of norm one: cells of the latter are half as active."""
    key = np.zeros((1, 2, 50))
    key[0, 0, :10] = 1
    few = program.from_arrays(key[:, :1], np.zeros((1, 1, 1)))
    key[0, 1, :40] = 1
    many = program.from_arrays(key[:, 1:], np.zeros((1, 1, 1)))
    of_ten, of_few, of_many = (
        truth("calcium_threshold", np.random.default_rng(0), given) for given in (None, few, many)
    )
    assert of_few == pytest.approx(of_ten)
    for name in ("theta_p", "theta_d", "slope", "w_max"):
        assert of_many[name] == pytest.approx(of_ten[name] / 2)
    for name in ("rate_p", "rate_d"):
        assert of_many[name] == pytest.approx(of_ten[name] * 2)
    assert of_many["drive_offset"] == of_ten["drive_offset"]


@pytest.mark.parametrize("rule", candidates(), ids=lambda rule: rule.id)
def test_every_rule_that_competes_leaves_weights_that_vary(rule: Rule) -> None:
    rng = np.random.default_rng(1)
    trace = network_of(rule, truth(rule, rng)).run(disturb(task(episodes=2), 0.1, rng))
    assert float(trace["weight"].std()) > 0.01


def test_classes_join_what_is_confused_by_way_of_others() -> None:
    chosen = xr.DataArray(
        [[0.9, 0.1, 0, 0], [0, 1, 0, 0], [0, 0.2, 0.8, 0], [0, 0.02, 0, 0.98]],
        dims=("truth", "rule"),
        coords={"truth": list("abcd"), "rule": list("abcd")},
    )
    found = classes(chosen)
    assert found == [["a", "b", "c"], ["d"]]
    np.testing.assert_allclose(diagonal(chosen, found), [1, 1, 1, 0.98])
    np.testing.assert_allclose(diagonal(chosen, [[each] for each in "abcd"]), [0.9, 1, 0.8, 0.98])


def test_rules_are_recovered_with_their_parameters() -> None:
    found = recover(
        task(16), ["hebbian", "fixed_decay", "delta", "outstar"], noises=(0.15,), draws=1, restarts=2, seed=1
    )
    chosen = found["chosen"].isel(noise=0, draw=0)
    assert all(chosen.sel(truth=name, rule=name) > 0 for name in found["truth"].values)
    assert (found["outcome"] == "right").all(), "hebbian, too: in a class with the rules that contain it"
    assert chosen.sel(truth="delta", rule="delta") == chosen.sel(truth="outstar", rule="outstar") == 1
    assert ((found["noise_ceiling"] > 0.8) & (found["noise_ceiling"] < 0.995)).all()
    assert float(parameter_error(found).median()) < 0.1
    np.testing.assert_allclose(found["feve"], 1, atol=0.03)


@pytest.mark.parametrize("rule", [each for each in candidates() if each.clampable], ids=lambda rule: rule.id)
def test_the_network_of_a_fit_runs_what_the_fit_predicts(rule: Rule) -> None:
    given = disturb(task(episodes=2), 0.0, np.random.default_rng(0))
    parameters = truth(rule, np.random.default_rng(1), given)
    fitted = Fit(rule, parameters | ({} if rule.absorbs_offset else {"value_offset": 0.1}), 0.0, 1.0)
    run = fitted_network(fitted, "1", unit_keys=True).run(given)
    predicted = predict(fitted, prepare(given, run, unit_keys=True)).numpy()
    made = run["conductance"].transpose("episode", "polarity", "event", "post", "pre").values
    assert made.std() > 0.01
    np.testing.assert_allclose(predicted, made, atol=1e-12)
