"""Rate networks of known rules, noisy: the fits must find which rule it was, and its parameters."""

from functools import partial

import numpy as np
import pytest
import xarray as xr

from neurofwp import identification, program, rules
from neurofwp.errors import InputError
from neurofwp.identification import fit, verdict
from neurofwp.rate import RateNetwork

from .programs import POST, PRE, TRUTH, noisy, task, with_noisy_keys

identify = partial(identification.identify, references=False)  # tests/identification/test_reference.py has them

RIVALS = {
    "hebbian": ["fixed_decay", "delta", "outstar"],
    "fixed_decay": ["hebbian", "scalar_decay", "delta"],
    "scalar_decay": ["hebbian", "fixed_decay", "delta"],
    "delta": ["hebbian", "gated_delta", "outstar"],
    "gated_delta": ["fixed_decay", "delta", "outstar"],
    "soft_bound": ["hebbian", "delta", "outstar"],
    "outstar": ["hebbian", "delta", "soft_bound"],
    "calcium_threshold": ["delta", "soft_bound", "outstar"],
    "oja": ["hebbian", "scalar_decay", "delta"],
}


@pytest.mark.parametrize("truth", TRUTH)
def test_the_rule_and_its_parameters_are_recovered(truth: str) -> None:
    given = task()
    clean = RateNetwork(truth, parameters=TRUTH[truth], on_off=True, bounds=(0, np.inf)).run(given)
    one, other = (noisy(clean, 0.05, seed) for seed in (1, 2))
    fits = identify(given, one, [truth, *RIVALS[truth]], repeat=other, restarts=4, progress=False)
    said = verdict(fits)
    assert said.names(truth), said.sentence
    assert all(each == truth or truth in rules.get(each).nests for each in said.rules), "only rules that contain it"
    assert fits["feve"].sel(rule=truth) == pytest.approx(1, abs=0.005)
    for name, number in TRUTH[truth].items():
        found = float(fits["parameter_value"].sel(rule=truth, parameter=name))
        assert found == pytest.approx(number, rel=0.1, abs=0.01), name


def test_signed_weights_are_fitted_without_a_clamp() -> None:
    given = task(seed=1)
    clean = RateNetwork("delta", parameters=TRUTH["delta"]).run(given)
    fits = identify(given, clean, ["hebbian", "delta"], restarts=2, progress=False)
    assert verdict(fits).rules == ("delta",)
    assert fits["verdict"].item() == "adequacy unknown"
    assert fits["r2"].sel(rule="delta") > 1 - 1e-6
    assert np.isnan(fits["noise_ceiling"])
    assert np.isnan(fits["feve"]).all()


def test_no_rule_is_fitted_worse_than_one_nested_in_it() -> None:
    given = task(seed=2)
    clean = RateNetwork("soft_bound", parameters=TRUTH["soft_bound"], on_off=True).run(given)
    ids = ["gated_delta", "delta", "hebbian", "scalar_decay", "fixed_decay"]
    fits = identify(given, noisy(clean, 0.3, 1), ids, restarts=1, progress=False)
    assert list(fits["rule"].values) == ids, "the order asked for"
    for outer in ids:
        for inner in set(rules.get(outer).nests) & set(ids):
            assert fits["train_r2"].sel(rule=outer) >= fits["train_r2"].sel(rule=inner) - 1e-9


def test_a_rule_that_follows_the_retention_is_told_from_one_that_does_not() -> None:
    given = task(seed=3)
    given["retention"] = given["retention"] * np.tile([1.0, 0.7], 6)
    clean = RateNetwork("scalar_decay", on_off=True).run(given)
    fits = identify(
        given, noisy(clean, 0.05, 1), ["hebbian", "fixed_decay", "scalar_decay"], restarts=2, progress=False
    )
    assert verdict(fits).rules == ("scalar_decay",)


def test_noise_that_all_targets_of_a_cell_share_rejects_no_true_rule() -> None:
    for seed in range(5):
        given = task(seed=10 + seed)
        runs = [with_noisy_keys(given, 2 * seed + number) for number in range(2)]
        fits = identify(
            given, runs[0], ["hebbian", "delta"], repeat=runs[1], unit_keys=True, restarts=2, progress=False
        )
        assert "hebbian" in verdict(fits).rules


