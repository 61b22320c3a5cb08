"""Attention without its softmax, and what the experiment says about it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import attention_equivalence as experiment
from neurofwp.rate import attention_matrix, by_softmax, softmax_attention

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def result() -> xr.DataTree:
    settings = experiment.Settings(lengths=(512, 128, 256), slope_from=128, width=8, repeats=2)
    return experiment.run(settings, seed=3, device="cpu")


def by_tokens(query: np.ndarray, key: np.ndarray, value: np.ndarray, form: str) -> np.ndarray:
    """One sequence in one head, (time, d) each: the sum over s <= t, term by term."""

    def phi(x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x + 1, np.exp(x)) if form == "normalised" else x

    reads = np.zeros_like(value)
    for t in range(len(query)):
        scores = np.array([phi(query[t]) @ phi(key[s]) for s in range(t + 1)])
        if form == "softmax":
            scores = np.exp(scores)
        if form != "hebbian":
            scores = scores / scores.sum()
        for s, score in enumerate(scores):
            reads[t] += score * value[s]
    return reads


@pytest.mark.parametrize("form", ["softmax", "hebbian", "normalised"])
def test_every_way_to_a_read_is_the_sum_term_by_term(form: str) -> None:
    query, key, value = experiment.draw((2, 70, 2, 6, 5), 0, CPU, torch.float64)
    kind = experiment.forms()[form]
    asked, stored = kind.features(query), kind.features(key)
    written_out = experiment.apply(attention_matrix(asked, stored, kind.weighting), value)
    for read in (written_out, *(other(asked, stored, value) for other in kind.others.values())):
        for batch, head in np.ndindex(2, 2):
            one = (tensor[batch, :, head].numpy() for tensor in (query, key, value))
            np.testing.assert_allclose(read[batch, :, head].numpy(), by_tokens(*one, form=form), rtol=1e-11, atol=1e-12)


def test_the_timed_softmax_is_the_one_that_is_compared() -> None:
    signals = experiment.draw((1, 33, 2, 4, 3), 1, CPU, torch.float64)
    weights = attention_matrix(*signals[:2], weighting=by_softmax)
    torch.testing.assert_close(softmax_attention(*signals), experiment.apply(weights, signals[2]), rtol=0, atol=1e-14)


def test_reads_differ_by_rounding_alone_at_every_token_of_every_shape(result: xr.DataTree) -> None:
    reads = result["reads"].to_dataset()
    assert float((reads["difference"] / reads["rounding"]).max()) < 16
    lengths = [shape[1] for shape in experiment.SHAPES]
    for name in ("difference", "rounding"):
        assert (reads[name].notnull().sum("token") == xr.DataArray(lengths, dims="shape")).all()
    # the comparison can fail: single precision is seen to be coarser than double
    largest = reads["difference"].max(("token", "shape"))
    assert (largest.sel(precision="float32") > 1e6 * largest.sel(precision="float64")).all()


def test_fast_weights_of_one_hot_values_read_the_attention_matrix(result: xr.DataTree) -> None:
    weight = result["matrices"].to_dataset()["weight"]
    for form in ("hebbian", "normalised"):
        written, memory = (weight.sel(matrix=f"{form}: {kind}") for kind in ("written out", "fast weights"))
        np.testing.assert_allclose(memory, written, rtol=0, atol=1e-13)
    rows = weight.sum("written")
    np.testing.assert_allclose(rows.sel(matrix=["softmax: written out", "normalised: fast weights"]), 1, atol=1e-13)
    assert float(np.abs(rows.sel(matrix="hebbian: written out") - 1).max()) > 1
    assert not np.triu(weight.values, 1).any()


def test_memory_grows_with_the_square_of_the_length_written_out_and_with_the_length_in_fast_weights(
    result: xr.DataTree,
) -> None:
    numbers = experiment.EXPERIMENT.summary(result)
    for work in ("forward", "forward_and_backward"):
        assert numbers[f"slope.{work}.softmax_written_out.bytes"] == pytest.approx(2, abs=0.1)
        assert numbers[f"slope.{work}.hebbian_recurrent.bytes"] == pytest.approx(1, abs=0.1)
        assert numbers[f"slope.{work}.hebbian_chunkwise.bytes"] == pytest.approx(1, abs=0.1)
    held = result["cost"].to_dataset()["bytes"].sel(work="forward")
    # the scores and their masked copy, four bytes each
    assert (held.sel(form="softmax, written out") > 2 * 4 * held["length"] ** 2).all()
    # the reads twice, as a list and stacked, and little else: no weight is kept
    assert (held.sel(form="hebbian, recurrent") < 4 * held["length"] * 8 * 3 + 4096).all()


def test_the_slope_of_time_is_that_of_the_medians_from_the_given_length_on() -> None:
    settings = experiment.Settings(lengths=(16, 32, 64), slope_from=32, width=4, repeats=3)
    cost = experiment.measure_costs([16, 32, 64], settings, 0, CPU)
    median = cost["seconds"].median("repeat").sel(work="forward", form="softmax, fused")
    expected = np.log2(float(median.sel(length=64)) / float(median.sel(length=32)))
    assert float(cost["seconds_slope"].sel(work="forward", form="softmax, fused")) == pytest.approx(expected)
    assert cost["seconds_slope"].attrs["fitted_from"] == 32


def test_the_length_from_which_linear_wins(result: xr.DataTree) -> None:
    tree = result.copy(deep=True)
    seconds = tree["cost"]["seconds"]
    assert isinstance(seconds, xr.DataArray)
    lengths = seconds["length"]
    for form in seconds["form"].values:
        cost = lengths / 200 if form.startswith("hebbian") else (lengths / 200) ** 2
        seconds.loc[{"form": form}] = cost.broadcast_like(seconds.sel(form=form))
    numbers = experiment.EXPERIMENT.summary(tree)
    assert numbers["ahead_from.forward.hebbian_recurrent.softmax_fused.seconds"] == 256
    seconds.loc[{"form": "hebbian, recurrent"}] = 1e6
    assert np.isnan(experiment.EXPERIMENT.summary(tree)["ahead_from.forward.hebbian_recurrent.softmax_fused.seconds"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (experiment.Settings(lengths=(64, 128), slope_from=128), "a slope needs two lengths from slope_from = 128 on"),
        (experiment.Settings(lengths=(0, 64, 128), slope_from=32), "lengths must be at least 1"),
        (experiment.Settings(lengths=(64, 128), slope_from=1, repeats=0), "repeats must be at least 1, but is 0"),
        (experiment.Settings(lengths=(64, 128), slope_from=1, width=0), "width must be at least 1, but is 0"),
    ],
)
def test_settings_that_measure_nothing_are_errors(settings: experiment.Settings, message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.run(settings, seed=0, device="cpu")
