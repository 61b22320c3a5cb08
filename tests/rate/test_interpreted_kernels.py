"""The real kernels of flash-linear-attention, run on the CPU by Triton's interpreter, against the rules.

They need fla-core and Triton: `pip install neurofwp[kernels]`, then `pytest -m kernels`, which takes a minute or two.
The interpreter knows no bfloat16, so they run in float16. On a GPU `make gpu` runs them compiled.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from benchmarks.contenders import Size
from benchmarks.half_precision import SIZES, TOLERANCE, differences
from neurofwp.rate import kernels

pytestmark = [
    pytest.mark.kernels,
    pytest.mark.usefixtures("interpreter"),
    pytest.mark.filterwarnings("ignore"),  # of Triton and NumPy, about each other
]
CPU, HALF = torch.device("cpu"), torch.float16


class Driver:
    """Says of the CPU what Triton asks of a GPU."""

    utils = SimpleNamespace(
        get_device_properties=lambda index: {"multiprocessor_count": 1, "max_shared_mem": 232_448}  # as of an H100
    )

    def get_current_target(self) -> SimpleNamespace:
        return SimpleNamespace(backend="cpu", arch=90, warp_size=32)

    def get_active_torch_device(self) -> torch.device:
        return CPU

    def get_device_interface(self) -> ModuleType:
        return torch.cpu

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: object = None) -> int:
        return 0

    def get_benchmarker(self) -> Callable[..., list[float]]:
        return lambda *args, **kwargs: [0.0]


def first_config(self: Any, *args: Any, **kwargs: Any) -> Any:
    """In place of trying all configurations: the first."""
    return self.fn.run(*args, **kwargs, **self.configs[0].all_kwargs())


class Index(int):
    """The variable of a loop, which kernels take for a tensor."""

    def to(self, dtype: object) -> int:
        return self


def loop(*limits: Any) -> Iterator[Index]:
    """In place of `range` in kernels, where limits may be tensors of the interpreter."""
    return map(Index, range(*(int(limit) for limit in limits)))


@pytest.fixture(scope="module")
def interpreter() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")  # before kernels are imported
        patch.setattr("triton.runtime.autotuner.Autotuner.run", first_config)
        importlib.import_module("triton").runtime.driver.set_active(Driver())
        for kernel in kernels.KERNELS.values():
            importlib.import_module(f"fla.ops.{kernel.module}")
        for name in [name for name in sys.modules if name.startswith("fla.ops.")]:
            patch.setattr(sys.modules[name], "range", loop, raising=False)
        yield


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("rule", kernels.KERNELS)
def test_a_kernel_is_its_rule(rule: str, size: Size) -> None:
    for name, difference in differences(rule, size, CPU, HALF).items():
        assert difference < TOLERANCE[HALF] * (2 if "gradient" in name else 1), name


@pytest.mark.parametrize("rule", kernels.KERNELS)
def test_one_event_without_gradients_is_the_kernel_that_goes_event_by_event(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(f"fla.ops.{kernels.KERNELS[rule].module}")
    monkeypatch.delattr(module, f"chunk_{kernels.KERNELS[rule].name}")
    for name, difference in differences(rule, SIZES["one event"], CPU, HALF, gradients=False).items():
        assert difference < TOLERANCE[HALF], name


@pytest.mark.parametrize("rule", [rule for rule, kernel in kernels.KERNELS.items() if kernel.widest < 1000])
def test_kernels_take_no_wider_keys_than_they_are_given(rule: str) -> None:
    widest = int(kernels.KERNELS[rule].widest)
    size = Size(batch=1, time=2, heads=1, d_k=widest, d_v=8)
    assert max(differences(rule, size, CPU, HALF, gradients=False).values()) < TOLERANCE[HALF]
    with pytest.raises(AssertionError, match="256"):
        differences(rule, replace(size, d_k=widest + 1), CPU, HALF, gradients=False)


@pytest.mark.parametrize("rule", [rule for rule, kernel in kernels.KERNELS.items() if kernel.widest > 1000])
def test_other_kernels_take_keys_of_any_width(rule: str) -> None:
    size = Size(batch=1, time=2, heads=1, d_k=300, d_v=8)
    assert max(differences(rule, size, CPU, HALF, gradients=False).values()) < TOLERANCE[HALF]
