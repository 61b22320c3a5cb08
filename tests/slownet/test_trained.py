"""A trained slow net is saved with all that it takes, comes back bit for bit, and says what does not fit it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
import xarray as xr
from safetensors import safe_open
from safetensors.torch import save_file

from neurofwp import metrics, program, slownet, tasks
from neurofwp.errors import InputError
from neurofwp.rate import RateNetwork
from neurofwp.runtime import migrations
from neurofwp.slownet import TrainedSlowNet, load, trained
from neurofwp.slownet.families import few_shot
from neurofwp.slownet.programmer import Programmer, Shape
from neurofwp.slownet.training import checkpoint
from neurofwp.slownet.training.settings import Architecture

WEIGHT = "gate.weight"


def net(architecture: Architecture = "feed-forward", seed: int = 0, **changed: Any) -> TrainedSlowNet:
    shape = {"cue": 64, "content": 64, "context": 8, "pre": 60, "active": 5, "rule": "gated_delta"} | changed
    model = Programmer(Shape(**shape, architecture=architecture), generator=torch.Generator().manual_seed(seed))
    model.keys.decorrelate(torch.rand(100, 64, generator=torch.Generator().manual_seed(seed + 1)))
    return TrainedSlowNet(model, "gated-pairs", {"seed": seed, "measured": {"r2": 0.5}}, duration=350.0)


@pytest.fixture(scope="module")
def task() -> xr.Dataset:
    return tasks.gated_pairs(3, 2, 2, seed=61)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return net().save(tmp_path_factory.mktemp("nets") / "saved.safetensors")


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("architecture", get_args(Architecture))
def test_what_is_loaded_writes_the_same_programs(
    architecture: Architecture, nonnegative: bool, task: xr.Dataset, tmp_path: Path
) -> None:
    made = net(architecture, seed=5, nonnegative=nonnegative)
    loaded = load(made.save(tmp_path / "net.safetensors"))
    assert loaded.model.shape == made.model.shape
    assert (loaded.family, loaded.about, loaded.duration) == (made.family, made.about, made.duration)
    xr.testing.assert_identical(loaded(task), made(task))
    unsaved = net(architecture, seed=6, nonnegative=nonnegative)
    assert (unsaved(task)["write_gate"] != made(task)["write_gate"]).any()  # the weights matter


def test_a_file_says_how_it_was_made(saved: Path) -> None:
    _, config = checkpoint.load(saved)
    assert config["about"] == {"seed": 0, "measured": {"r2": 0.5}}
    assert config["versions"]["torch"] == torch.__version__
    assert config["commit"]


def test_a_program_is_one_that_every_network_runs(task: xr.Dataset) -> None:
    made = net()(task)
    assert program.check(made) is made
    assert (made["duration"] == 350).all()
    write = task["write"].values
    assert (made["key"].values[write].sum(-1) == 5).all()
    assert not made["key"].values[~write].any()
    assert (made["query"].values[~write].sum(-1) == 5).all()
    assert not made["query"].values[write].any()
    assert ((made["write_gate"].values > 0) == write).all()
    np.testing.assert_array_equal(made["target"], task["target"])
    for name in ("write", "pair", "stored"):
        np.testing.assert_array_equal(made[name], task[name])
    assert json.loads(made.attrs["slow_net"])["rule"] == "gated_delta"
    assert made.attrs["task"] == task.attrs["settings"]
    trace = RateNetwork("gated_delta").run(made)
    assert np.isfinite(trace["recall"].values[~write]).all()
    metrics.recall_r2(made, trace)


@pytest.mark.parametrize("ways", range(2, 11))
def test_values_of_every_family_fit_into_a_program(ways: int) -> None:
    """Values reach from -1 to 1, and rounding must not take them beyond."""
    settings = few_shot.Settings(ways=ways, shots=1)
    family = few_shot.family(settings)
    model = Programmer(Shape(**family.shape | {"pre": 20, "active": 3}), generator=torch.Generator().manual_seed(0))
    value = TrainedSlowNet(model, "few-shot")(family.draw(2, 7, "test"))["value"]
    assert float(value.max()) == pytest.approx(1, abs=1e-6)


def test_tasks_of_other_sizes_are_refused(task: xr.Dataset) -> None:
    with pytest.raises(InputError, match="the cue of this task has 63 entries, but this slow net was made for 64"):
        net()(task.isel(pixel=slice(63)))
    with pytest.raises(InputError, match="the context of this task has 0 entries, but this slow net was made for 8"):
        net()(task.drop_vars("context"))
    with pytest.raises(InputError, match="the content of this task has 5 entries, but this slow net was made for 64"):
        net()(tasks.few_shot(5, 1, 1, 1, seed=0))
    with pytest.raises(InputError, match="not a Task: attrs.* is 'neurofwp.program'"):
        net()(net()(task))


def test_a_truncated_file_is_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    for kept in (0, 5, len(whole) // 2, len(whole) - 1):
        half = tmp_path / "half.safetensors"
        half.write_bytes(whole[:kept])
        with pytest.raises(InputError, match=r"half.safetensors' is no whole safetensors file"):
            load(half)
    with pytest.raises(InputError, match=r"there is no checkpoint .*none.safetensors"):
        load(tmp_path / "none.safetensors")


def test_files_of_another_kind_are_refused(tmp_path: Path, task: xr.Dataset) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, file)
    with pytest.raises(InputError, match="was not saved by neurofwp: its kind is None"):
        load(file)
    checkpoint.save(file, {"a": torch.zeros(2)}, {"settings": {}, "config": {}})  # as training leaves them
    with pytest.raises(InputError, match="holds no slow net that this version knows"):
        load(file)
    checkpoint.save(
        file, {}, {"family": "x", "about": {}, "duration": 1.0, "shape": {"cue": 1, "content": 1, "new": 1}}
    )
    with pytest.raises(InputError, match="holds no slow net that this version knows: .*new"):
        load(file)


def test_a_newer_format_is_refused(saved: Path, tmp_path: Path) -> None:
    with safe_open(saved, framework="pt") as file:
        about = file.metadata()
    assert about.pop("format") == str(migrations.FORMAT)
    del about["sha256"]
    newer = tmp_path / "newer.safetensors"
    save_file(checkpoint.load(saved)[0], newer, metadata=about | {"format": "1000"})
    with pytest.raises(InputError, match=rf"in format 1000, and this neurofwp reads formats up to {migrations.FORMAT}"):
        load(newer)


def test_another_architecture_is_refused_with_what_was_expected_and_found(saved: Path, tmp_path: Path) -> None:
    tensors, config = checkpoint.load(saved)
    file = tmp_path / "changed.safetensors"
    for shape, sentence in (
        ({"hidden": 16}, r"is \(32,\) torch.float32, but Programmer needs \(16,\) torch.float32: another architecture"),
        ({"architecture": "gru"}, "has no 'controller.*', which Programmer needs: another architecture"),
        ({"rule": "delta"}, "has 'retention.*', which Programmer has not: another architecture"),
        ({"rule": "delty"}, "unknown rule 'delty'; did you mean 'delta'?"),
    ):
        checkpoint.save(file, tensors, config | {"shape": config["shape"] | shape})
        with pytest.raises(InputError, match=sentence):
            load(file)
    broken = {name: tensor for name, tensor in tensors.items() if name != WEIGHT}
    checkpoint.save(file, broken, config)
    with pytest.raises(InputError, match=f"has no '{WEIGHT}'"):
        load(file)


def test_shipped_nets_are_found_by_name(saved: Path, monkeypatch: pytest.MonkeyPatch, task: xr.Dataset) -> None:
    monkeypatch.setattr(trained, "shipped_names", lambda: {"gated-pairs": saved, "few-shot": saved})
    xr.testing.assert_identical(slownet.load("gated-pairs")(task), net()(task))
    with pytest.raises(InputError, match=re.escape("unknown slow net 'gated-pear'; did you mean 'gated-pairs'?")):
        slownet.load("gated-pear")
    with pytest.raises(InputError, match="unknown slow net 'xyz'; known: few-shot, gated-pairs"):
        slownet.load("xyz")


def test_every_shipped_net_loads_and_writes_programs() -> None:
    for name in trained.shipped_names():
        assert slownet.load(name).family, name


def test_a_name_that_would_not_be_found_again_is_refused(tmp_path: Path) -> None:
    """Without .safetensors at its end, `load` takes it for the name of a shipped one."""
    with pytest.raises(InputError, match=r"\.safetensors"):
        net().save(tmp_path / "net.bin")
    assert not list(tmp_path.iterdir())


def test_sizes_that_a_file_cannot_hold_are_refused_before_memory_is_asked_for(saved: Path, tmp_path: Path) -> None:
    tensors, config = checkpoint.load(saved)
    config["shape"]["hidden"] = 10**30
    path = checkpoint.save(tmp_path / "vast.safetensors", tensors, config)
    with pytest.raises(InputError, match="holds no slow net that this version knows: its sizes need"):
        load(path)
