"""Rate networks of known rules, noisy: the fits must find which rule it was, and its parameters."""

import numpy as np
import pytest
import xarray as xr

from neurofwp import program, rules, trace
from neurofwp.errors import InputError
from neurofwp.identification import fit, identify
from neurofwp.rate import RateNetwork

PRE, POST, ACTIVE, PAIRS = 30, 6, 8, 5

TRUTH = {
    "hebbian": {"rate": 0.6},
    "fixed_decay": {"rate": 0.6, "decay": 0.9},
    "scalar_decay": {"rate": 0.6, "decay_open": 0.85, "decay_closed": 0.97},
    "delta": {"rate": 0.6, "prediction_gain": 1.3, "prediction_threshold": 0.15},
    "gated_delta": {"rate": 0.7, "prediction_gain": 1.2, "prediction_threshold": 0.1, "decay": 0.93},
    "soft_bound": {"g_plus": 1.2, "g_minus": 1.5, "w_max": 0.8},
    "outstar": {"rate": 1.5, "scale": 0.6},
    "calcium_threshold": {
        "rate_p": 1.6, "rate_d": 1.2, "theta_p": 0.5, "theta_d": 0.25, "slope": 0.04, "drive_offset": 0.7, "w_max": 0.9,
    },
    "oja": {"rate": 0.3, "scale": 1.4},
}  # fmt: skip

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


def task(seed: int = 0, episodes: int = 6) -> xr.Dataset:
    """Graded keys that overlap; five pairs, two reassigned, one written twice; then four reads with the gate closed."""
    rng = np.random.default_rng(seed)
    order = np.array([0, 1, 2, 3, 4, 1, 0, 3, 0, 1, 2, 3])
    writes = np.arange(12) < 8
    key = np.zeros((episodes, 12, PRE))
    value = rng.uniform(-1, 1, (episodes, 12, POST))
    for episode in range(episodes):
        keys = np.zeros((PAIRS, PRE))
        for pair in keys:
            pair[rng.choice(PRE, ACTIVE, replace=False)] = rng.uniform(0.5, 1, ACTIVE)
        key[episode] = keys[order]
    value[:, 7] = value[:, 3]
    return program.from_arrays(
        key * writes[:, None], value, query=key * ~writes[:, None], write_gate=writes * rng.uniform(0.6, 1, 12)
    )


def noisy(clean: xr.Dataset, level: float, seed: int) -> xr.Dataset:
    """Conductances with noise of `level` times their standard deviation."""
    clean = clean.copy(deep=True)
    noise = np.random.default_rng(seed).normal(size=clean["conductance"].shape)
    clean["conductance"].values += level * clean["conductance"].values.std() * noise
    return clean


@pytest.mark.parametrize("truth", TRUTH)
def test_the_rule_and_its_parameters_are_recovered(truth: str) -> None:
    given = task()
    clean = RateNetwork(truth, parameters=TRUTH[truth], on_off=True, bounds=(0, np.inf)).run(given)
    one, other = (noisy(clean, 0.05, seed) for seed in (1, 2))
    fits = identify(given, one, [truth, *RIVALS[truth]], repeat=other, restarts=4, progress=False)
    assert list(fits["rule"].values[fits["best"]]) == [truth]
    assert fits["feve"].sel(rule=truth) == pytest.approx(1, abs=0.005)
    for name, number in TRUTH[truth].items():
        found = float(fits["parameter_value"].sel(rule=truth, parameter=name))
        assert found == pytest.approx(number, rel=0.1, abs=0.01), name


def test_signed_weights_are_fitted_without_a_clamp() -> None:
    given = task(seed=1)
    clean = RateNetwork("delta", parameters=TRUTH["delta"]).run(given)
    fits = identify(given, clean, ["hebbian", "delta"], restarts=2, progress=False)
    assert list(fits["rule"].values[fits["best"]]) == ["delta"]
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
        for inner in rules.get(outer).nests:
            assert fits["train_r2"].sel(rule=outer) >= fits["train_r2"].sel(rule=inner) - 1e-9


def test_a_rule_that_follows_the_retention_is_told_from_one_that_does_not() -> None:
    given = task(seed=3)
    given["retention"] = given["retention"] * np.tile([1.0, 0.7], 6)
    clean = RateNetwork("scalar_decay", on_off=True).run(given)
    fits = identify(
        given, noisy(clean, 0.05, 1), ["hebbian", "fixed_decay", "scalar_decay"], restarts=2, progress=False
    )
    assert list(fits["rule"].values[fits["best"]]) == ["scalar_decay"]


