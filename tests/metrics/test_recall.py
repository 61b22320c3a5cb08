"""Scores against independent computations: regression, a delta rule on orthogonal keys, loops over reads."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
from scipy.stats import linregress
from sklearn.metrics import r2_score

from neurofwp import metrics, trace as traces
from neurofwp.errors import InputError
from neurofwp.program import from_arrays
from neurofwp.slownet import FixedEncoder
from neurofwp.tasks import digit_pairs


def trace_of(recall: np.ndarray, **coords: object) -> xr.Dataset:
    """A Trace that answered `recall` (episode, event, post)."""
    weight = np.zeros((*recall.shape, 1))
    data = {
        "weight": (traces.SCHEMA.dims["weight"], weight, {"units": "1"}),
        "recall": (traces.SCHEMA.dims["recall"], recall, {"units": "Hz"}),
    }
    attrs = {"kind": traces.KIND} | dict.fromkeys(traces.PROVENANCE, "")
    return traces.check(xr.Dataset(data, coords=coords, attrs=attrs))


@pytest.fixture(scope="module")
def program() -> xr.Dataset:
    return FixedEncoder(pre=60, active=6)(digit_pairs(6, 4, reassign=0.5, reads=2, seed=0))


@pytest.fixture(scope="module")
def noisy(program) -> xr.Dataset:
    """Answers in Hz: the target, scaled and shifted, with noise that differs between reads."""
    rng = np.random.default_rng(1)
    loud = rng.uniform(0.1, 1.5, program["target"].shape[:2])[..., np.newaxis]
    return trace_of(30 + 12 * (program["target"].values + loud * rng.standard_normal(program["target"].shape)))


def test_decode_is_the_linear_regression_of_targets_on_recall(program, noisy):
    reads = ~program["write"].values
    line = linregress(noisy["recall"].values[reads].ravel(), program["target"].values[reads].ravel())
    decoded = metrics.decode(program, noisy)
    assert decoded.attrs["gain"] == pytest.approx(line.slope)
    assert decoded.attrs["offset"] == pytest.approx(line.intercept)
    np.testing.assert_allclose(decoded.values[reads], line.intercept + line.slope * noisy["recall"].values[reads])
    assert np.isnan(decoded.values[~reads]).all()


def test_scores_do_not_depend_on_the_unit_of_recall(program, noisy):
    other = trace_of(-3 + 0.2 * noisy["recall"].values)
    xr.testing.assert_allclose(metrics.decode(program, other), metrics.decode(program, noisy))
    assert float(metrics.recall_r2(program, other)) == pytest.approx(float(metrics.recall_r2(program, noisy)))


def test_a_scaled_and_shifted_target_is_perfect_recall(program):
    trace = trace_of(50 - 7 * program["target"].values)
    assert metrics.decode(program, trace).attrs["gain"] == pytest.approx(-1 / 7)
    assert float(metrics.recall_r2(program, trace)) == pytest.approx(1)
    assert float(metrics.identified(program, trace)) == 1


def test_r2_is_the_squared_correlation_and_zero_for_a_silent_network(program, noisy):
    reads = ~program["write"].values
    r = np.corrcoef(program["target"].values[reads].ravel(), noisy["recall"].values[reads].ravel())[0, 1]
    assert float(metrics.recall_r2(program, noisy)) == pytest.approx(r**2)
    silent = trace_of(np.zeros(program["target"].shape))
    assert metrics.decode(program, silent).attrs["offset"] == pytest.approx(program["target"].values[reads].mean())
    assert float(metrics.recall_r2(program, silent)) == pytest.approx(0, abs=1e-12)


def test_selected_r2_keeps_the_gain_of_all_reads_and_takes_its_own_mean(program, noisy):
    chosen = program["reassigned"].values
    decoded = metrics.decode(program, noisy).values
    expected = r2_score(program["target"].values[chosen].ravel(), decoded[chosen].ravel())
    assert float(metrics.recall_r2(program, noisy, where=program["reassigned"])) == pytest.approx(expected)


@pytest.mark.parametrize("by", ["episode", "event", ("episode", "event")])
def test_grouped_r2_sums_errors_within_groups_about_the_mean_of_all(program, noisy, by):
    kept = (by,) if isinstance(by, str) else by
    decoded, target = metrics.decode(program, noisy).values, program["target"].values
    middle = np.nanmean(target)
    found = metrics.recall_r2(program, noisy, by=by)
    assert found.dims == kept
    sizes = [program.sizes[dim] for dim in kept]
    for index in np.ndindex(*sizes):
        place = dict(zip(kept, index, strict=True))
        here = (place.get("episode", slice(None)), place.get("event", slice(None)))
        t, d = target[here].ravel(), decoded[here].ravel()
        read = np.isfinite(t)
        if not read.any():
            assert np.isnan(found.values[index])
            continue
        expected = 1 - ((t - d)[read] ** 2).sum() / ((t - middle)[read] ** 2).sum()
        assert found.values[index] == pytest.approx(expected)


def test_group_scores_weighted_by_their_variance_make_the_whole(program, noisy):
    target = program["target"].values
    tss = np.nansum((target - np.nanmean(target)) ** 2, axis=(1, 2))
    groups = metrics.recall_r2(program, noisy, by="episode").values
    assert np.average(groups, weights=tss) == pytest.approx(float(metrics.recall_r2(program, noisy)))


def test_events_selected_beforehand_get_their_own_gain(program):
    """A gain that drops with the load hurts one decoder for all, not one decoder for each."""
    gain = np.where(np.arange(program.sizes["event"]) % 2, 1.0, 0.4)[:, np.newaxis]
    trace = trace_of(gain * program["target"].values)
    odd = slice(1, None, 2)
    assert float(metrics.recall_r2(program.isel(event=odd), trace.isel(event=odd))) == pytest.approx(1)
    where = xr.DataArray(np.arange(program.sizes["event"]) % 2 == 1, dims="event")
    assert float(metrics.recall_r2(program, trace, where=where)) < 0.95


def test_identified_by_a_loop_over_reads(program, noisy):
    decoded = metrics.decode(program, noisy).values
    value, target, write = (program[name].values for name in ("value", "target", "write"))
    right = np.full(write.shape, np.nan)
    for e, t in zip(*np.nonzero(~write), strict=True):
        distance = [np.sqrt(((decoded[e, t] - v) ** 2).sum()) for v in value[e, write[e]]]
        right[e, t] = (value[e, write[e]][int(np.argmin(distance))] == target[e, t]).all()
    assert 0.3 < np.nanmean(right) < 1  # the noise makes it miss some
    assert float(metrics.identified(program, noisy)) == pytest.approx(np.nanmean(right))
    np.testing.assert_allclose(metrics.identified(program, noisy, by="episode"), np.nanmean(right, axis=1))
    chosen = program["reassigned"].values
    assert float(metrics.identified(program, noisy, where=program["reassigned"])) == pytest.approx(right[chosen].mean())


def test_answering_with_the_replaced_value_is_a_miss(program):
    """The old value of a reassigned key is a candidate: a network that never forgets is found out."""
    value, pair, write = (program[name].values for name in ("value", "pair", "write"))
    stubborn = program["target"].values.copy()
    for e, t in zip(*np.nonzero(~write), strict=True):
        stubborn[e, t] = value[e, np.flatnonzero(pair[e] == pair[e, t])[0]]
    trace = trace_of(stubborn)
    assert float(metrics.identified(program, trace, where=program["reassigned"])) == 0
    assert float(metrics.identified(program, trace, where=~program["reassigned"])) == 1
    assert float(metrics.recall_r2(program, trace)) < 0.9


def test_chance_r2_is_the_mean_of_the_values_that_are_stored(program):
    """Every key is read equally often, so that the values stored are the targets of the reads."""
    target, reads = program["target"].values, ~program["write"].values
    answer = np.broadcast_to(np.nanmean(target, axis=1, keepdims=True), target.shape)
    expected = r2_score(target[reads].ravel(), answer[reads].ravel())
    assert float(metrics.chance_r2(program)) == pytest.approx(expected)
    # digits share a mean image, so that this is far from nothing
    assert expected > 0.4


def test_chance_on_a_capacity_curve_knows_only_what_is_stored_by_then():
    program = FixedEncoder(pre=60, active=6)(digit_pairs(16, 3, read_after=(1, 4, 16), seed=0))
    load = program["load"]
    for n in (1, 4, 16):
        assert float(metrics.chance_identified(program, where=load == n)) == pytest.approx(1 / n)
    assert float(metrics.chance_r2(program, where=load == 1)) == pytest.approx(1)
    value, target = program["value"].values, program["target"].values
    stored = (load.values <= 4) & program["write"].values[0]
    asked = (load.values == 4) & ~program["write"].values[0]
    answer = np.broadcast_to(value[:, stored].mean(axis=1, keepdims=True), target[:, asked].shape)
    expected = r2_score(target[:, asked].ravel(), answer.ravel())
    assert float(metrics.chance_r2(program, where=load == 4)) == pytest.approx(expected)
    per_episode = metrics.chance_r2(program, by="episode", where=load == 4)
    assert per_episode.dims == ("episode",)
    assert per_episode.std() > 0


def test_chance_identified_counts_replaced_values_and_same_values_once(program):
    assert float(metrics.chance_identified(program)) == pytest.approx(1 / 9)  # 6 pairs, 3 of them reassigned
    key = np.eye(3)[[0, 1, 2, 0]]
    value = np.array([[0.5, 0], [0.5, 0], [0, 0.5], [0, 0]])
    target = np.array([[np.nan] * 2] * 3 + [[0.5, 0]])
    gate = [1, 1, 1, 0]
    small = from_arrays(key, value, query=key * [[0], [0], [0], [1]], write_gate=gate, target=target)
    assert float(metrics.chance_identified(small)) == 0.5
    # three keys hold (.5, 0), (.5, 0), (0, .5): their mean is (1/3, 1/6)
    assert float(metrics.chance_r2(small)) == pytest.approx(1 - (2 * (1 / 6) ** 2) / (2 * 0.25**2))


def test_an_event_whose_gate_is_closed_stores_nothing():
    key = np.eye(2)[[0, 1, 0]]
    target = np.array([[np.nan], [np.nan], [0.5]])
    program = from_arrays(key, [[0.5], [-1.0], [0.0]], query=key * [[0], [0], [1]], write_gate=[1, 0, 0], target=target)
    assert float(metrics.chance_identified(program)) == 1


def test_delta_rule_on_orthogonal_keys_recalls_perfectly_and_hebb_mixes_values_of_reassigned_keys():
    rng = np.random.default_rng(0)
    pairs, post = 5, 8
    order = [*range(pairs), 1, 3]
    key, value = np.eye(pairs)[order], rng.uniform(-1, 1, (len(order), post))
    last = dict(zip(order, value, strict=True))
    nothing = np.zeros((pairs, pairs)), np.zeros((pairs, post))
    program = from_arrays(
        np.vstack([key, nothing[0]]),
        np.vstack([value, nothing[1]]),
        query=np.vstack([np.zeros_like(key), np.eye(pairs)]),
        write_gate=[1] * len(order) + [0] * pairs,
        target=np.vstack([np.full_like(value, np.nan), [last[p] for p in range(pairs)]]),
    )
    found = {}
    for prediction in (0, 1):
        weight = np.zeros((post, pairs))
        for k, v in zip(key, value, strict=True):
            weight += np.outer(v - prediction * weight @ k, k)
        recall = np.vstack([np.full_like(value, np.nan), weight.T])
        found[prediction] = float(metrics.recall_r2(program, trace_of(recall[np.newaxis])))
    assert found[1] == pytest.approx(1)
    assert found[0] < 0.8


def test_coordinates_of_a_trace_do_not_matter(program, noisy):
    named = noisy.assign_coords(event=100 + np.arange(program.sizes["event"]), episode=list("abcd"))
    assert float(metrics.recall_r2(program, named, where=program["reassigned"])) == float(
        metrics.recall_r2(program, noisy, where=program["reassigned"])
    )


def test_where_may_come_with_its_dims_in_any_order(program, noisy):
    turned = program["reassigned"].transpose("event", "episode")
    assert float(metrics.identified(program, noisy, where=turned)) == float(
        metrics.identified(program, noisy, where=program["reassigned"])
    )


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda p, t: (p.drop_vars("target"), t), "this Program has no targets to score recall against"),
        (lambda p, t: (p.assign(target=p["target"] * np.nan), t), "target is NaN in every event"),
        (lambda p, t: (p, t.isel(event=slice(5))), "this Trace is of another Program: recall has"),
        (
            lambda p, t: (p, t.assign(recall=t["recall"].where(p["write"]))),
            "recall is not finite at episode 0, event 9",
        ),
        (lambda p, t: (p, p), "not a Trace"),
        (lambda p, t: (t, t), "not a Program"),
    ],
)
@pytest.mark.parametrize("score", [metrics.recall_r2, metrics.identified])
def test_program_and_trace_that_do_not_match_are_refused(program, noisy, score, spoil, sentence):
    broken, trace = spoil(program, noisy.assign(recall=noisy["recall"].assign_attrs(units="Hz")))
    if "recall" in trace:
        trace["recall"].attrs["units"] = "Hz"
    with pytest.raises(InputError, match=re.escape(sentence)):
        score(broken, trace)


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (lambda p: p["write"], "where leaves no read to score"),
        (lambda p: p["pair"], "where must be bool over episode and event, not int64"),
        (lambda p: p["key"] > 0, "where must be bool over episode and event, not bool over"),
        (lambda p: p["load"].isel(event=slice(3)) == 1, "where has 3 entries along event, but the Program 21"),
        (lambda p: p.load == 8, 'such as program["load"] == 8, not a bool'),
    ],
)
def test_a_selection_that_does_not_fit_is_refused(program, noisy, where, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        metrics.recall_r2(program, noisy, where=where(program))


def test_other_things_that_cannot_be_scored(program, noisy):
    with pytest.raises(InputError, match="by must name episode, event, or both, not 'pixel'"):
        metrics.recall_r2(program, noisy, by="pixel")
    unknown = program.assign(target=program["target"] * 0.5)
    with pytest.raises(InputError, match="the target of episode 0, event 9 is none of the values written before"):
        metrics.identified(unknown, noisy)
    early = program.isel(event=slice(9, None))
    with pytest.raises(InputError, match="the read of episode 0, event 0 comes before the first write"):
        metrics.chance_r2(early)
