"""Key overlap: what each rule is given, and what comes out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import key_overlap as experiment

SMALL = experiment.Settings(
    key_cells=32, value_cells=24, keys=16, active=(1, 6), draws=6, tuning_draws=4, potentiations=(0.2,)
)


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    return experiment.run(SMALL, seed=0, device="cpu")


def drawn(active: int, draws: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    return experiment._draw(SMALL, active, draws, np.random.default_rng(8), torch.device("cpu"))


@pytest.mark.parametrize("active", [1, 6, 32])
def test_keys_have_norm_one_and_the_active_cells_that_were_asked_for(active: int) -> None:
    key, value = drawn(active)
    assert key.shape == (3, 16, 32)
    assert value.shape == (3, 32, 24)
    torch.testing.assert_close((key**2).sum(-1), torch.ones(3, 16, dtype=key.dtype))
    assert bool(((key > 0).sum(-1) == active).all())
    assert bool((key >= 0).all())


def test_overlap_is_the_mean_cosine_of_two_keys() -> None:
    key = drawn(6)[0]
    pairs = [[float(k[i] @ k[j]) for i in range(16) for j in range(i)] for k in key]
    np.testing.assert_allclose(experiment._mean_overlap(key), np.mean(pairs, axis=1), rtol=1e-12)
    np.testing.assert_allclose(experiment._mean_overlap(drawn(1)[0]), 0, atol=1e-15)  # one-hot keys share nothing


def stepped(rule: str, w: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """One write by each rule, with rate 0.6, decay 0.9, or potentiation 0.6 and depression 3."""
    if rule == "hebbian":
        return w + np.outer(v, k)
    if rule == "fixed_decay":
        return 0.9 * w + np.outer(v, k)
    if rule == "outstar":
        return w + 0.6 * (k / k.max()) * (v[:, None] - w)
    if rule == "soft_bound":
        return np.clip(w + 0.6 * (1 - w) * np.outer(v, k) - 3 * w * k**2, 0, 1)
    w = w + 0.6 * np.outer(v - w @ k, k)
    return np.maximum(w, 0) if rule == experiment.NONNEGATIVE else w


@pytest.mark.parametrize("rule", list(experiment.PLAIN))
@pytest.mark.parametrize("active", [1, 6])
def test_correlations_are_those_of_a_loop_over_events(rule: str, active: int) -> None:
    key, value = drawn(active)
    ours = {"rate": 0.6, "decay": 0.9, "g_plus": 0.6, "g_minus": 3.0}
    columns = {name: (ours[name], 0.5 * ours[name]) for name in experiment.PLAIN[rule]}
    found = experiment.correlations(rule, columns, key, value)
    assert found.shape == (2, 3)
    for draw, (keys, values) in enumerate(zip(key.numpy(), value.numpy(), strict=True)):
        w = np.zeros((24, 32))
        for event in range(32):
            w = stepped(rule, w, keys[event % 16], values[event])
        each = [np.corrcoef(w @ keys[i], values[16 + i])[0, 1] for i in range(16)]
        assert found[0, draw] == pytest.approx(np.mean(each), rel=1e-9)


def test_a_memory_that_says_nothing_correlates_with_nothing() -> None:
    key, value = drawn(6)
    assert experiment.correlations("delta", {"rate": (0.0,)}, key, value).tolist() == [[0.0] * 3]


def test_keys_that_share_nothing_are_overwritten_exactly_by_delta_bounded_or_not_and_by_outstar(
    result: xr.DataTree,
) -> None:
    one_hot = result["recall"]["correlation"].sel(active=1)
    for rule in ("delta", experiment.NONNEGATIVE, "outstar"):
        np.testing.assert_allclose(one_hot.sel(rule=rule), 1, rtol=1e-9)
    # two independent values in one sum
    np.testing.assert_allclose(one_hot.sel(rule="hebbian").mean("draw"), np.sqrt(0.5), atol=0.02)


def test_with_overlap_only_a_prediction_helps_even_if_every_rule_is_tuned(result: xr.DataTree) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    assert numbers["order.tuned.6.rules"][:2] == ["delta", experiment.NONNEGATIVE]
    assert numbers["order.tuned.6.rules"][-1] == "hebbian"
    assert numbers["keys.6.prediction_gain"] > 4 * numbers["keys.6.prediction_gain.sem"] > 0
    assert 0 <= numbers["keys.6.bound_cost"] < numbers["keys.6.prediction_gain"]


def test_tuning_helps_on_draws_that_it_has_not_seen(result: xr.DataTree) -> None:
    recall = result["recall"]["correlation"].sel(active=6).mean("draw")
    for rule in ("outstar", "soft_bound", experiment.NONNEGATIVE):
        assert float(recall.sel(rule=rule, setting="tuned") - recall.sel(rule=rule, setting="plain")) > -0.005
    assert float(recall.sel(rule="outstar", setting="tuned") - recall.sel(rule="outstar", setting="plain")) > 0.02


def test_settings_are_tuned_on_draws_of_their_own() -> None:
    """More draws for tuning leave the reported keys as they are."""
    few = [
        experiment.run(
            experiment.Settings(
                key_cells=8, value_cells=6, keys=4, active=(2,), draws=2, tuning_draws=tuning, rates=(0.5,)
            ),
            seed=3,
            device="cpu",
        )["recall"].to_dataset()
        for tuning in (1, 5)
    ]
    xr.testing.assert_identical(few[0]["overlap"], few[1]["overlap"])
    untuned = {"rule": "delta"}  # a grid of one
    xr.testing.assert_identical(few[0]["correlation"].sel(untuned), few[1]["correlation"].sel(untuned))


def test_summary_orders_rules_and_takes_differences_within_draws() -> None:
    rules = list(experiment.PLAIN)
    mean = np.array([0.2, 0.3, 0.8, 0.7, 0.5, 0.5])
    noise = np.array([-0.1, 0.0, 0.1])
    correlation = np.broadcast_to((mean[:, None] + noise)[None, :, None], (1, 6, 2, 3))
    recall = xr.Dataset(
        {
            "correlation": (("active", "rule", "setting", "draw"), correlation),
            "overlap": (("active", "draw"), [[0.1, 0.2, 0.3]]),
        },
        coords={"active": [8], "rule": rules, "setting": ["plain", "tuned"]},
    )
    numbers = experiment.EXPERIMENT.summary(xr.DataTree.from_dict({"/recall": recall}))
    expected = ["delta", "delta_nonnegative", "outstar", "soft_bound", "fixed_decay", "hebbian"]
    assert numbers["order.plain.8.rules"] == numbers["order.tuned.8.rules"] == expected
    assert numbers["recall.tuned.delta.8.correlation"] == pytest.approx(0.8)
    assert numbers["recall.tuned.delta.8.correlation.sem"] == pytest.approx(0.1 / np.sqrt(3))
    assert numbers["keys.8.bound_cost"] == pytest.approx(0.1)
    assert numbers["keys.8.bound_cost.sem"] == pytest.approx(0, abs=1e-12)  # the draws' own scatter is gone
    assert numbers["keys.8.prediction_gain"] == pytest.approx(0.2)
    assert numbers["keys.8.overlap"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"active": (3, 65)}, "active must be between 1 and key_cells = 64, but has 65"),
        ({"active": (0,)}, "active must be between 1 and key_cells = 64, but has 0"),
        ({"keys": 70}, "70 keys of one cell each need as many key_cells, but there are 64"),
        ({"rates": ()}, "rates must have at least one number, but is empty"),
        ({"draws": 1}, "draws must be 2 or more, but is 1"),
        ({"tuning_draws": 0}, "tuning_draws must be 1 or more, but is 0"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(experiment.Settings(**settings), seed=0, device="cpu")
