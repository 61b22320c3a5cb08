"""Few-shot digits: the layout, labels that tell nothing outside their episode, and that examples inside it suffice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings, strategies as st
from scipy.stats import chi2

from neurofwp.errors import InputError
from neurofwp.runtime import files
from neurofwp.slownet.encoder import FixedEncoder
from neurofwp.tasks import few_shot
from neurofwp.tasks.digits import Split, images, labels
from neurofwp.tasks.task import check

DIGIT = dict(zip([image.tobytes() for image in images()], labels().tolist(), strict=True))


def digits(task: xr.Dataset) -> np.ndarray:
    """Which digit every event shows (episode, event)."""
    return np.array([[DIGIT[image.tobytes()] for image in episode] for episode in task["cue"].values])


@settings(max_examples=25, deadline=None)
@given(
    ways=st.integers(2, 10),
    shots=st.integers(1, 4),
    queries=st.integers(1, 3),
    split=st.sampled_from([None, "train", "test"]),
    seed=st.integers(0, 1000),
)
def test_a_round_shows_one_example_of_every_class_and_then_asks_for_new_images(
    ways: int, shots: int, queries: int, split: Split | None, seed: int
) -> None:
    task = few_shot(ways, shots, queries, 2, seed=seed, split=split)
    assert dict(task.sizes) == {"episode": 2, "event": shots * ways * (1 + queries), "pixel": 64, "label": ways}
    known = {image.tobytes() for image in images(split)}
    shown = digits(task)
    for episode in range(2):
        one = task.isel(episode=episode)
        label, cue = one["label"].values, [image.tobytes() for image in one["cue"].values]
        assert len(set(cue)) == len(cue)
        assert set(cue) <= known
        assert len(set(shown[episode])) == ways
        assert set(zip(shown[episode], label, strict=True)) == set(
            zip(shown[episode][:ways], label[:ways], strict=True)
        )
        times = np.zeros(ways, dtype=int)
        for event in range(task.sizes["event"]):
            position = event % (ways * (1 + queries))
            code = [1.0 if entry == label[event] else -1.0 for entry in range(ways)]
            assert one["shot"][event] == times[label[event]]
            assert bool(one["write"][event]) == (position < ways)
            if position < ways:
                times[label[event]] += 1
                assert one["content"][event].values.tolist() == code
                assert np.isnan(one["target"][event]).all()
            else:
                assert one["target"][event].values.tolist() == code
                assert not one["content"][event].any()
            if position == ways - 1:
                asked = label[event + 1 : event + 1 + ways * queries]
                assert (np.bincount(asked, minlength=ways) == queries).all()
                assert len(set(times)) == 1


@settings(max_examples=20, deadline=None)
@given(
    ways=st.integers(2, 5),
    shots=st.integers(1, 3),
    queries=st.integers(1, 2),
    more=st.integers(0, 3),
    seed=st.integers(0, 1000),
)
def test_more_episodes_and_more_shots_only_add_to_what_is_there(
    ways: int, shots: int, queries: int, more: int, seed: int
) -> None:
    few = few_shot(ways, shots, queries, 2, seed=seed)
    many = few_shot(ways, shots + more, queries, 2 + more, seed=seed)
    first = many.isel(episode=slice(2), event=slice(few.sizes["event"]))
    xr.testing.assert_equal(few, first)
    other = few_shot(ways, shots, queries, 2, seed=seed + 1)
    assert not few["cue"].equals(other["cue"])
    assert not few["cue"][0].equals(few["cue"][1])


def test_the_docstring_draws_the_task() -> None:
    drawn = {
        name: re.sub(r"ways =.*", "", re.search(rf"{name}: +(.*)\n", str(few_shot.__doc__))[1])
        for name in ("event", "shot", "label")
    }
    task = few_shot(3, 2, 2, 1, seed=0)
    event, shot, label = ([part.split() for part in line.split("|")] for line in drawn.values())
    assert [entry for part in event for entry in part] == ["w" if write else "r" for write in task["write"].values[0]]
    assert [int(number) for part in shot for number in part] == task["shot"].values[0].tolist()
    for part in label:
        assert sorted(map(int, part)) == sorted(np.tile(range(3), len(part) // 3))


def test_digit_and_label_are_independent_over_episodes() -> None:
    """Every label goes to every digit equally often, by chi squared; drawing without replacement narrows it."""
    ways, episodes = 4, 2000
    task = few_shot(ways, 1, 1, episodes, seed=0)
    write = task["write"].values[0]
    counts = np.zeros((10, ways))
    np.add.at(counts, (digits(task)[:, write], task["label"].values[:, write]), 1)
    expected = episodes / 10
    assert ((counts - expected) ** 2 / expected).sum() < chi2.isf(1e-4, ways * 9)
    # nor does the place within a round tell the label, of writes or of reads
    for events in (write, ~write):
        places = np.zeros((ways, ways))
        np.add.at(places, (np.arange(ways), task["label"].values[:, events]), 1)
        assert ((places - episodes / ways) ** 2 / (episodes / ways)).sum() < chi2.isf(1e-4, (ways - 1) ** 2)


def nearest_label(seen: xr.Dataset, asked: xr.Dataset) -> np.ndarray:
    """Label of the example of `seen`, written before the event, that is nearest to each read of `asked`."""
    write = seen["write"].values[0]
    answers = []
    for event in np.flatnonzero(~write):
        before = np.flatnonzero(write[:event])
        away = seen["cue"].values[:, before] - asked["cue"].values[:, event, np.newaxis]
        nearest = before[(away**2).sum(axis=-1).argmin(axis=1)]
        answers.append(np.take_along_axis(seen["label"].values, nearest[:, np.newaxis], axis=1)[:, 0])
    return np.stack(answers, axis=1)


def test_nearest_example_in_context_tells_held_out_digits_and_those_of_another_episode_tell_nothing() -> None:
    ways, shots, episodes = 5, 5, 300
    task = few_shot(ways, shots, 2, episodes, seed=0, split="test")
    reads = ~task["write"].values[0]
    label, shot = task["label"].values[:, reads], task["shot"].values[0, reads]
    right = nearest_label(task, task) == label
    curve = [right[:, shot == count].mean() for count in range(1, shots + 1)]
    assert curve[0] > 0.7  # chance is .2
    assert curve[-1] > 0.9
    assert (np.diff(curve) > 0).all()
    elsewhere = (nearest_label(task.roll(episode=1), task) == label).mean(axis=1)
    assert abs(elsewhere.mean() - 1 / ways) < 3.5 * elsewhere.std(ddof=1) / np.sqrt(episodes)


@pytest.mark.parametrize("split", [None, "train", "test"])
def test_labels_are_those_of_the_images(split: Split | None) -> None:
    """The mean image of every digit, of the other part of the data where there is one, names nearly all of them."""
    other: Split | None = {"train": "test", "test": "train"}.get(str(split))  # type: ignore[assignment]
    means = np.stack([images(other)[labels(other) == digit].mean(axis=0) for digit in range(10)])
    nearest = ((images(split)[:, np.newaxis] - means) ** 2).sum(axis=-1).argmin(axis=1)
    assert (nearest == labels(split)).mean() > 0.85
    assert not labels(split).flags.writeable
    np.testing.assert_array_equal(np.concatenate([labels("train"), labels("test")]), labels())


def test_a_memory_of_one_sum_classifies_through_a_fixed_encoder() -> None:
    """A Program can be made of the task, and the plain sum of its outer products answers far above chance."""
    task = few_shot(5, 5, 2, 50, seed=1, split="test")
    program = FixedEncoder()(task)
    assert program.sizes["post"] == 5
    weight = np.cumsum(np.einsum("eto,eti->etoi", program["value"].values, program["key"].values), axis=1)
    read = np.einsum("etoi,eti->eto", weight, program["query"].values)
    last = ~task["write"].values[0] & (task["shot"].values[0] == 5)
    assert (read.argmax(axis=-1) == task["label"].values)[:, last].mean() > 0.6  # chance is .2


def test_saved_and_concatenated_like_any_task(tmp_path: Path) -> None:
    """The variable `label` has the name of a dim, which xarray and the file must tell apart."""
    task = few_shot(3, 2, 1, 4, seed=5)
    back = files.read_netcdf(files.write_netcdf(task, tmp_path / "task.nc"))
    xr.testing.assert_identical(check(back), task)
    halves = [task.isel(episode=slice(2)), task.isel(episode=slice(2, 4))]
    xr.testing.assert_identical(check(xr.concat(halves, dim="episode")), task)


def test_settings_are_kept_for_provenance() -> None:
    task = few_shot(3, 2, 1, 2, seed=5, split="train")
    kept = json.loads(task.attrs["settings"])
    assert kept.pop("task") == "few_shot"
    xr.testing.assert_identical(few_shot(**kept), task)
    assert all(task[name].attrs["units"] == "1" for name in task.variables)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"ways": 1}, "ways must be at least 2, not 1"),
        ({"ways": 11}, "ways must be at most 10, as there are no more digits, not 11"),
        ({"ways": 2.5}, "ways must be a whole number, not 2.5"),
        ({"shots": 0}, "shots must be at least 1, not 0"),
        ({"queries": 0}, "queries must be at least 1, not 0"),
        ({"episodes": 0}, "episodes must be at least 1, not 0"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"shots": 7, "queries": 7}, "need 56 different images of every digit, but of one there are only 55; ask for"),
        ({"split": "tset"}, "unknown split of the digits 'tset'; did you mean 'test'?"),
    ],
)
def test_bad_input_gets_one_clear_sentence(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        few_shot(**{"ways": 3, "shots": 2, "queries": 1, "episodes": 1, "seed": 0, "split": "test"} | arguments)


def test_as_many_images_as_there_are_of_every_digit() -> None:
    assert few_shot(10, 5, 10, 1, seed=0, split="test").sizes["event"] == 550
