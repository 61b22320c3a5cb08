"""The flexible reference: what it contains, and what a fit of it finds."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurofwp import rules
from neurofwp.identification.fit_reference import embed, fit_reference, independent, sample
from neurofwp.identification.fit_rule import Fit, predict
from neurofwp.identification.preparation import prepare
from neurofwp.identification.records import Records
from neurofwp.identification.recovery import disturb, truth
from neurofwp.identification.reference import REFERENCES, LocalReference, covers
from neurofwp.rate import RateNetwork

from .programs import reassigned

LOCAL, PREDICTIVE = REFERENCES
LOCAL_RULES = ("hebbian", "fixed_decay", "scalar_decay", "outstar", "soft_bound", "calcium_threshold")
OFFSET = 0.2


def records_of(rule: str, parameters: dict[str, float], noise: float = 0.0, seed: int = 0) -> Records:
    """Conductances of a rate network, for a Program whose retention varies."""
    program = reassigned(6)
    program["retention"][:] = np.random.default_rng(7).uniform(0.8, 1, program["retention"].shape)
    network = RateNetwork(rule, parameters=parameters, on_off=True, bounds=(0, np.inf), unit_keys=False)
    ran = network.run(disturb(program, noise, np.random.default_rng(seed)))
    return prepare(program, ran, unit_keys=False)


def unexplained(fit: Fit, records: Records, again: Records) -> float:
    """u of the increments."""
    predicted, one, other = (records.increments(each) for each in (predict(fit, records), records.weight, again.weight))
    mean = (one.mean() + other.mean()) / 2
    return float(((one - predicted) * (other - predicted)).sum() / ((one - mean) * (other - mean)).sum())


@pytest.mark.parametrize("rule", [*LOCAL_RULES, "delta", "gated_delta"])
def test_named_rules_are_contained_exactly(rule: str) -> None:
    parameters = truth(rule, np.random.default_rng(0))
    records = records_of(rule, parameters)
    given = parameters if rules.get(rule).absorbs_offset else parameters | {"value_offset": OFFSET}
    named = Fit(rules.get(rule), given, 0.0, 1.0)
    for reference in REFERENCES:
        if not covers(reference, named.rule):
            continue
        embedded = embed(named)
        assert embedded is not None
        flexible = Fit(reference, reference.defaults() | {"w_max": 1e3} | embedded, 0.0, 1.0)
        torch.testing.assert_close(predict(flexible, records), predict(named, records))


def test_references_cover_rules_of_their_signals() -> None:
    assert all(covers(LOCAL, rules.get(rule)) for rule in LOCAL_RULES)
    assert not covers(LOCAL, rules.get("delta"))
    assert covers(PREDICTIVE, rules.get("gated_delta"))
    for beyond in ("oja", "momentum", "mesa", "implicit_delta"):
        assert not covers(PREDICTIVE, rules.get(beyond))
    assert {LOCAL.id, PREDICTIVE.id}.isdisjoint(rule.id for rule in rules.REGISTRY.all())


def test_parameters_follow_the_unit_of_the_weights() -> None:
    """Weights in another unit, parameters to their powers of it: the same rule."""
    generator = torch.Generator().manual_seed(0)
    records = replace(records_of("hebbian", {"rate": 0.5}), nonnegative=False)
    unit = 1e-3
    drawn = {each.name: 0.1 * torch.randn((), generator=generator).item() for each in PREDICTIVE.parameters}
    inside = {each.name: max(drawn[each.name], each.domain[0], 0.05 if each.low >= 0 else -9) for each in
              PREDICTIVE.parameters} | {"w_max": 5.0, "decay_open": 0.9, "decay_closed": 0.95}  # fmt: skip
    scaled = {each.name: inside[each.name] * unit**each.weight_power for each in PREDICTIVE.parameters}
    one, other = (predict(Fit(PREDICTIVE, each, 0.0, 1.0), records) for each in (inside, scaled))
    assert one.abs().max() > 0.01
    torch.testing.assert_close(other / unit, one)


def test_a_closed_gate_writes_nothing_and_weights_stay_within_their_limit() -> None:
    records = records_of("hebbian", {"rate": 0.5})
    shut = replace(records, gate=torch.zeros_like(records.gate))
    wild = PREDICTIVE.defaults() | {"k_v": 50.0, "k_v_W": 100.0, "k_W2": 100.0, "w_max": 3.0}
    assert not predict(Fit(PREDICTIVE, wild, 0.0, 1.0), shut).any()
    moved = predict(Fit(PREDICTIVE, wild, 0.0, 1.0), records)
    assert moved.max() == 3


def test_an_own_term_of_the_value_alone_is_a_loss_gated_by_the_postsynaptic_cell() -> None:
    """Oja's rule of a single cell (1982), dW = rate v (k - v W)."""
    records = records_of("hebbian", {"rate": 0.5})
    fit = Fit(LOCAL, LOCAL.defaults() | {"k_v": 0.4, "v2_W": -0.4, "w_max": 1e3}, 0.0, 1.0)
    weight = torch.zeros_like(records.weight[:, :, 0])
    for event in range(records.key.shape[2]):
        key, value = records.key[:, :, event, None, :], records.value[:, :, event, :, None]
        weight = weight + 0.4 * records.gate[:, :, event, None, None] * value * (key - value * weight)
    torch.testing.assert_close(predict(fit, records)[:, :, -1], weight)


