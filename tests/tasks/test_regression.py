"""In-context regression: the layout, and learners that reach their closed forms on it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings, strategies as st
from scipy.stats import kstest

from neurofwp import theory
from neurofwp.errors import InputError
from neurofwp.rate import run
from neurofwp.tasks import regression


@settings(max_examples=30, deadline=None)
@given(inputs=st.integers(1, 6), examples=st.integers(1, 12), episodes=st.integers(1, 4), seed=st.integers(0, 999))
def test_examples_and_probes_of_an_episode_have_one_map(inputs: int, examples: int, episodes: int, seed: int) -> None:
    task = regression(inputs, examples, episodes, seed=seed)
    assert dict(task.sizes) == {"episode": episodes, "event": 1 + examples, "input": inputs, "output": 1}
    assert not task["cue"][:, 0].any()
    assert not task["content"][:, 0].any()
    # probes are 1 + examples more inputs with their outputs: one w fits them and the examples
    x = np.concatenate([task["cue"].values[:, 1:], task["probe"].values], axis=1)
    y = np.concatenate([task["content"].values[:, 1:], task["target"].values], axis=1)
    w = np.linalg.pinv(x) @ y
    np.testing.assert_allclose(x @ w, y, atol=1e-9)
    assert len(np.unique(x)) == x.size  # no input comes twice


@settings(max_examples=20, deadline=None)
@given(inputs=st.integers(1, 4), examples=st.integers(1, 6), more=st.integers(0, 3), seed=st.integers(0, 999))
def test_more_episodes_and_more_examples_only_add_to_what_is_there(
    inputs: int, examples: int, more: int, seed: int
) -> None:
    few, many = regression(inputs, examples, 2, seed=seed), regression(inputs, examples + more, 2 + more, seed=seed)
    xr.testing.assert_equal(few, many.isel(episode=slice(2), event=slice(1 + examples)))
    assert not np.any(few["probe"] == regression(inputs, examples, 2, seed=seed + 1)["probe"])
    assert not np.any(few["probe"][0] == few["probe"][1])


def test_inputs_and_maps_are_standard_normal() -> None:
    """Kolmogorov-Smirnov distances; the map is what least squares makes of more examples than inputs."""
    task = regression(3, 8, 2000, seed=0)
    w = (np.linalg.pinv(task["cue"].values) @ task["content"].values)[..., 0]
    for drawn in (w, task["cue"].values[:, 1:], task["probe"].values):
        assert kstest(drawn.ravel(), "norm").pvalue > 1e-3
        correlation = np.corrcoef(drawn.reshape(2000, -1), rowvar=False)
        assert abs(correlation - np.eye(len(correlation))).max() < 5 / np.sqrt(2000)


def within_three_standard_errors(read: np.ndarray, task: xr.Dataset, expected: np.ndarray) -> None:
    squared = ((read - task["target"].values) ** 2)[..., 0]
    sem = squared.std(axis=0, ddof=1) / np.sqrt(len(squared))
    random = expected > 0
    assert (abs(squared.mean(axis=0) - expected) < 3 * sem)[random].all()
    assert squared[:, ~random].max(initial=0) < 1e-6


def test_least_squares_on_the_examples_so_far_reaches_theory_at_every_event() -> None:
    task = regression(6, 9, 3000, seed=0)
    x, y = task["cue"].values, task["content"].values
    w = np.stack([np.linalg.pinv(x[:, : 1 + n]) @ y[:, : 1 + n] for n in range(10)], axis=1)
    read = np.einsum("eti,etio->eto", task["probe"].values, w)
    within_three_standard_errors(read, task, theory.mesa_regression(np.arange(10), 6))


def test_the_delta_rule_run_on_it_reaches_theory_at_every_event() -> None:
    """Cues are keys, contents values and probes queries, as they are: a read comes after the write of its event."""
    inputs = 6
    task = regression(inputs, 20, 3000, seed=1)
    key, value, query = (torch.as_tensor(task[name].values)[:, :, None] for name in ("cue", "content", "probe"))
    beta = torch.full(key.shape[:3], 1 / (inputs + 2), dtype=key.dtype)
    read, _ = run("delta", query=query, key=key, value=value, beta=beta)
    within_three_standard_errors(read[:, :, 0].numpy(), task, theory.delta_regression(np.arange(21), inputs))


def test_settings_are_kept_for_provenance() -> None:
    task = regression(2, 3, 4, seed=5)
    assert task.attrs["kind"] == "neurofwp.regression"
    kept = json.loads(task.attrs["settings"])
    assert kept.pop("task") == "regression"
    xr.testing.assert_identical(regression(**kept), task)
    assert all(variable.attrs["units"] == "1" for variable in task.data_vars.values())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"inputs": 0}, "inputs must be at least 1, not 0"),
        ({"examples": 0}, "examples must be at least 1, not 0"),
        ({"examples": "four"}, "examples must be a whole number, not 'four'"),
        ({"episodes": 1.5}, "episodes must be a whole number, not 1.5"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
    ],
)
def test_bad_input_gets_one_clear_sentence(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        regression(**{"inputs": 2, "examples": 3, "episodes": 1, "seed": 0} | arguments)
