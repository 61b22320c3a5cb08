"""What `make gpu` measures: here on the CPU, as far as its parts can."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import bandwidth, fitting, gpu, half_precision, machine
from benchmarks.contenders import Size
from benchmarks.half_precision import SIZES, differences, draw
from neurofwp.rate import Result, kernels

CPU = torch.device("cpu")


def test_without_a_gpu_it_says_so_and_is_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--json", str(tmp_path / "gpu.json")]) == 0
    assert capsys.readouterr().out == "torch sees no CUDA GPU on this machine: nothing was measured\n"
    assert not list(tmp_path.iterdir())


def test_a_part_that_fails_is_an_entry_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(machine, "describe", lambda device: {"processor": "one"})
    monkeypatch.setattr(gpu, "describe", lambda device: {"gpu capability": "9.0"})
    monkeypatch.setattr(gpu, "PARTS", {"bad": math.sqrt, "good": str})
    file = tmp_path / "new" / "gpu.json"
    assert gpu.main(["--json", str(file)]) == 1
    made = json.loads(file.read_text())
    assert made["machine"] == {"processor": "one", "gpu capability": "9.0"}
    assert made["parts"]["bad"]["error"] == "TypeError: must be real number, not torch.device"
    assert made["parts"]["good"]["numbers"] == "cuda"


@pytest.mark.parametrize("failed", ["", '<testcase name="wrong"><failure/></testcase>'])
def test_tests_are_counted_and_those_that_fail_are_named(failed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def pytest_run(words: list[str], **settings: object) -> subprocess.CompletedProcess[str]:
        assert words[words.index("--device") + 1] == "cpu"
        (report,) = (word.removeprefix("--junitxml=") for word in words if "junitxml" in word)
        right = '<testcase name="right"/><testcase name="left out"><skipped/></testcase>'
        Path(report).write_text(f"<testsuites><testsuite>{right}{failed}</testsuite></testsuites>")
        return subprocess.CompletedProcess(words, returncode=int(bool(failed)), stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", pytest_run)
    if failed:
        with pytest.raises(RuntimeError, match="^1 of 3 tests failed: wrong$"):
            gpu.run_tests(CPU)
    else:
        assert gpu.run_tests(CPU) == {"tests": 2, "skipped": 1}


def test_kernels_that_are_not_there_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "is_installed", lambda: False)
    with pytest.raises(RuntimeError, match=r"not installed: pip install neurofwp\[kernels\]"):
        gpu.check_kernels(CPU)


def test_single_precision_is_measured_against_the_loop_and_the_least_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bandwidth, "SIZE", 2**20)
    monkeypatch.setattr(gpu, "PLAN", replace(gpu.PLAN, size=Size(2, 64, 2, 8, 4), repeats=2))
    made = gpu.single_precision("delta", CPU)
    assert made["difference"] < 1e-5
    assert 0 < made["floor"] < 1
    assert made["ratio.step_loop"] == made["seconds.step_loop"] / made["seconds.ours"]


def test_training_and_identification_are_compared_with_two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_against_cores", lambda work, device: {"cpu": work(device)})
    monkeypatch.setattr(gpu, "PAIRS", (6,))
    monkeypatch.setattr(gpu, "STEPS", 1)
    made = gpu.training(CPU)
    assert made["seconds.cpu.delta.12"] > 0
    assert made["ratio.delta.12"] == 1
    made = gpu.identify(CPU, fitting.Settings(episodes=4, keys=4, pre=36, post=3))
    assert made["same rules"]
    assert made["ratio"] == 1


@pytest.mark.parametrize("rule", kernels.KERNELS)
def test_differences_are_those_of_half_precision(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rule itself in place of the kernel, in the same rounded numbers, nothing is left of them."""
    size = SIZES["one event"]
    assert draw(rule, size, 0)["key"].norm(dim=-1).sub(1).abs().max() < 1e-12
    monkeypatch.setattr(half_precision, "_kernel", exact)
    found = differences(rule, size, CPU, torch.float16)
    assert max(found[name] for name in ("read", "weight")) < 1e-6
    assert 0 < max(found.values()) < 2e-3  # gradients are rounded to half precision


def exact(rule: str, given: dict[str, torch.Tensor]) -> Result:
    return half_precision._run(rule, {name: signal.double() for name, signal in given.items()})
