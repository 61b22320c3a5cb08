"""Gated pairs: only the context tells what is to be stored."""

import numpy as np
import pytest
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.tasks import gated_pairs
from neurofwp.tasks.digits import images
from neurofwp.tasks.gated_pairs import CONTEXTS
from neurofwp.tasks.task import check


def test_every_pair_is_written_once_and_asked_for_once_with_its_own_value() -> None:
    task = check(gated_pairs(3, 5, 4, seed=0))
    assert task.sizes == {"episode": 4, "event": 16, "pixel": 64, "entry": 8}
    for episode in range(4):
        one = task.isel(episode=episode)
        write = one["write"].values
        assert write.tolist() == [True] * 8 + [False] * 8
        for half in (write, ~write):
            assert sorted(one["pair"].values[half]) == list(range(8))
            assert one["stored"].values[half].sum() == 3
        for event in np.flatnonzero(~write):
            (written,) = np.flatnonzero(write & (one["pair"].values == one["pair"].values[event]))
            assert np.array_equal(one["cue"][event], one["cue"][written])
            assert np.array_equal(one["target"][event], one["content"][written])
            assert one["stored"][event] == one["stored"][written]
        pictures = np.concatenate([one["cue"].values[write], (one["content"].values[write] + 1) / 2])
        assert len(np.unique(pictures, axis=0)) == 16
    assert not task["context"].values[~task["write"].values].any()


def test_the_context_tells_stored_pairs_and_nothing_else_does() -> None:
    task = gated_pairs(8, 8, 200, seed=1)
    writes = task["write"].values
    stored, context = task["stored"].values[writes], task["context"].values[writes]
    nearest = np.linalg.norm(context[:, None] - CONTEXTS, axis=-1).argmin(-1)
    assert (nearest == stored).mean() > 0.99
    clean = gated_pairs(8, 8, 3, noise=0, seed=1)
    told = clean["context"].values[clean["write"].values]
    assert np.array_equal(told, CONTEXTS[clean["stored"].values[clean["write"].values].astype(int)])
    # images of both kinds are alike: means differ by no more than their standard error allows
    for name in ("cue", "content"):
        brightness = task[name].values[writes].mean(-1)
        difference = brightness[stored].mean() - brightness[~stored].mean()
        error = np.sqrt(brightness[stored].var() / stored.sum() + brightness[~stored].var() / (~stored).sum())
        assert abs(difference) < 3.5 * error
    # and they are mixed in time
    position = np.broadcast_to(np.arange(16), (200, 16))[stored.reshape(200, 16)]
    assert abs(position.mean() - 7.5) < 3.5 * position.std() / np.sqrt(position.size)


def test_an_episode_depends_on_seed_and_number_alone_and_splits_do_not_share_images() -> None:
    few, many = gated_pairs(2, 1, 2, seed=7), gated_pairs(2, 1, 5, seed=7)
    xr.testing.assert_equal(few, many.isel(episode=slice(2)))
    assert not gated_pairs(2, 1, 2, seed=8)["cue"].equals(few["cue"])
    seen = {split: {row.tobytes() for row in images(split)} for split in ("train", "test")}
    assert not seen["train"] & seen["test"]
    task = gated_pairs(4, 4, 5, seed=0, split="test")
    assert {row.tobytes() for row in task["cue"].values.reshape(-1, 64)} <= seen["test"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stored": 0}, "stored must be at least 1, not 0"),
        ({"distractors": -1}, "distractors must be at least 0"),
        ({"episodes": 1.5}, "episodes must be a whole number"),
        ({"stored": 600}, "602 pairs need 1204 different images, but there are 597"),
        ({"noise": -1.0}, "noise is a standard deviation"),
        ({"split": "tset"}, "did you mean 'test'"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gated_pairs(**({"stored": 2, "distractors": 2, "episodes": 1, "seed": 0, "split": "test"} | arguments))
