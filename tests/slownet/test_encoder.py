"""The fixed encoder: sparse keys that overlap about as little as random ones, and the Program they make."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import xarray as xr

from neurofwp import program as programs
from neurofwp.errors import InputError
from neurofwp.runtime import files
from neurofwp.slownet import FixedEncoder, SlowNet, key_overlap
from neurofwp.tasks import digit_pairs
from neurofwp.tasks.digits import images


def overlaps(code: np.ndarray) -> np.ndarray:
    """Share of active cells in common, of every two rows."""
    shared = code @ code.T / code[0].sum()
    return shared[np.triu_indices(len(code), k=1)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_keys_of_different_digits_overlap_about_as_little_as_random_keys(seed):
    code = FixedEncoder(seed=seed).encode(images())
    found = overlaps(code)
    rng = np.random.default_rng(seed)
    random = np.zeros_like(code)
    np.put_along_axis(random, rng.random(code.shape).argpartition(20)[:, :20], 1.0, axis=1)
    by_chance = overlaps(random)
    assert by_chance.mean() == pytest.approx(20 / 400, rel=0.01)
    assert 0.05 <= found.mean() < 0.052
    assert found.std() < 1.35 * by_chance.std()
    assert np.quantile(found, 0.95) == np.quantile(by_chance, 0.95) == pytest.approx(0.15)


def test_whitening_is_what_pulls_the_keys_apart():
    centred = images() - images().mean(axis=0)
    drive = centred @ np.random.default_rng(0).standard_normal((64, 400))
    raw = np.zeros((len(drive), 400))
    np.put_along_axis(raw, (-drive).argpartition(19)[:, :20], 1.0, axis=1)
    assert overlaps(raw).std() > 1.5 * overlaps(FixedEncoder().encode(images())).std()
    assert raw.mean(axis=0).std() > 2 * FixedEncoder().encode(images()).mean(axis=0).std()


def test_all_cells_are_used_about_equally():
    use = FixedEncoder().encode(images()).mean(axis=0)
    assert use.mean() == pytest.approx(20 / 400)
    assert use.min() > 0.5 * use.mean()
    assert use.max() < 1.6 * use.mean()


@pytest.mark.parametrize("overlap", [0.1, 0.2, 0.4])
def test_overlap_is_what_was_asked_for(overlap):
    code = FixedEncoder(overlap=overlap, seed=3).encode(images())
    assert overlaps(code).mean() == pytest.approx(overlap, rel=0.02)
    assert code.any(axis=0).sum() == round(20 / overlap)
    np.testing.assert_array_equal(code.sum(axis=-1), 20)
    # which cells compete is drawn by the seed
    others = FixedEncoder(overlap=overlap, seed=4).encode(images())
    assert (code.any(axis=0) != others.any(axis=0)).any()


def test_the_winners_are_the_cells_with_most_input():
    encoder = FixedEncoder(pre=50, active=7, seed=5)
    mean = images().mean(axis=0)
    covariance = np.cov(images().T, bias=True)
    variance, axis = np.linalg.eigh(covariance)
    sphere = sum(np.outer(a, a) / np.sqrt(v + 0.01 * variance.max()) for v, a in zip(variance, axis.T, strict=True))
    matrix = np.random.default_rng(5).standard_normal((64, 50))
    drive = (images() - mean) @ sphere @ matrix
    drive /= drive.std(axis=0)
    for row, code in zip(drive[::100], encoder.encode(images()[::100]), strict=True):
        # the permutation of cells that the encoder draws when all compete must change nothing
        assert set(np.flatnonzero(code)) == set(np.argsort(row)[-7:])


def test_the_same_image_always_gets_the_same_key_and_seeds_differ():
    whole = FixedEncoder().encode(images()[:200])
    alone = np.stack([FixedEncoder().encode(image) for image in images()[:200]])
    np.testing.assert_array_equal(whole, alone)
    assert overlaps(np.stack([whole[0], FixedEncoder(seed=1).encode(images()[0])])).item() < 0.5


def test_program_writes_with_the_gate_open_and_asks_with_the_key_of_the_pair():
    task = digit_pairs(6, 3, reassign=0.5, reads=2, seed=0)
    slow_net: SlowNet = FixedEncoder(duration=250.0)
    program = programs.check(slow_net(task))
    write = task["write"].values
    assert dict(program.sizes) == {"episode": 3, "event": 21, "pre": 400, "post": 64}
    np.testing.assert_array_equal(program["write_gate"], write)
    assert (program["retention"] == 1).all()
    assert (program["duration"] == 250).all()
    np.testing.assert_array_equal(program["key"].sum("pre"), np.where(write, 20, 0))
    np.testing.assert_array_equal(program["query"].sum("pre"), np.where(write, 0, 20))
    np.testing.assert_array_equal(program["value"], task["content"])
    np.testing.assert_array_equal(program["target"], task["target"])
    for episode in range(3):
        keys = {
            int(p): k
            for p, k, w in zip(*(program[n].values[episode] for n in ("pair", "key", "write")), strict=True)
            if w
        }
        for pair, query, w in zip(*(program[n].values[episode] for n in ("pair", "query", "write")), strict=True):
            if not w:
                np.testing.assert_array_equal(query, keys[int(pair)])
    for name in ("pair", "reassigned", "write", "load"):
        np.testing.assert_array_equal(program[name], task[name])
    assert {program[name].attrs["units"] for name in program.data_vars} == {"1", "ms"}


def test_program_survives_a_file_and_can_be_made_again_from_its_attributes(tmp_path):
    program = FixedEncoder(pre=100, overlap=0.25, seed=2)(digit_pairs(3, 2, reassign=1.0, seed=8))
    back = files.read_netcdf(files.write_netcdf(program, tmp_path / "program.nc"))
    xr.testing.assert_identical(back, program)
    encoder, task = (json.loads(back.attrs[name]) for name in ("slow_net", "task"))
    assert (encoder.pop("slow_net"), task.pop("task")) == ("FixedEncoder", "digit_pairs")
    xr.testing.assert_identical(FixedEncoder(**encoder)(digit_pairs(**task)), program)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"active": 0}, "active must be between 1 and pre (400), not 0"),
        ({"pre": 10, "active": 11}, "active must be between 1 and pre (10), not 11"),
        ({"seed": -1}, "seed must be at least 0, not -1"),
        ({"overlap": 0.01}, "overlap must be between active / pre (0.05) and 1, not 0.01"),
        ({"overlap": 1.1}, "overlap must be between active / pre (0.05) and 1, not 1.1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(arguments, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        FixedEncoder(**arguments)


def test_images_of_another_size_are_refused():
    task = digit_pairs(2, 1, seed=0).isel(pixel=slice(49))
    with pytest.raises(InputError, match=re.escape("FixedEncoder reads 8 x 8 images of 64 pixels, but the cue has 49")):
        FixedEncoder()(task)


def test_a_duration_that_is_not_positive_is_refused():
    with pytest.raises(InputError, match="duration must be finite and > 0"):
        FixedEncoder(duration=0.0)(digit_pairs(2, 1, seed=0))


def test_key_overlap_counts_shared_cells_of_every_two_keys_once():
    a, b, c, nothing = [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]
    program = programs.from_arrays([[a, b, c, a, nothing], [a, b, b, a, a]], np.zeros((2, 5, 1)))
    found = np.sort(key_overlap(program).values, axis=-1)  # NaN last
    np.testing.assert_array_equal(found, [[0, 0.5, 0.5], [0.5, np.nan, np.nan]])


def test_key_overlap_of_graded_keys():
    program = programs.from_arrays([[[0.5, 1.0, 0.0], [1.0, 0.25, 0.25]]], np.zeros((1, 2, 1)))
    assert key_overlap(program).item() == pytest.approx((0.5 + 0.25) / 1.5)


def test_key_overlap_agrees_with_the_encoder():
    program = FixedEncoder()(digit_pairs(12, 4, reassign=0.5, repeats=2, seed=0))
    for episode in range(4):
        first = program["key"].values[episode, :12]
        np.testing.assert_allclose(np.sort(key_overlap(program).values[episode]), np.sort(overlaps(first)))
