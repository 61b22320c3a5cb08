"""Settings of the whole test run, and the small Program and Trace that several tests read."""

from __future__ import annotations

import os

# before anything imports NumPy or torch: tests are small, and threads that wait for each other only slow them
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("NEUROFWP_PROCESSES", "1")  # what tests do takes less time than a worker takes to start

import ctypes
import gc
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import settings

from neurofwp import program, rules
from neurofwp.brian import backends
from neurofwp.runtime import provenance

settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


def pytest_collection_finish() -> None:
    """Brian2 collects garbage before every run, which takes 0.3 s with all that is imported and 7000 tests to look
    through: none of them goes before the end.
    """
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", choices=("cpu", "cuda"), help="where rate networks are tested")


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    """The device that `--device` names."""
    name = request.config.getoption("--device")
    if name == "cuda" and not torch.cuda.is_available():
        pytest.skip("--device cuda was asked for, but torch sees no GPU")
    return torch.device(name)


@pytest.fixture(scope="session")
def stream(device: torch.device) -> Callable[..., dict]:
    """`stream(rule, seed, ...)`: all that `run` needs to run a rule on random events."""

    def make(
        rule: str | rules.Rule, seed: int = 0, *, batch: int = 2, time: int = 7, head: int = 2, pre: int = 5,
        post: int = 3, slot: int = 4, micro: int = 2, extreme: bool = False, dtype: torch.dtype = torch.float64,
        device: torch.device | str = device,
    ) -> dict:  # fmt: skip
        """Signals over their whole range, or, if `extreme`, at its ends; keys and values of norm 1, so that error
        correction cannot blow up, where the rule does not bound them."""
        rule = rules.get(rule)
        generator = torch.Generator().manual_seed(seed)
        sizes = {"pre": pre, "post": post, "slot": slot, "program": 2 * pre + post + 1}

        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(shape, generator=generator, dtype=torch.float64)

        def uniform(*shape: int) -> torch.Tensor:
            return torch.rand(shape, generator=generator, dtype=torch.float64)

        def one_of(numbers: list[float], *shape: int) -> torch.Tensor:
            return torch.tensor(numbers, dtype=torch.float64)[torch.randint(len(numbers), shape, generator=generator)]

        def signal(argument: rules.Argument) -> torch.Tensor:
            steps = time * micro if "micro" in argument.dims else time
            leading = (batch, steps, head) if argument.per_event else (head,)
            shape = (*leading, *(sizes.get(dim, 6) for dim in argument.dims if dim != "micro"))
            low, high = argument.low, argument.high
            if np.isfinite([low, high]).all():
                return (
                    one_of([low, (low + high) / 2, high], *shape) if extreme else low + (high - low) * uniform(*shape)
                )
            if np.isfinite(high):
                return high + (one_of([0, -1e-3, -50, -1e5], *shape) if extreme else -0.3 * uniform(*shape))
            if np.isfinite(low):
                return low + 0.5 + uniform(*shape)
            drawn = normal(*shape)
            if argument.name in ("key", "value", "removal"):
                return drawn / drawn.norm(dim=-1, keepdim=True)
            return 20 * drawn if extreme and argument.per_event else drawn

        made = {"query": normal(batch, time, head, pre)} | {each.name: signal(each) for each in rule.arguments}
        if "program" in rule.weight_dims:
            made["initial"] = normal(batch, head, post + 2 * pre + 4, pre)
        moved = {name: tensor.to(device, dtype) for name, tensor in made.items()}
        return moved | ({"micro_steps": micro} if any("micro" in each.dims for each in rule.arguments) else {})

    return make


@pytest.fixture
def small_program() -> xr.Dataset:
    """Two episodes of three events, with targets."""
    rng = np.random.default_rng(7)
    key = (rng.random((2, 3, 5)) < 0.4).astype(float)
    value = rng.uniform(-1, 1, (2, 3, 4))
    return program.from_arrays(
        key, value, query=key[:, ::-1], write_gate=[1, 0.5, 0], retention=0.9, duration=[500, 400, 300.5], target=value
    )


@pytest.fixture
def small_trace() -> xr.Dataset:
    """A valid Trace of two episodes, with ON and OFF pools and a read that did not happen."""
    rng = np.random.default_rng(11)
    conductance = rng.uniform(0, 3, (2, 3, 2, 4, 5))
    recall = rng.normal(size=(2, 3, 4))
    recall[:, 0] = np.nan
    trace = xr.Dataset(
        {
            "weight": (("episode", "event", "post", "pre"), conductance[:, :, 0] - conductance[:, :, 1]),
            "recall": (("episode", "event", "post"), recall),
            "conductance": (("episode", "event", "polarity", "post", "pre"), conductance),
        },
        coords={"polarity": ["on", "off"], "read_start": ("event", [np.nan, 900.0, 1400.0])},
        attrs={"kind": "neurofwp.trace", "network": "spiking"},
    )
    for name, unit in {"weight": "nS", "recall": "1", "conductance": "nS", "read_start": "ms"}.items():
        trace[name].attrs["units"] = unit
    return provenance.stamp(trace, config={"regime": "additive", "probes": None}, seed=3)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of neurofwp, in wheels/ beside source/, the copy of the checkout that it was built from."""
    folder = tmp_path_factory.mktemp("built")
    source, wheels = folder / "source", folder / "wheels"
    ignored = shutil.ignore_patterns(".*", "results", "build", "*.egg-info", "__pycache__", "tests")
    shutil.copytree(Path(__file__).parent.parent, source, ignore=ignored)
    words = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", str(wheels)]
    subprocess.run([sys.executable, "-m", "pip", *words, str(source)], check=True, capture_output=True, timeout=120)
    (made,) = wheels.iterdir()
    return made


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment of its own, with the wheel, and with the other packages of this environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "others.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    words = ["install", "--no-deps", "--no-index", "--quiet", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, capture_output=True, timeout=120)
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def shared_library() -> Callable[[Path, Sequence[str]], ctypes.CDLL]:
    """`shared_library(source, flags)`: a C++ file, compiled with these flags and loaded."""

    def load(source: Path, flags: Sequence[str]) -> ctypes.CDLL:
        made, library = source.with_suffix(".o"), source.with_suffix(".so")
        command, _ = backends.compiler()
        subprocess.run([*shlex.split(command), *flags, "-fPIC", "-c", "-o", str(made), str(source)], check=True)
        # linked without these flags: -ffast-math would take small numbers from the whole process
        subprocess.run([*shlex.split(command), "-shared", "-o", str(library), str(made), "-lm"], check=True)
        return ctypes.CDLL(str(library))

    return load
