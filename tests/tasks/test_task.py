"""What a Task must be."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.tasks import digit_pairs, few_shot
from neurofwp.tasks.task import check


@pytest.fixture
def task() -> xr.Dataset:
    return digit_pairs(2, 2, seed=0)


@pytest.mark.parametrize(
    ("name", "index", "number", "sentence"),
    [
        ("cue", (1, 0, 5), 1.5, "cue must be finite and in [0, 1], but is 1.5 at episode 1, event 0, pixel 5"),
        ("cue", (0, 1, 0), np.nan, "cue must be finite and in [0, 1], but is nan at episode 0, event 1, pixel 0"),
        ("content", (0, 0, 3), -2.0, "content must be finite and in [-1, 1], but is -2 at episode 0, event 0, pixel 3"),
        ("content", (0, 2, 3), 0.5, "content must be 0 on reads, but is 0.5 at episode 0, event 2, pixel 3"),
        ("target", (1, 3, 4), 3.0, "target must be in [-1, 1] or NaN, but is 3 at episode 1, event 3, pixel 4"),
        ("target", (1, 1, 4), 0.0, "target must be NaN on writes, but is 0 at episode 1, event 1, pixel 4"),
    ],
)
def test_a_number_out_of_place_is_named(task, name, index, number, sentence):
    task[name].values[index] = number
    with pytest.raises(InputError, match=re.escape(sentence)):
        check(task)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda task: task.drop_vars("cue"), "no variable 'cue'"),
        (lambda task: task.transpose("event", "episode", "pixel"), "cue has dims ('event', 'episode', 'pixel')"),
        (lambda task: task.assign(load=task["pair"]), "load has dims ('episode', 'event'), but needs ('event',)"),
        (lambda task: task.assign(write=task["write"].astype(float)), "write must be bool, not float64"),
        (lambda task: task.assign_attrs(kind="neurofwp.program"), "is not a Task: attrs['kind'] is 'neurofwp.program'"),
        (lambda task: task["cue"], "a Task is an xarray.Dataset, not a DataArray"),
    ],
)
def test_another_shape_or_kind_is_refused(task, spoil, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        check(spoil(task))


def coded(task: xr.Dataset, *names: str) -> xr.Dataset:
    """`task` with labels instead of images in these variables."""
    return task.assign({name: task[name].rename(pixel="label") for name in names})


def test_content_and_target_may_be_labels_if_both_are(task: xr.Dataset) -> None:
    labelled = coded(task, "content", "target")
    assert check(labelled) is labelled
    labelled["target"].values[1, 3, 2] = 3.0
    with pytest.raises(InputError, match="target must be in .* but is 3 at episode 1, event 3, label 2"):
        check(labelled)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda task: coded(task, "content"),
            "target has dims ('episode', 'event', 'pixel'), but needs ('episode', 'event', 'label')",
        ),
        (
            lambda task: coded(task, "target"),
            "target has dims ('episode', 'event', 'label'), but needs ('episode', 'event', 'pixel')",
        ),
        (lambda task: coded(task, "cue"), "cue has dims ('episode', 'event', 'label'), but needs"),
        (
            lambda task: task.assign(content=task["content"].rename(pixel="class")),
            "content has dims ('episode', 'event', 'class'), but needs ('episode', 'event', 'pixel') or "
            "('episode', 'event', 'label')",
        ),
        (
            lambda task: few_shot(2, 1, 1, 2, seed=0).assign(shot=("event", np.zeros(4))),
            "shot has dims ('event',), but needs ('episode', 'event')",
        ),
        (
            lambda task: task.assign_coords(label=("event", np.zeros(4))),
            "label has dims ('event',), but needs ('episode', 'event')",
        ),
    ],
)
def test_other_dims_of_labels_are_refused(task, spoil, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        check(spoil(task))
