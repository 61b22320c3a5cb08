"""The cache of compiled networks: what is found again, what is not, and what a build does with its numbers."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brian2 import nS

from neurofwp.brian import builds, cache
from neurofwp.brian.builds import find_or_compile
from neurofwp.errors import InputError
from neurofwp.runtime import provenance
from neurofwp.spiking import SpikingNetwork

# Stands for a compiled network: doubles the file that it is given as key.v, and writes what it is told beside.
PROGRAM = """#!/bin/sh
results=$2; shift 2
for each in "$@"; do
    case $each in
        key.v=*) cat "${each#key.v=}" "${each#key.v=}" > "${results}doubled" ;;
        key.g=*) printf '%s' "${each#key.g=}" > "${results}told" ;;
        key.bad=*) echo "file size does not match" >&2 ;;
    esac
done
printf '%s' "$NEUROFWP_SEED" > "${results}seed"
"""
OUTPUTS = {
    "spikes.t": {"file": "doubled", "dtype": "<f4", "columns": 0},
    "weights.w": {"file": "doubled", "dtype": "<f4", "columns": 3},
    "told.g": {"file": "told", "dtype": "S1", "columns": 0},
    "told.seed": {"file": "seed", "dtype": "S1", "columns": 0},
}


def fields(needed: tuple[str, ...] = ()) -> dict[str, Any]:
    inputs = {"key.v": "<f4", "key.g": "<f8", "key.bad": "<f8"}
    return {"inputs": inputs, "needed": list(needed), "outputs": OUTPUTS}


@pytest.fixture
def compile() -> Callable[[Path], dict[str, Any]]:
    """Makes a program, and counts how often."""

    def compiled(folder: Path) -> dict[str, Any]:
        compiled.times += 1  # type: ignore[attr-defined]
        (folder / "main").write_text(PROGRAM)
        (folder / "main").chmod(0o755)
        return fields()

    compiled.times = 0  # type: ignore[attr-defined]
    return compiled


def test_numbers_reach_the_program_in_its_types_and_come_back(compile: Any, tmp_path: Path) -> None:
    given = {"key.v": np.array([1.0, 2.0, 3.0]), "key.g": np.inf, "value.unknown": 4.0}
    seen = find_or_compile("shape", compile, folder=tmp_path).run(given, 17)
    np.testing.assert_array_equal(seen["spikes.t"], np.float32([1, 2, 3, 1, 2, 3]))
    np.testing.assert_array_equal(seen["weights.w"], [[1, 1], [2, 2], [3, 3]])  # (index, time)
    assert b"".join(seen["told.g"]) == b"1e999"  # "inf" would be the name of a file
    assert b"".join(seen["told.seed"]) == b"17"


def test_a_complaint_is_a_failure(compile: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="file size does not match"):
        find_or_compile("shape", compile, folder=tmp_path).run({"key.v": np.zeros(3), "key.g": 1.0, "key.bad": 1.0}, 0)


def test_what_is_needed_must_be_given(compile: Any, tmp_path: Path) -> None:
    build = find_or_compile("shape", lambda folder: compile(folder) | {"needed": ["key.v", "key.g"]}, folder=tmp_path)
    with pytest.raises(RuntimeError, match=r"nothing was given for key\.g"):
        build.run({"key.v": np.zeros(3)}, 0)


def test_one_shape_is_compiled_once(compile: Any, tmp_path: Path) -> None:
    one, same, other = (
        find_or_compile(shape, compile, folder=tmp_path) for shape in ({"pre": 3}, {"pre": 3}, {"pre": 4})
    )
    assert one == same
    assert one.folder != other.folder
    assert compile.times == 2


def test_another_version_or_machine_compiles_its_own(
    compile: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_or_compile("shape", compile, folder=tmp_path)
    with monkeypatch.context() as other:
        other.setattr(builds, "_machine", lambda: ["another processor"])
        find_or_compile("shape", compile, folder=tmp_path)
    with monkeypatch.context() as other:
        other.setattr(provenance, "versions", lambda: {"brian2": "3"})
        find_or_compile("shape", compile, folder=tmp_path)
    assert compile.times == 3
    find_or_compile("shape", compile, folder=tmp_path)
    assert compile.times == 3


def test_many_at_once_wait_for_one_compilation(compile: Any, tmp_path: Path) -> None:
    def slow(folder: Path) -> dict[str, Any]:
        time.sleep(0.2)
        return compile(folder)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: find_or_compile("shape", slow, folder=tmp_path), range(8)))
    assert compile.times == 1
    assert all(build == found[0] for build in found)


@pytest.mark.parametrize("damage", ["manifest", "main", "half", "bit", "number"])
def test_a_damaged_build_is_made_again(damage: str, compile: Any, tmp_path: Path) -> None:
    build = find_or_compile("shape", compile, folder=tmp_path)
    if damage == "half":
        (build.folder / builds.MANIFEST).write_text(json.dumps(fields())[:-20])
    elif damage == "bit":  # it would run, and tell something else
        (build.folder / "main").write_text(PROGRAM.replace("key.g=*) printf", "key.g=*) : printf"))
    elif damage == "number":
        (build.folder / builds.MANIFEST).write_text((build.folder / builds.MANIFEST).read_text().replace("<f4", "<f2"))
    else:
        (build.folder / {"manifest": builds.MANIFEST, "main": "main"}[damage]).unlink()
    assert find_or_compile("shape", compile, folder=tmp_path).run({"key.v": np.zeros(3), "key.g": 0.0}, 0)
    assert compile.times == 2


def test_a_cache_that_others_may_write_is_not_run(compile: Any, tmp_path: Path) -> None:
    build = find_or_compile("shape", compile, folder=tmp_path)
    for path in (tmp_path, build.folder):
        mode = path.stat().st_mode
        path.chmod(0o777)
        with pytest.raises(InputError, match=f"`chmod go-w {path}`"):
            find_or_compile("shape", compile, folder=tmp_path)
        path.chmod(mode)
    assert find_or_compile("shape", compile, folder=tmp_path) == build


def test_a_cache_that_others_could_put_another_in_place_of_is_not_run(compile: Any, tmp_path: Path) -> None:
    parent = tmp_path / "own folder"
    folder = parent / "cache"
    folder.mkdir(parents=True)
    build = find_or_compile("shape", compile, folder=folder)
    parent.chmod(0o777)
    with pytest.raises(
        InputError, match=rf"others may write to '{parent}', on the way .*`chmod go-w '{parent}'`, or set"
    ):
        find_or_compile("shape", compile, folder=folder)
    parent.chmod(0o1777)  # in which everybody can rename only what is theirs, as in /tmp
    assert find_or_compile("shape", compile, folder=folder) == build


@pytest.mark.parametrize("target", ["absolute", "relative"])
def test_a_link_to_the_cache_that_others_could_turn_is_not_followed(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "open", "real"):
        (tmp_path / name).mkdir()
    (tmp_path / "open" / "link").symlink_to(tmp_path / "real" if target == "absolute" else "../real")
    (tmp_path / "home" / "cache").symlink_to(tmp_path / "open" / "link" if target == "absolute" else "../open/link")
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "home" / "cache" / "builds"))
    cache.cache_folder.cache_clear()
    try:
        (tmp_path / "open").chmod(0o777)
        with pytest.raises(InputError, match=f"others may write to '{tmp_path / 'open'}'"):
            cache.cache_folder()
        (tmp_path / "open").chmod(0o755)
        assert cache.cache_folder() == tmp_path / "real" / "builds"
    finally:
        cache.cache_folder.cache_clear()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_a_parent_or_link_of_another_user_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "theirs" / "cache").mkdir(parents=True)
    os.chown(tmp_path / "theirs", 12345, -1)
    with pytest.raises(InputError, match="belongs to another user, who could have programs run as yours: set"):
        cache.check_way(tmp_path / "theirs" / "cache")
    (tmp_path / "link").symlink_to(tmp_path)
    cache.check_way(tmp_path / "link" / "not there yet")
    os.chown(tmp_path / "link", 12345, -1, follow_symlinks=False)
    with pytest.raises(InputError, match="link', on the way .* belongs to another user"):
        cache.check_way(tmp_path / "link" / "cache")


def test_a_cache_of_another_user_is_not_run(compile: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_or_compile("shape", compile, folder=tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(InputError, match="belongs to another user"):
        find_or_compile("shape", compile, folder=tmp_path)


def test_a_compilation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fails(folder: Path) -> dict[str, Any]:
        (folder / "main").write_text("half")
        raise OSError("no compiler")

    with pytest.raises(OSError, match="no compiler"):
        find_or_compile("shape", fails, folder=tmp_path)
    assert [each.name for each in tmp_path.iterdir() if each.is_dir()] == []


def test_the_least_used_go_first_and_none_that_may_be_starting(compile: Any, tmp_path: Path) -> None:
    made = [find_or_compile(number, compile, folder=tmp_path) for number in range(4)]
    ages = (9000, 100, 8000, 7000)  # seconds since the last use
    for build, age in zip(made, ages, strict=True):
        os.utime(build.folder, (time.time() - age,) * 2)
    size = cache.entries(tmp_path)[0].size
    gone = cache.make_room(tmp_path, limit=2 * size)
    assert {entry.folder for entry in gone} == {made[0].folder, made[2].folder}
    assert cache.make_room(tmp_path, limit=0)[0].folder == made[3].folder  # the last one was used just now
    assert [entry.folder for entry in cache.entries(tmp_path)] == [made[1].folder]


def test_a_folder_that_cannot_be_written_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.FOLDER, str(tmp_path / "file" / "cache"))
    cache.cache_folder.cache_clear()
    try:
        with caplog.at_level(logging.WARNING, "neurofwp"):
            first, second = cache.cache_folder(), cache.cache_folder()
        assert first == second
        assert first.is_dir()
        assert not first.is_relative_to(tmp_path)
        assert [record.message.split(":")[0] for record in caplog.records] == [
            "compiled networks are not kept after this run"
        ]
    finally:
        cache.cache_folder.cache_clear()


def test_other_numbers_start_the_same_build(stored_program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters, inputs and seeds are numbers; sizes and the synapse's code are shape."""
    shapes: list[str] = []

    def seen(shape: Any, compile: Any) -> Any:
        shapes.append(builds.key(shape))
        raise InterruptedError

    monkeypatch.setattr(builds, "find_or_compile", seen)
    other = stored_program.assign(value=-stored_program["value"])
    for network, program, seed in (
        (SpikingNetwork("additive", backend="cpp_standalone"), stored_program, 0),
        (SpikingNetwork("additive", backend="cpp_standalone", parameters={"g_gaba": 3 * nS}), other, 1),
        (SpikingNetwork("soft-bound", backend="cpp_standalone"), stored_program, 0),
        (SpikingNetwork("thresholds", backend="cpp_standalone"), stored_program, 0),
        (SpikingNetwork("additive", backend="cpp_standalone", cells_per_pool=5), stored_program, 0),
    ):
        with pytest.raises(InterruptedError):
            network.run(program, seed=seed)
    first, numbers, *others = shapes
    assert first == numbers
    assert first not in others
    assert len(set(others)) == len(others)


def test_a_cached_build_does_what_a_new_one_does(stored_program: Any, tmp_path: Path) -> None:
    """The same seed gives the same bits, from the build's first run and from its later ones, and another another."""

    made = []

    def own(shape: Any, compile: Any) -> Any:
        made.append(find_or_compile(shape, compile, folder=tmp_path))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builds, "find_or_compile", own)
        network = SpikingNetwork("additive", cells_per_pool=1, backend="cpp_standalone")
        first, other, again = (network.run(stored_program, seed=seed) for seed in (3, 4, 3))
    assert made[0] == made[1] == made[2]
    assert first.identical(again)
    assert not first["weight"].equals(other["weight"])


def test_results_that_did_not_fit_on_the_disk_are_refused() -> None:
    times, cells = np.zeros(3), np.zeros(2)
    with pytest.raises(RuntimeError, match=r"left 2 of 3 values of key_spikes\.i: is the disk full\?"):
        builds._check_lengths({"key_spikes.t": times, "key_spikes.i": cells})