def test_dependent_features_are_found() -> None:
    design = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    design = torch.column_stack([design[:, :2], design[:, 0] - 2 * design[:, 1], design[:, 2], torch.zeros(50)])
    design = torch.nn.functional.normalize(design, dim=0)
    assert independent(design.T @ design) == [0, 1, 3]


def test_a_sample_has_about_the_size_that_is_asked_for() -> None:
    records = records_of("hebbian", {"rate": 0.5})
    generator = torch.Generator().manual_seed(0)
    row = records.weight[0, :, :, 0].numel()
    found = sample(records, 6 * row, generator).weight
    assert 4 * row <= found.numel() <= 6 * row
    assert min(found.shape[0], found.shape[3]) >= 2
    assert sample(records, 1, generator).weight.numel() == row
    assert sample(records, 10**9, generator).weight.shape == records.weight.shape


@pytest.mark.parametrize("rule", ["soft_bound", "calcium_threshold"])
def test_noiseless_weights_of_a_local_rule_are_explained(rule: str) -> None:
    records = records_of(rule, truth(rule, np.random.default_rng(1)))
    train, held_out = records.episodes(range(3)), records.episodes(range(3, 6))
    assert unexplained(fit_reference(train, False, seed=0), held_out, held_out) < 0.01


def test_the_prediction_tells_the_references_apart_and_the_unit_does_not() -> None:
    """Delta in nS-like numbers."""
    records = records_of("delta", truth("delta", np.random.default_rng(1)))
    small = replace(records, weight=1e-3 * records.weight, readout=1e-3 * records.readout)
    train, held_out = small.episodes(range(3)), small.episodes(range(3, 6))
    without, given = (unexplained(fit_reference(train, each, seed=0), held_out, held_out) for each in (False, True))
    assert given < 0.01
    assert without > 0.02


def test_no_rule_that_it_contains_is_fitted_better() -> None:
    parameters = truth("outstar", np.random.default_rng(2))
    records, again = (records_of("outstar", parameters, 0.3, seed) for seed in (1, 2))
    train = records.episodes(range(3))
    named = Fit(rules.get("outstar"), parameters | {"value_offset": 0.0}, 0.0, 1.0)
    named = replace(named, rss=float((train.increments(predict(named, train) - train.weight)).square().sum()))
    found = fit_reference(train, False, seed=0, fits=[named])
    assert found.rss <= named.rss
    held_out = range(3, 6)
    lack = [unexplained(each, records.episodes(held_out), again.episodes(held_out)) for each in (found, named)]
    assert lack[0] < lack[1] + 0.02


def test_what_was_not_seen_needs_no_regression() -> None:
    """Weights before and after alone: the start is that of a named rule."""
    records = records_of("outstar", {"rate": 1.2, "scale": 0.7})
    observed = torch.zeros_like(records.observed)
    observed[[3, -1]] = True
    named = Fit(rules.get("outstar"), {"rate": 1.1, "scale": 0.7, "value_offset": 0.0}, 1.0, 0.9)
    found = fit_reference(replace(records, observed=observed), False, seed=0, fits=[named])
    assert isinstance(found.rule, LocalReference)
    assert found.r2 > 0.99