def test_scores_are_what_they_say() -> None:
    """Against sums written out here, for a rule whose increments are a product of the Program's signals."""
    given = task(seed=5)
    clean = RateNetwork("hebbian", parameters={"rate": 0.5}, on_off=True).run(given)
    one, other = noisy(clean, 0.2, 1), noisy(clean, 0.2, 2)
    options = {"train": [1, 4], "restarts": 1, "nonnegative": False, "progress": False}
    fits = identify(given, one, ["hebbian"], repeat=other, **options)
    held = [0, 2, 3, 5]
    assert list(fits["unit"]) == held
    rate, offset = (float(fits["parameter_value"].sel(rule="hebbian", parameter=n)) for n in ("rate", "value_offset"))
    key = given["key"] / ((given["key"] ** 2).sum("pre") ** 0.5).where(lambda norm: norm > 0, 1)
    written = rate * given["write_gate"] * (program.on_off(given) + offset) * key
    step = written.transpose(*one["conductance"].dims).values[held]
    a, b = (
        np.diff(each["conductance"].values[held], axis=1, prepend=np.zeros((4, 1, 2, POST, PRE)))
        for each in (one, other)
    )
    seen = np.broadcast_to((given["key"].values[held] != 0).cumsum(axis=1)[:, :, None, None] > 0, a.shape)
    a, b, step = a[seen], b[seen], step[seen]
    mean = (a.mean() + b.mean()) / 2
    unexplained = ((a - step) * (b - step)).sum() / ((a - mean) * (b - mean)).sum()
    assert fits["unexplained"].sel(measure="increments", model="hebbian").item() == pytest.approx(unexplained, rel=1e-9)
    assert fits["feve"].item() == pytest.approx(1 - unexplained, rel=1e-9)
    assert fits["r2"].item() == pytest.approx(1 - ((a - step) ** 2).sum() / ((a - a.mean()) ** 2).sum(), rel=1e-9)
    spread = (((a - mean) ** 2).sum() + ((b - mean) ** 2).sum()) / 2
    assert fits["noise_ceiling"].item() == pytest.approx(((a - mean) * (b - mean)).sum() / spread, rel=1e-9)
    assert fits["low"] < fits["feve"] < fits["high"]


def test_half_of_one_rule_and_half_of_another_is_a_mixture() -> None:
    given = task(seed=5)
    both = [RateNetwork(rule, parameters=TRUTH[rule], on_off=True).run(given) for rule in ("delta", "outstar")]
    mean = both[0].assign(conductance=((both[0]["conductance"] + both[1]["conductance"]) / 2).assign_attrs(units="1"))
    runs = [noisy(mean, 0.03, seed) for seed in (1, 2)]
    fits = identify(given, runs[0], ["hebbian", "delta", "outstar"], repeat=runs[1], restarts=3, progress=False)
    said = verdict(fits)
    assert said.kind in ("mixture", "none"), said.sentence
    assert said.mixture is not None
    assert {said.mixture.first, said.mixture.second} == {"delta", "outstar"}
    assert not said.names("delta")


def test_a_rule_outside_the_library_is_none_of_these() -> None:
    """A delta rule that sees only the sign of its error."""
    given = task(seed=5, episodes=8)
    key = (given["key"] / ((given["key"] ** 2).sum("pre") ** 0.5).where(lambda norm: norm > 0, 1)).values
    value, gate = given["value"].values, given["write_gate"].values
    weight = np.zeros((8, 12, POST, PRE))
    now = np.zeros((8, POST, PRE))
    for event in range(12):
        error = np.sign(value[:, event] - np.einsum("eij,ej->ei", now, key[:, event]))
        now = now + 0.3 * gate[:, event, None, None] * error[:, :, None] * key[:, event, None]
        weight[:, event] = now
    template = RateNetwork("hebbian").run(given)
    rng = np.random.default_rng(0)
    runs = [
        template.assign(weight=template["weight"].copy(data=weight + 0.01 * rng.normal(size=weight.shape)))
        for _ in range(2)
    ]
    fits = identify(given, runs[0], ["hebbian", "delta", "outstar"], repeat=runs[1], restarts=3, progress=False)
    assert fits["verdict"].item() == "none", fits["sentence"].item()


def test_rules_that_nothing_tells_apart_are_a_class() -> None:
    """Disjoint keys, each written once: seven rules write the same."""
    rng = np.random.default_rng(0)
    key = np.zeros((6, 5, PRE))
    for episode in key:
        for event, cells in enumerate(rng.permutation(PRE).reshape(5, 6)):
            episode[event, cells] = 1
    given = program.from_arrays(key, rng.uniform(-1, 1, (6, 5, POST)), write_gate=np.ones((6, 5)))
    clean = RateNetwork("delta", on_off=True, bounds=(0, np.inf)).run(given)
    runs = [noisy(clean, 0.05, seed) for seed in (1, 2)]
    names = ["hebbian", "delta", "gated_delta", "outstar", "soft_bound"]
    fits = identify(given, runs[0], names, repeat=runs[1], restarts=2, progress=False)
    said = verdict(fits)
    assert said.kind == "class", said.sentence
    assert set(said.rules) >= {"hebbian", "delta", "gated_delta"}