def with_noisy_keys(given: xr.Dataset, seed: int) -> xr.Dataset:
    """A Hebbian run in which every presynaptic cell fires more or less than the Program says, at each event."""
    rng = np.random.default_rng(seed)
    norm = (given["key"] ** 2).sum("pre") ** 0.5
    key = given["key"] * np.clip(rng.normal(1, 0.3, given["key"].shape), 0, None)
    unit_size = key / norm.where(norm > 0, 1)
    made = RateNetwork("hebbian", parameters={"rate": 0.5}, on_off=True, unit_keys=False).run(
        given.assign(key=unit_size)
    )
    return made.assign(pre_rate=(60 * key).assign_attrs(units="Hz"))


def test_bic_is_not_fooled_by_noise_that_all_targets_of_a_cell_share() -> None:
    naive = 0
    for seed in range(5):
        given = task(seed=10 + seed, episodes=4)
        fits = identify(
            given,
            with_noisy_keys(given, 2 * seed),
            ["hebbian", "delta"],
            repeat=with_noisy_keys(given, 2 * seed + 1),
            restarts=2,
            progress=False,
        )
        assert list(fits["rule"].values[fits["best"]]) == ["hebbian"]
        raw = 2 * fits.sizes["episode"] // 2 * 12 * 2 * POST * PRE
        per_number = (fits["bic"] - fits["n_parameters"] * np.log(fits["effective_n"])) / fits["effective_n"]
        counted = raw * per_number + fits["n_parameters"] * np.log(raw)
        naive += bool(counted.sel(rule="delta") < counted.sel(rule="hebbian"))
    assert naive >= 2, "counting every weight would have been fooled"


def test_measured_keys_explain_what_nominal_ones_take_for_noise() -> None:
    given = task(seed=4)
    run = with_noisy_keys(given, 1)
    nominal, measured = (
        identify(given, run, ["hebbian"], drive=drive, restarts=2, progress=False)["r2"].item()
        for drive in ("nominal", "measured")
    )
    assert nominal < 0.97
    assert measured > 1 - 1e-9


def test_measured_values_explain_what_nominal_ones_take_for_noise() -> None:
    """A dendrite that follows teaching by any gain and offset, with noise of its own, drives the synapse."""
    given = task(seed=4)
    rng = np.random.default_rng(2)
    felt = given.copy()
    felt["value"] = given["value"].copy(
        data=np.clip(given["value"] + 0.3 * rng.standard_normal(given["value"].shape), -1, 1)
    )
    run = RateNetwork("hebbian", on_off=True).run(felt)
    voltage = 9 * program.on_off(felt).where((given["key"] > 0).any("pre")) - 61
    run = run.assign(
        pre_rate=(40 * given["key"]).assign_attrs(units="Hz"),
        dendrite=voltage.transpose(*trace.SCHEMA.dims["dendrite"]).assign_attrs(units="mV"),
    )
    measured, both = (
        identify(given, run, ["hebbian"], drive=drive, restarts=2, progress=False)["r2"].item()
        for drive in ("measured", "measured-both")
    )
    assert measured < 0.97
    assert both > 1 - 1e-9


def test_scores_are_what_they_say() -> None:
    given = task(seed=5)
    clean = RateNetwork("hebbian", parameters={"rate": 0.5}, on_off=True).run(given)
    one, other = noisy(clean, 0.2, 1), noisy(clean, 0.2, 2)
    options = {"train_episodes": [1, 4], "restarts": 1, "nonnegative": False, "progress": False}
    fits = identify(given, one, ["hebbian"], repeat=other, **options)
    held = [0, 2, 3, 5]
    assert list(fits["episode"]) == held
    rate, offset = (float(fits["parameter_value"].sel(rule="hebbian", parameter=n)) for n in ("rate", "value_offset"))
    key = given["key"] / ((given["key"] ** 2).sum("pre") ** 0.5).where(lambda norm: norm > 0, 1)
    written = rate * given["write_gate"] * (program.on_off(given) + offset) * key
    predicted = written.cumsum("event").transpose(*one["conductance"].dims).values
    target = one["conductance"].values
    residual = ((target - predicted) ** 2)[held]
    total = (target[held] - target[held].mean()) ** 2
    r2 = 1 - residual.sum() / total.sum()
    assert fits["r2"].item() == pytest.approx(r2, rel=1e-9)
    a, b = target[held].ravel(), other["conductance"].values[held].ravel()
    ceiling = np.cov(a, b)[0, 1] / ((a.var(ddof=1) + b.var(ddof=1)) / 2)
    assert fits["noise_ceiling"].item() == pytest.approx(ceiling, rel=1e-9)
    assert fits["feve"].item() == pytest.approx(r2 / ceiling, rel=1e-9)
    assert fits["low"] <= fits["feve"] <= fits["high"]
    for index, episode in enumerate(held):
        own = ((target[episode] - target[episode].mean()) ** 2).sum()
        assert fits["episode_r2"].values[0, index] == pytest.approx(1 - residual[index].sum() / own, rel=1e-9)


