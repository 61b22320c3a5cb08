"""Truths outside the library, how verdicts on them are counted, and what coverage is measured against."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from benchmarks.verdicts import coverage, data, expected, rates
from benchmarks.verdicts.outside import RULES, TRUTHS
from benchmarks.verdicts.truths import Truth
from neurofwp.identification import candidates, identify
from neurofwp.identification.recovery import disturb, network_of
from neurofwp.identification.transfer import saved_fits
from neurofwp.metrics import upper_limit
from neurofwp.rate import scan


@pytest.fixture(scope="module")
def clean() -> xr.Dataset:
    return disturb(data.program(1, pairs=4, episodes=6), 0.0, np.random.default_rng(0))


@pytest.mark.parametrize("name", TRUTHS)
def test_no_rule_of_the_library_is_a_truth_from_outside(name: str, clean: xr.Dataset) -> None:
    """Without noise the best of its rules leaves something that is no rounding."""
    trace = Truth(name, np.random.default_rng(3), clean).run(clean)
    fits = identify(
        clean, trace, ["hebbian", "delta", "outstar", "soft_bound", "scalar_decay"], noise=1e-9, unit_keys=False,
        restarts=1, references=False, progress=False,
    )  # fmt: skip
    assert float(fits["unexplained"].sel(measure="increments", model=fits["rule"].values).min()) > 1e-3


def test_the_sign_of_the_error_has_its_closed_form() -> None:
    key = torch.eye(2, dtype=torch.float64)[[0, 0, 0]][None]
    value = torch.full((1, 3, 1), 0.25, dtype=torch.float64)
    ones = torch.ones(1, 3, dtype=torch.float64)
    p = {"rate": torch.tensor(0.2, dtype=torch.float64), "share": torch.tensor(0.5, dtype=torch.float64)}
    made = scan(RULES["sign of the error"], p, key, value, ones, ones)
    assert made[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.4, 0.2])  # up, up past the value, down
    assert (made[..., 1] == 0).all()


def test_twelve_truths_of_different_names() -> None:
    assert len(set(TRUTHS)) == len(TRUTHS) >= 12
    assert not set(TRUTHS) & {rule.id for rule in candidates()}


@pytest.mark.parametrize(
    ("kind", "named", "right", "said"),
    [
        ("rule", ["delta"], ["delta"], "right"),
        ("rule", ["delta"], [], "wrong"),
        ("class", ["delta", "oja"], ["delta"], "wrong"),
        ("class", ["a truth", "oja"], [], "right"),
        ("none", ["delta"], [], "none"),
        ("effective description", ["delta"], [], "effective description"),
        ("mixture", ["delta"], [], "wrong"),
    ],
)
def test_what_is_named_must_predict_the_truth(kind: str, named: list[str], right: list[str], said: str) -> None:
    row = {"truth": "a truth", "kind": kind, "named": named, "right": right, "mixture": ["delta", "outstar"]}
    assert rates.outcome(pd.Series(row)) == said
    mixed = row | {"truth": "half delta, half outstar", "kind": "mixture"}
    assert rates.outcome(pd.Series(mixed)) == "right"


def test_the_upper_limit_of_no_error_in_59() -> None:
    assert (1 - upper_limit(0, 59)) ** 59 == pytest.approx(0.05)
    assert upper_limit(3, 3) == 1


def test_what_the_truth_itself_leaves_unexplained_of_many_runs_is_nothing() -> None:
    rng = np.random.default_rng(0)
    population = coverage.Population.of([data.program(7, pairs=3, episodes=8)], 0.1, rng)
    program = data.program(8, pairs=3, episodes=6)
    clean = network_of(coverage.TRUTH, coverage.PARAMETERS).run(disturb(program, 0.0, rng))
    fits = identify(program, clean, ["delta", "hebbian"], unit_keys=True, restarts=1, progress=False)
    one, other = saved_fits(fits)
    assert abs(population.unexplained(one)) < 0.01
    assert population.unexplained(other) > 0.1


def test_the_estimand_of_a_parameter_is_its_fit_to_the_means() -> None:
    """Without noise it is the parameter that weights were made with; and intervals that hold it are counted."""
    rng = np.random.default_rng(0)
    clean = coverage.Population.of([data.program(7, pairs=3, episodes=4)], 0.0, rng)
    found = coverage.targets({"same encoder": clean})["delta"]["same encoder"]
    assert found["rate"] == pytest.approx(coverage.PARAMETERS["rate"], rel=1e-4)
    about = {"rule": "delta", "of": "rate", "same encoder": 0.6, "new encoders": 0.8}
    rows = pd.DataFrame([about | {"low": 0.5, "high": 0.7}, about | {"low": np.nan, "high": np.nan}])
    assert coverage.shares(rows).loc[("delta", "rate")].tolist() == [1, 0, 1]


def test_the_weakest_rival_is_one_that_predicts_other_weights() -> None:
    about = {"truth": "delta", "noise": 0.1, "draw": 0}
    rows = [about | {"rival": name, "distance": far, "power": power} for name, far, power in
            (("gated_delta", 0.001, 0.05), ("outstar", 0.2, 0.8), ("hebbian", 0.4, 1.0))]  # fmt: skip
    rows.append({"truth": "hebbian", "noise": 0.1, "draw": 0, "rival": "delta", "distance": 0.0, "power": 0.05})
    found = expected.weakest_rivals(pd.DataFrame(rows))
    assert found.loc[("delta", 0.1)].tolist() == [0.8, "outstar"]
    assert found.loc[("hebbian", 0.1)].tolist() == [1.0, "none"]
