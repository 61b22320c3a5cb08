"""What this machine has of what neurofwp needs, and what to do about what it has not."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

FREE_GIGABYTES = 2
REINSTALL = "install neurofwp again in a fresh environment, with its constraints file"


@dataclass(frozen=True)
class Finding:
    """One check: `found` says what is there; `remedy` is empty where all is well, else what to do."""

    what: str
    found: str
    remedy: str = ""
    needed: bool = True


def examine(*, quick: bool = False) -> list[Finding]:
    """Run every check. A check that fails in a way nobody thought of becomes a problem that shows the error.

    quick : leave out those that compile, simulate and fit.
    """
    checks = CHECKS if quick else CHECKS | TRIALS
    return [_run_check(what, check) for what, check in checks.items()]


def _run_check(what: str, check: Callable[[str], Finding]) -> Finding:
    try:
        return check(what)
    except Exception as error:
        return Finding(what, f"{type(error).__name__}: {error}", REINSTALL)


def _python(what: str) -> Finding:
    found = f"{sys.version.split()[0]} at {sys.executable}"
    return Finding(what, found, "" if sys.version_info >= (3, 11) else "install Python 3.11 or later")


def _compiler(what: str) -> Finding:
    """Compile as Brian2 does: C++ against this Python's own headers."""
    command = shlex.split(os.environ.get("CXX") or sysconfig.get_config_var("CXX") or "c++")
    if shutil.which(command[0]) is None:
        return Finding(what, f"no {command[0]}", "install a C++ compiler (Debian: apt-get install g++), or set CXX")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "trivial.cpp")
        source.write_text("#include <cmath>\n#include <Python.h>\ndouble one() { return std::exp(0.0); }\n", "utf-8")
        include = f"-I{sysconfig.get_path('include')}"
        words = (*command, include, "-c", str(source), "-o", str(source.with_suffix(".o")))
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        complaint = next((line for line in done.stderr.splitlines() if "error" in line), "it failed")
        return Finding(what, complaint, "install the C++ library and Python headers (Debian: g++ and python3-dev)")
    return Finding(what, f"{shutil.which(command[0])} compiles")


def _brian2(what: str) -> Finding:
    import_module("Cython")
    import_module("brian2")
    return Finding(what, f"brian2 {version('brian2')} with Cython {version('cython')}")


def _brian2_cache(what: str) -> Finding:
    from brian2.codegen.runtime.cython_rt.extension_manager import get_cython_cache_dir

    folder = Path(get_cython_cache_dir())
    return _writable(what, folder, "set codegen.runtime.cython.cache_dir in Brian2's preferences")


def _builds(what: str) -> Finding:
    from neurofwp.brian import cache

    return _writable(what, cache.user_folder(), f"set {cache.FOLDER} to a folder that can be written")


def _torch(what: str) -> Finding:
    import_module("torch")
    return Finding(what, f"torch {version('torch')}")


def _gpu(what: str) -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding(what, torch.cuda.get_device_name(), needed=False)
    if torch.version.cuda is None:
        return Finding(what, "none: this torch is a CPU build", "for a GPU install a CUDA build of torch", needed=False)
    return Finding(what, "none found", "for a GPU check its driver; everything runs on the CPU too", needed=False)


def _hdf5(what: str) -> Finding:
    """Write and read a result file, through both libraries that xarray goes through."""
    import numpy as np
    import xarray as xr

    from neurofwp.runtime import files

    with tempfile.TemporaryDirectory() as folder:
        written = xr.Dataset({"weight": ("pre", np.arange(3.0))})
        same = files.read_netcdf(files.write_netcdf(written, Path(folder, "trial.nc"))).identical(written)
    found = f"h5py {version('h5py')}, h5netcdf {version('h5netcdf')}"
    return Finding(what, found, "" if same else "a file read back differs: install h5py and h5netcdf again")


def _matplotlib_cache(what: str) -> Finding:
    import matplotlib

    return _writable(what, Path(matplotlib.get_cachedir()), "set MPLCONFIGDIR to a folder that can be written")


def _disk(what: str) -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    remedy = "" if free > FREE_GIGABYTES else f"free at least {FREE_GIGABYTES} GB, or use --out on another disk"
    return Finding(what, f"{free:.0f} GB free here", remedy, needed=False)


def _writable(what: str, folder: Path, remedy: str) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Finding(what, str(folder))
    except OSError as error:
        return Finding(what, f"{folder}: {error.strerror}", remedy)


CHECKS: dict[str, Callable[[str], Finding]] = {
    "Python": _python,
    "C++ compiler": _compiler,
    "Brian2": _brian2,
    "Brian2's cache": _brian2_cache,
    "compiled networks": _builds,
    "torch": _torch,
    "GPU": _gpu,
    "HDF5": _hdf5,
    "matplotlib's cache": _matplotlib_cache,
    "disk": _disk,
}


def _network(what: str) -> Finding:
    """Compile a small network anew, run it, and compare it with the same steps in NumPy."""
    import numpy as np

    from neurofwp import program
    from neurofwp.brian import cache
    from neurofwp.runtime import children
    from neurofwp.spiking import SpikingNetwork

    memory = program.from_arrays(np.ones((1, 4)), [[1.0]], duration=150.0)
    before = os.environ.get(cache.FOLDER)
    with children.temporary_folder() as folder:
        os.environ[cache.FOLDER] = str(folder)
        cache.cache_folder.cache_clear()
        try:
            compiled = SpikingNetwork("additive", cells_per_pool=1).run(memory, seed=0)
        finally:
            os.environ.pop(cache.FOLDER) if before is None else os.environ.update({cache.FOLDER: before})
            cache.cache_folder.cache_clear()
    stepped = SpikingNetwork("additive", cells_per_pool=1, backend="numpy").run(memory, seed=0)
    same = np.allclose(compiled["weight"], stepped["weight"], rtol=1e-3, atol=1e-9)
    remedy = "" if same else "install the versions of the constraints file: pip install -c constraints.txt neurofwp"
    return Finding(what, "compiled, and equal to its steps in NumPy" if same else "differs from NumPy", remedy)


def _fit(what: str) -> Finding:
    """Make weights by a rule, and identify it."""
    import numpy as np

    from neurofwp import RateNetwork, identification, program

    rng = np.random.default_rng(0)
    memory = program.from_arrays(rng.random((4, 5, 8)) < 0.4, rng.uniform(-1, 1, (4, 5, 3)))
    trace = RateNetwork("delta").run(memory)
    fits = identification.identify(
        memory, trace, ["delta", "hebbian"], noise=1e-3, references=False, progress=False, restarts=1
    )
    score = float(fits["feve"].sel(rule="delta"))
    return Finding(what, f"the delta rule explains {score:.3f} of its own weights", "" if score > 0.99 else REINSTALL)


TRIALS: dict[str, Callable[[str], Finding]] = {"a small network": _network, "a small fit": _fit}