@pytest.mark.parametrize(
    ("truth", "wider"), [("hebbian", ["outstar", "soft_bound", "oja"]), ("outstar", ["soft_bound"])]
)
def test_a_rule_wins_over_those_that_only_tend_to_it(truth: str, wider: list[str]) -> None:
    given = task(seed=11)
    given["key"] = np.sign(given["key"])  # with equal active keys, a soft bound far away makes an outstar
    clean = RateNetwork(truth, parameters=TRUTH[truth], on_off=True).run(given)
    fits = identify(
        given, noisy(clean, 0.3, 1), [*wider, truth], repeat=noisy(clean, 0.3, 2), restarts=3, progress=False
    )
    assert list(fits["rule"].values[fits["best"]]) == [truth]
    assert all(truth in rules.get(each).approaches for each in wider)


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


def test_weights_that_did_not_start_at_zero() -> None:
    given = task(seed=12)
    run = RateNetwork("hebbian", on_off=True).run(given)
    raised = run.assign(conductance=(run["conductance"] + 0.5).assign_attrs(units="1"))
    known = raised.assign_attrs(initial_weight=0.5)
    ignorant, informed = (fit("hebbian", given, each, train=[0, 1], restarts=1).r2 for each in (raised, known))
    assert ignorant < 0.9
    assert informed > 1 - 1e-9


def bad_runs() -> dict[str, tuple]:
    given = task(seed=8)
    run = RateNetwork("hebbian", on_off=True).run(given)
    nan = run.assign(conductance=run["conductance"].where(run["pre"] > 0).assign_attrs(units="1"))
    return {
        "has no variable 'key'": (given.drop_vars("key"), run, {}),
        "the Trace has 30 along 'pre', but its Program has 29": (given.isel(pre=slice(29)), run, {}),
        "2 episodes or more": (given.isel(episode=[0]), run.isel(episode=[0]), {}),
        "must be finite, but holds NaN": (given, nan, {}),
        "is 0 everywhere": (given, run.map(lambda x: (x * 0).assign_attrs(x.attrs), keep_attrs=True), {}),
        "unknown drive 'measurd'; did you mean 'measured'": (given, run, {"drive": "measurd"}),
        "needs pre_rate": (given, run, {"drive": "measured"}),
        "needs dendrite": (given, run.assign(pre_rate=given["key"]), {"drive": "measured-both"}),
        "unknown rule 'dleta'": (given, run, {"rules": ["dleta"]}),
        "rules must name": (given, run, {"rules": []}),
        "train_episodes must name": (given, run, {"train_episodes": range(6)}),
        "same run": (given, run, {"repeat": run}),
        "restarts must be 1 or more": (given, run, {"restarts": 0}),
        "not a Trace": (given, given, {}),
    }


@pytest.mark.parametrize("message", bad_runs())
def test_bad_input(message: str) -> None:
    given, run, options = bad_runs()[message]
    with pytest.raises(InputError, match=message):
        identify(given, run, **({"rules": ["hebbian"], "progress": False} | options))


def test_a_rule_that_fits_exactly_needs_no_more_parameters() -> None:
    """Rounding alone must not make a rule that nests the true one better."""
    given = task(seed=13)
    fits = identify(
        given, RateNetwork("hebbian", on_off=True).run(given), ["hebbian", "delta"], restarts=2, progress=False
    )
    assert list(fits["rule"].values[fits["best"]]) == ["hebbian"]
    np.testing.assert_allclose(fits["bic"].diff("rule"), 2 * np.log(fits["effective_n"]))


def test_fit_refuses_episodes_that_are_not_there() -> None:
    given = task(seed=9)
    with pytest.raises(InputError, match="train must name one or more of the episodes 0 to 5"):
        fit("hebbian", given, RateNetwork("hebbian").run(given), train=[6])
