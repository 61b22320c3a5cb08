"""Null models against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neurofwp import rules
from neurofwp.identification import nulls
from neurofwp.identification.fit_rule import Fit, fit_records, predict
from neurofwp.identification.preparation import prepare
from neurofwp.identification.records import Records
from neurofwp.rate import RateNetwork

from .programs import reassigned

HEBBIAN = Fit(rules.get("hebbian"), {"rate": 0.7, "value_offset": 0.0}, 0.0, 1.0)


@pytest.fixture(scope="module")
def records() -> Records:
    """Weights of a delta rule, ON and OFF."""
    network = RateNetwork("delta", parameters={"rate": 0.6}, on_off=True, bounds=(0, np.inf))
    return prepare(reassigned(), network.run(reassigned()))


def test_a_constant_is_the_projection_of_the_increments(records: Records) -> None:
    pattern = nulls.mean_value(records)
    found = nulls.coefficient(records, pattern)
    x = records.gate[..., None, None] * records.key[..., None, :] * pattern[None, :, None, :, None]
    y = torch.diff(records.weight, dim=2, prepend=torch.zeros_like(records.weight[:, :, :1]))
    for pool in range(2):
        expected = np.linalg.lstsq(x[:, pool].flatten()[:, None].numpy(), y[:, pool].flatten().numpy())[0]
        assert float(found[pool]) == pytest.approx(float(expected[0]), rel=1e-9)
    predicted = nulls.weights_of_counts(records, constant=found, pattern=pattern)
    left = records.increments(records.weight - predicted)
    torch.testing.assert_close((left * x).sum(dim=(0, 2, 3, 4)), torch.zeros(2, dtype=x.dtype), rtol=0, atol=1e-9)


def test_the_mean_value_is_of_writes_alone(records: Records) -> None:
    written = records.gate[:, 0] > 0
    expected = torch.stack([records.value[:, pool][written].mean(0) for pool in range(2)])
    torch.testing.assert_close(nulls.mean_value(records), expected)


def test_weights_made_by_a_null_are_its_own(records: Records) -> None:
    """All values alike: a Hebbian rule then counts writes, times the mean value."""
    same = replace(records, value=records.value[:1, :, :1].expand_as(records.value))
    made = replace(same, weight=predict(HEBBIAN, same))
    models = nulls.nulls(made, HEBBIAN, seed=0)
    torch.testing.assert_close(models["mean_value"](made), made.weight)
    torch.testing.assert_close(models["permuted_values"](made), made.weight)
    assert not models["nothing"](made).any()
    assert not torch.allclose(models["write_counts"](made), made.weight)


def test_initial_weights_are_where_nulls_begin(records: Records) -> None:
    initial = torch.rand(1, 2, *records.weight.shape[-2:], dtype=torch.float64)
    moved = replace(records, initial=initial, weight=records.weight + initial[:, :, None])
    models = nulls.nulls(moved, HEBBIAN, seed=0)
    torch.testing.assert_close(models["nothing"](moved), initial[:, :, None].expand_as(records.weight))
    expected = nulls.nulls(records, HEBBIAN, seed=0)["write_counts"](records) + initial[:, :, None]
    torch.testing.assert_close(models["write_counts"](moved), expected)


def test_values_are_permuted_among_the_writes_of_an_episode(records: Records) -> None:
    moved = nulls.permute_values(records, seed=3)
    for episode in range(len(records.key)):
        written = records.gate[episode, 0] > 0
        before, after = (each.value[episode].movedim(1, 0)[written].flatten(1) for each in (records, moved))
        assert not torch.equal(before, after)
        assert sorted(before.tolist()) == sorted(after.tolist())
    closed = records.gate[:, 0] == 0
    for pool in range(2):
        assert torch.equal(records.value[:, pool][closed], moved.value[:, pool][closed])
    alone = nulls.permute_values(records.episodes([4]), seed=3)
    assert torch.equal(alone.value[0], moved.value[4])
    assert not torch.equal(nulls.permute_values(records, seed=4).value, moved.value)


def test_with_a_single_write_there_is_nothing_to_permute(records: Records) -> None:
    gate = torch.zeros_like(records.gate)
    gate[:, :, 2] = 1
    once = replace(records, gate=gate)
    assert torch.equal(nulls.permute_values(once, seed=0).value, once.value)


def test_nulls_explain_less_than_the_rule_and_more_than_nothing(records: Records) -> None:
    best = fit_records(rules.get("delta"), records.episodes(range(3)), restarts=1, seed=0)
    judged = records.episodes(range(3, 6))
    change = judged.increments(judged.weight)

    def missed(name: str) -> float:
        predicted = nulls.nulls(records.episodes(range(3)), best, seed=0)[name](judged)
        return float((change - judged.increments(predicted)).square().sum() / change.square().sum())

    assert missed("nothing") == 1
    assert 0.4 < missed("write_counts") < 1
    assert 0.4 < missed("mean_value") < 1  # values are drawn anew for each episode: their mean is of no use
    assert missed("permuted_values") > 0.2
