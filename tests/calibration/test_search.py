"""The search: what is scored, that it finds what it looks for, and that it goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from brian2 import nS

from neurofwp import RateNetwork, identification, program
from neurofwp.calibration import search as searching, trial as trials
from neurofwp.calibration.space import BOUNDS, Space
from neurofwp.calibration.trial import LEAD, MISSING, WORST, Trial
from neurofwp.runtime import store
from neurofwp.spiking.jobs import Job

SPACE = Space("soft-bound")
GOAL = np.linspace(0.25, 0.75, len(BOUNDS))


def memory(episodes: int = 2) -> xr.Dataset:
    """Four keys, two of them reassigned, then read."""
    rng = np.random.default_rng(5)
    keys = np.zeros((episodes, 10, 20))
    for episode in range(episodes):
        for event in range(4):
            keys[episode, event, rng.choice(20, 6, replace=False)] = 1
    keys[:, 4:6] = keys[:, :2]
    values = rng.uniform(-1, 1, (episodes, 10, 4))
    query, target, reassigned = np.zeros_like(keys), np.full_like(values, np.nan), np.zeros((episodes, 10), bool)
    query[:, 6:], target[:, 6:8], target[:, 8:] = keys[:, [0, 1, 2, 3]], values[:, 4:6], values[:, 2:4]
    keys[:, 6:], reassigned[:, 6:8] = 0, True
    made = program.from_arrays(keys, values, query=query, target=target, write_gate=(np.arange(10) < 6).astype(float))
    return made.assign(reassigned=(("episode", "event"), reassigned))


def trial(rule: str, candidates: int = 2) -> Trial:
    return Trial("t", memory(), {"synapse": "soft-bound"}, {"g_gaba": np.arange(1, candidates + 1) * nS}, rule, 3)


def test_conditions_are_candidates_each_with_two_seeds() -> None:
    job = trial("delta").job
    assert job.conditions is not None
    np.testing.assert_allclose(job.conditions["g_gaba"], [1, 1, 2, 2])
    first, other, *rest = job.conditions["seed"].values.tolist()
    assert first != other
    assert rest == [first, other]  # candidates are compared with the same noise


def simulated(rules: list[str], noise: float) -> xr.Dataset:
    """Rate networks in place of spiking candidates: each rule twice, with noise of its own on weights."""
    rng = np.random.default_rng(1)
    runs = [RateNetwork(rule).run(memory()) for rule in rules for _ in (0, 1)]
    every = xr.concat(runs, dim="condition", combine_attrs="override")
    every["weight"] = every["weight"] + noise * rng.standard_normal(every["weight"].shape)
    weight = every["weight"].values
    shared = np.stack([np.maximum(weight, 0), np.maximum(-weight, 0)], axis=3)
    every["conductance"] = (("condition", "episode", "event", "polarity", "post", "pre"), shared, {"units": "1"})
    return every.assign_coords(polarity=["on", "off"])


def test_the_candidate_that_runs_the_rule_scores_best(monkeypatch: pytest.MonkeyPatch) -> None:
    both = simulated(["delta", "outstar"], 0.01).drop_vars(["conductance", "polarity"])
    monkeypatch.setattr(Job, "trace", lambda job: both)
    monkeypatch.setattr(trials, "KEPT", ["weight", "recall"])
    for rule, best in (("delta", 0), ("outstar", 1)):
        scores = trial(rule).scores()
        assert int(np.argmax(scores["share"].values)) == best
        assert float(scores["share"][best]) == pytest.approx(1, abs=0.02)
        lead = scores["share"] - scores["rival"]
        missing = np.maximum(LEAD - lead, 0)
        xr.testing.assert_allclose(scores["objective"], scores["share"] + scores["recall"] - MISSING * missing)


def test_a_candidate_that_learns_nothing_is_the_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = simulated(["delta", "delta"], 0.0).drop_vars(["conductance", "polarity"])
    nothing["weight"] = xr.zeros_like(nothing["weight"])
    monkeypatch.setattr(Job, "trace", lambda job: nothing)
    monkeypatch.setattr(trials, "KEPT", ["weight", "recall"])
    scores = trial("delta").scores()
    np.testing.assert_array_equal(scores["share"], WORST)
    np.testing.assert_array_equal(scores["recall"], WORST)


def test_rivals_do_not_contain_the_rule() -> None:
    assert trials.rivals("delta") == ("fixed_decay", "outstar", "soft_bound")
    assert trials.rivals("hebbian") == ()
    for rule in identification.candidates():
        assert rule.id not in trials.rivals(rule.id)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Scores that fall with the distance from `GOAL`, and what was really evaluated, in this process."""
    asked: list[str] = []

    def scores(self: Trial) -> xr.Dataset:
        asked.append(self.name)
        place = np.stack([
            np.log(np.asarray(self.candidates[name] / SPACE.unit(name)) / each.low) / np.log(each.high / each.low)
            for name, each in BOUNDS.items()
            if name != "D"
        ])  # fmt: skip
        goal = np.delete(GOAL, list(BOUNDS).index("D"))
        objective = 2 - ((place - goal[:, np.newaxis]) ** 2).sum(0)
        columns = {"share": objective / 2, "rival": objective / 2, "recall": objective / 2, "objective": objective}
        return xr.Dataset({name: ("candidate", column, {"units": "1"}) for name, column in columns.items()})

    monkeypatch.setattr(Trial, "scores", scores)
    return asked


def run(folder: Path | None, generations: int, seed: int = 0) -> xr.Dataset:
    return searching.search(
        SPACE, "delta", (memory(), memory(3)), {"synapse": "soft-bound"}, generations=generations, population=12,
        seed=seed, folder=folder,
    )  # fmt: skip


def test_the_search_finds_its_goal(quick: list[str]) -> None:
    every = run(None, 60)
    own = np.delete(np.arange(len(BOUNDS)), list(BOUNDS).index("D"))
    chosen = every["place"].values[every["chosen"].values]
    assert len(chosen) == 1
    np.testing.assert_allclose(chosen[0, own], GOAL[own], atol=0.05)
    np.testing.assert_array_equal(every["place"][0], SPACE.origin)
    assert float(every["objective"].where(every["final"]).max()) == float(every["objective"].values[every["chosen"]][0])


def test_an_interrupted_search_goes_on_to_the_same_end(quick: list[str], tmp_path: Path) -> None:
    whole = run(tmp_path, 4)
    made = len(quick)
    again = run(tmp_path, 4)
    assert len(quick) == made  # nothing evaluated twice
    xr.testing.assert_identical(whole, again)
    for lost in tmp_path.glob("generation-[34]-*.nc"):
        lost.unlink()
    xr.testing.assert_identical(run(tmp_path, 4), whole)
    assert {name.split("-")[1] for name in quick[made:]} == {"3", "4"}
    (damaged,) = tmp_path.glob("generation-0-0-*.nc")
    damaged.write_bytes(b"half a file")
    xr.testing.assert_identical(run(tmp_path, 4), whole)


def test_another_rule_or_seed_is_another_search(quick: list[str], tmp_path: Path) -> None:
    run(tmp_path, 1)
    made = len(quick)
    run(tmp_path, 1, seed=1)
    assert len(quick) == 2 * made
    first = replace(trial("delta"), candidates=SPACE.quantities(np.full((2, len(BOUNDS)), 0.5)))
    assert store.key(first) == store.key(replace(first, name="other", program=first.program.copy(deep=True)))
    assert store.key(first) != store.key(replace(first, rule="outstar"))
