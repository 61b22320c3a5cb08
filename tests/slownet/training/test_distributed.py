"""Two processes that share every batch train to the weights of one, and only the first one leaves files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from neurofwp.runtime.files import read_netcdf
from neurofwp.slownet import load
from neurofwp.slownet.families import regression
from neurofwp.slownet.training import distributed, meta_training
from neurofwp.slownet.training.meta_training import meta_train
from neurofwp.slownet.training.settings import MetaTraining

FLAGS = {
    "inputs": 3, "examples": 4, "pre": 5, "hidden": 4, "steps": 6, "evaluate_every": 2, "batch": 4,
    "learning_rate": 0.02, "gate_cost": 0.01,
}  # fmt: skip


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes leave. They find their folder by themselves, though the second one starts later."""
    here, late = tmp_path_factory.mktemp("together"), tmp_path_factory.mktemp("late")
    (late / "sitecustomize.py").write_text("import os, time; time.sleep(1.1 * int(os.environ.get('RANK', 0)))")
    flags = [word for name, number in FLAGS.items() for word in (f"--{name.replace('_', '-')}", str(number))]
    launcher = subprocess.Popen(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "-m", "neurofwp", "train", "regression", *flags, "--seed", "3", "--device", "cpu",
        ],
        cwd=here, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(late)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = launcher.communicate(timeout=180)
    finally:
        launcher.terminate()  # which ends the two as well
        launcher.wait()
    assert launcher.returncode == 0, err
    assert len(out.splitlines()) == 1
    assert err.count("training a slow net on regression") == 1
    return here / out.strip()


def test_two_processes_train_to_the_weights_of_one(together: Path) -> None:
    chosen = {name: number for name, number in FLAGS.items() if name not in ("inputs", "examples")}
    family = regression.family(regression.Settings(FLAGS["inputs"], FLAGS["examples"]))
    alone, outcome = meta_train(family, MetaTraining(**chosen), seed=3, progress=False)
    model = load(together / "slow-net.safetensors").model
    fresh = meta_training.initial_programmer(family, MetaTraining(**chosen), seed=3)
    for (name, one), (_, two), (_, before) in zip(
        alone.named_parameters(), model.named_parameters(), fresh.named_parameters(), strict=True
    ):
        torch.testing.assert_close(two, one, rtol=1e-5, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
        assert float((one - before).detach().abs().max()) > 1e-3  # far more than the tolerance
    found = read_netcdf(together / "learning.nc")
    np.testing.assert_allclose(found["loss"], [each["loss"] for each in outcome.history], rtol=1e-5)


def test_only_the_first_one_writes(together: Path) -> None:
    assert {file.name for file in together.iterdir()} == {
        "slow-net.safetensors", "training.safetensors", "learning.nc", "learning.png", "report.html", "summary.json",
        "log.txt", "manifest.json",
    }  # fmt: skip
    assert list(together.parent.iterdir()) == [together]  # the second one made none for itself
    assert json.loads((together / "summary.json").read_text())["steps"] == FLAGS["steps"]
    assert (together / "log.txt").read_text().count("training a slow net") == 1


def test_alone_nothing_is_joined_or_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "RANK"):
        monkeypatch.delenv(name, raising=False)
    parameter = torch.nn.Parameter(torch.ones(3))
    with distributed.together("cpu") as device:
        assert device == "cpu"
        assert distributed.workers() == (0, 1)
        distributed.average([parameter])
        assert parameter.grad is None


def test_gradients_are_averaged_and_a_missing_one_counts_as_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of three processes, with the sums of the others put in by hand."""
    monkeypatch.setattr(distributed, "workers", lambda: (0, 3))
    matrix, missing = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(3))
    matrix.grad = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    others = torch.arange(7.0)
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda tensor: tensor.add_(others))
    distributed.average([matrix, missing])
    torch.testing.assert_close(matrix.grad, torch.tensor([[1.0, 3.0], [5.0, 7.0]]) / 3)
    torch.testing.assert_close(missing.grad, torch.tensor([4.0, 5.0, 6.0]) / 3)