def test_the_same_seed_gives_the_same_fits() -> None:
    given = task(seed=6)
    run = noisy(RateNetwork("outstar", on_off=True).run(given), 0.2, 1)
    first, second = (identify(given, run, ["hebbian", "outstar"], restarts=2, progress=False) for _ in range(2))
    xr.testing.assert_identical(first, second)


def test_units_do_not_matter() -> None:
    given = task(seed=7)
    run = noisy(RateNetwork("delta", parameters=TRUTH["delta"], on_off=True).run(given), 0.1, 1)
    small = run.assign(conductance=(run["conductance"] * 1e-3).assign_attrs(units="uS"))
    one, other = (fit("delta", given, each, train=[0, 1, 2], restarts=2) for each in (run, small))
    assert other.r2 == pytest.approx(one.r2, rel=1e-6)
    for p in rules.get("delta").parameters:
        assert other.parameters[p.name] == pytest.approx(
            one.parameters[p.name] * 1e-3**p.weight_power, rel=1e-3, abs=1e-9
        )


def bad_runs() -> dict[str, tuple]:
    given = task(seed=8)
    run = RateNetwork("hebbian", on_off=True).run(given)
    nan = run.assign(
        conductance=run["conductance"].where((run["pre"] > 0) | (run["event"] > 0)).assign_attrs(units="1")
    )
    return {
        "has no variable 'key'": (given.drop_vars("key"), run, {}),
        "the Trace has 30 along 'pre', but its Program has 29": (given.isel(pre=slice(29)), run, {}),
        "there is only 1": (given.isel(episode=[0]), run.isel(episode=[0]), {}),
        "NaN may stand for whole events": (given, nan, {}),
        "the Program writes nothing": (given.assign(write_gate=given["write_gate"] * 0), run, {}),
        "too short to be split by time": (given.isel(event=[0, 1]), run.isel(event=[0, 1]), {"split_by": "time"}),
        "unknown split 'tim'": (given, run, {"split_by": "tim"}),
        "oja ties the weights": (given, run, {"rules": ["oja"], "split_by": "post"}),
        "noise must be above 0": (given, run, {"noise": 0.0}),
        "is 0 everywhere": (given, run.map(lambda x: (x * 0).assign_attrs(x.attrs), keep_attrs=True), {}),
        "unknown drive 'measurd'; did you mean 'measured'": (given, run, {"drive": "measurd"}),
        "needs pre_rate": (given, run, {"drive": "measured"}),
        "needs dendrite": (given, run.assign(pre_rate=given["key"]), {"drive": "measured-both"}),
        "unknown rule 'dleta'": (given, run, {"rules": ["dleta"]}),
        "rules must name": (given, run, {"rules": []}),
        "train must name": (given, run, {"train": range(6)}),
        "same run": (given, run, {"repeat": run}),
        "restarts must be 1 or more": (given, run, {"restarts": 0}),
        "not a Trace": (given, given, {}),
    }


@pytest.mark.parametrize("message", bad_runs())
def test_bad_input(message: str) -> None:
    given, run, options = bad_runs()[message]
    with pytest.raises(InputError, match=message):
        identify(given, run, **({"rules": ["hebbian"], "progress": False} | options))


def test_fit_refuses_episodes_that_are_not_there() -> None:
    given = task(seed=9)
    with pytest.raises(InputError, match="train must name one or more of the episodes 0 to 5"):
        fit("hebbian", given, RateNetwork("hebbian").run(given), train=[6])


def test_where_the_verdict_leaves_no_rule_the_one_that_predicts_best_is_given() -> None:
    given = task(seed=3)
    made = RateNetwork("delta", on_off=True).run(given)
    fits = identify(given, made, ["hebbian", "delta"], restarts=1, progress=False)
    none = fits.assign(best=fits["best"] & False)
    assert identification.best_fit(none)["rule"].item() == "delta"
    diverged = none.assign(r2=none["r2"] * np.nan)
    assert identification.best_fit(diverged)["rule"].item() in ("hebbian", "delta")


@pytest.mark.parametrize("outer", ["key_decay", "interpolating"])
def test_rules_that_nest_an_exact_truth_are_fitted_beside_it(outer: str) -> None:
    """Both leave rounding alone, and which of them leaves less is up to it."""
    given = task(seed=0)
    clean = RateNetwork("hebbian", parameters={"rate": 0.6}, on_off=True).run(given)
    fits = identify(given, clean, ["hebbian", outer], restarts=2, progress=False)
    assert float(fits["r2"].sel(rule="hebbian")) == pytest.approx(1, abs=1e-9)
