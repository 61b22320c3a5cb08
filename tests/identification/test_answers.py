"""Answers to queries alone find the rule while weights are latent."""

from functools import partial

import numpy as np
import pytest

from neurofwp import identification
from neurofwp.errors import InputError
from neurofwp.identification.recovery import disturb
from neurofwp.rate import RateNetwork

from .programs import TRUTH, task

identify = partial(identification.identify, references=False)  # tests/identification/test_reference.py has them


def test_answers_alone_find_the_rule_and_its_parameters_while_weights_are_latent() -> None:
    given = task(seed=7, episodes=12)
    clean = RateNetwork("delta", parameters=TRUTH["delta"], on_off=True, bounds=(0, np.inf)).run(given)
    latent = clean.assign(conductance=0 * clean["conductance"])  # not looked at
    fits = identify(given, latent, ["delta", "hebbian", "outstar"], observed="reads", restarts=4, progress=False)
    assert identification.best_rules(fits) == ["delta"]
    assert fits["measure"].values.tolist() == ["reads"]
    found = fits["parameter_value"].sel(rule="delta")
    for name, number in TRUTH["delta"].items():
        assert float(found.sel(parameter=name)) == pytest.approx(number, rel=1e-4)
    assert float(fits["r2"].sel(rule="delta")) == pytest.approx(1, abs=1e-8)


def test_scores_of_answers_are_those_of_the_definition() -> None:
    given = task(seed=8, episodes=8)
    network = RateNetwork("hebbian", parameters={"rate": 0.5})
    one, other = (network.run(disturb(given, 0.2, np.random.default_rng(seed))) for seed in (1, 2))
    fits = identify(given, one, ["hebbian"], repeat=other, observed="reads", unit_keys=True, restarts=1, progress=False)
    rate, offset = (
        float(fits["parameter_value"].sel(rule="hebbian", parameter=each)) for each in ("rate", "value_offset")
    )
    made = RateNetwork("hebbian", parameters={"rate": rate}, value_offset=offset).run(given)["recall"]
    a, b, y = (each.values[4:] for each in (one["recall"], other["recall"], made))
    seen = np.isfinite(a)
    a, b, y = a[seen], b[seen], y[seen]
    mean = (a.mean() + b.mean()) / 2
    expected = ((a - y) * (b - y)).sum() / ((a - mean) * (b - mean)).sum()
    assert fits["unexplained"].sel(measure="reads", model="hebbian").item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"observed": "spikes"}, "unknown observed 'spikes'"),
        ({}, {"observed": "reads", "initial": "first"}, "where weights are latent"),
        ({"query": 0.0}, {"observed": "reads"}, "the Program reads nothing"),
        ({"recall": np.nan}, {"observed": "reads"}, "must be finite wherever the Program reads"),
        ({"recall": 1.0}, {"observed": "reads"}, "recall of the Trace is 1 everywhere"),
    ],
)
def test_answers_that_say_nothing_are_refused(
    change: dict[str, float], arguments: dict[str, str], message: str
) -> None:
    given = task()
    clean = RateNetwork("hebbian").run(given)
    made = {name: each.copy(data=np.full(each.shape, change[name])) for each in (given["query"], clean["recall"])
            if (name := str(each.name)) in change}  # fmt: skip
    with pytest.raises(InputError, match=message):
        identify(
            given.assign({name: each for name, each in made.items() if name == "query"}),
            clean.assign({name: each for name, each in made.items() if name == "recall"}),
            ["hebbian"], restarts=1, progress=False, **arguments,
        )  # fmt: skip
