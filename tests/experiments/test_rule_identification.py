"""Rule identification: the matrix of synapse models and rules, and verdicts that are classes of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
import xarray as xr

from neurofwp import identification
from neurofwp.errors import InputError
from neurofwp.experiments import rule_identification as experiment
from neurofwp.identification import recovery
from neurofwp.program import on_off
from neurofwp.rate import RateNetwork
from neurofwp.spiking import jobs
from neurofwp.spiking.jobs import Job

RULES = {"additive": "hebbian", "error-correcting": "delta"}
CHOICE = ("hebbian", "fixed_decay", "delta", "outstar")
SMALL = experiment.Settings(synapses=tuple(RULES), episodes=8, pairs=4, pixels=2, draws=0)


@contextmanager
def pretended(asked: Sequence[Job], **_: Any) -> Iterator[Callable[[str], xr.Dataset]]:
    """Rate networks with disturbed keys and values in place of spiking ones; what was felt is recorded."""
    by_name = {job.name: job for job in asked}

    def trace(name: str) -> xr.Dataset:
        job = by_name[name]
        rule = RULES[job.network["synapse"]]
        rng = np.random.default_rng(job.seed)
        felt = recovery.disturb(job.program, 0.15, rng)
        own = recovery.truth(rule, np.random.default_rng(0))
        made = RateNetwork(rule, parameters=own, on_off=True, bounds=(0, np.inf), unit_keys=False).run(felt)
        voltage = (10 * on_off(felt) - 60).where((felt["key"] > 0).any("pre"))
        return made.assign(
            pre_rate=(60 * felt["key"]).assign_attrs(units="Hz"),
            dendrite=voltage.transpose("episode", "event", "polarity", "post").assign_attrs(units="mV"),
        )

    yield trace


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start", pretended)
        patch.setattr(identification, "identify", partial(identification.identify, rules=CHOICE, restarts=2))
        return experiment.run(SMALL, seed=100, device="cpu")


def test_every_synapse_model_is_given_its_own_rule_by_every_drive(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    for suffix in experiment.DRIVES.values():
        for model, rule in RULES.items():
            assert rule in numbers[f"verdict{suffix}.{model}.rules"].split(" or ")
            own = numbers[f"matrix{suffix}.{model}.{rule}.feve"]
            assert own > 0.95
            low, high = (numbers[f"matrix{suffix}.{model}.{rule}.{end}"] for end in ("low", "high"))
            assert low <= own <= high
    # activity as it was leaves nothing to noise, so that it explains more than an independent run does
    shares = [numbers[f"matrix{suffix}.additive.hebbian.r2"] for suffix in experiment.DRIVES.values()]
    assert shares == sorted(shares)
    assert shares[2] == pytest.approx(1, abs=1e-6)
    assert not any(key.startswith("recovery") for key in numbers)


def test_tables_and_figures_show_every_drive(result: xr.DataTree) -> None:
    tables = experiment.tables(result)
    for suffix in experiment.DRIVES.values():
        assert tables[f"matrix{suffix}"].sizes == {"synapse_model": len(RULES), "rule": len(CHOICE)}
    figures = experiment.plot(result)
    assert list(figures) == ["feve", "feve_measured", "feve_measured_both"]
    for figure, words in zip(figures.values(), ("Program says;", "Program says;", "depolarised;"), strict=True):
        assert words in figure.axes[0].get_title()


def test_rules_that_recovery_mixes_up_at_the_noise_of_the_synapses_are_a_class(result: xr.DataTree) -> None:
    """Rules that recovery mixes up where ceilings are as here are one; what it mixes up elsewhere does not matter."""
    ids = [rule.id for rule in identification.candidates()]
    chosen = np.stack([np.eye(len(ids))] * 2)[..., None].repeat(2, axis=-1)
    one, other = ids.index("delta"), ids.index("gated_delta")
    chosen[0, one, one, 0], chosen[0, one, other, 0] = 0, 1
    chosen[1, 0] = chosen[1, 1]
    seen = [float(result[f"fits/nominal/{regime}"].to_dataset()["noise_ceiling"]) for regime in RULES]
    ceilings = np.broadcast_to(np.array([np.median(seen), 0.3])[:, None, None], (2, len(ids), 2))
    names = ("noise", "truth", "draw")
    found = xr.Dataset(
        {
            "chosen": (("noise", "truth", "rule", "draw"), chosen),
            "noise_ceiling": (names, ceilings),
            "true_parameter": ((*names, "parameter"), np.full((2, len(ids), 2, 1), 2.0)),
            "found_parameter": ((*names, "parameter"), np.full((2, len(ids), 2, 1), 2.1)),
        },
        coords={"noise": [0.1, 0.4], "truth": ids, "rule": ids, "parameter": ["rate"]},
    )
    groups = {path.strip("/"): group.to_dataset() for path, group in result.subtree_with_keys if group.has_data}
    both = xr.DataTree.from_dict(groups | {"recovery": found})
    numbers = experiment.EXPERIMENT.summary(both)
    assert numbers["matched_recovery.noise"] == 0.1
    assert "delta or gated_delta" in numbers["matched_recovery.classes"]
    assert numbers["matched_recovery.diagonal"] == numbers["recovery.0.1.diagonal"] == 1
    assert numbers["recovery.0.4.parameter_error"] == pytest.approx(0.05)
    assert len(numbers["matched_recovery.classes"]) == len(ids) - 1
    assert "delta or gated_delta" in numbers["matched_recovery.classes"]
    assert "recovery" in experiment.plot(both)


def test_one_episode_is_too_few() -> None:
    with pytest.raises(InputError, match="episodes must be 2 or more"):
        experiment.run(experiment.Settings(episodes=1), seed=0, device="cpu")
