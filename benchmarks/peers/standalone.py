"""Brian2's compiled programs as contenders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import second
from numpy.typing import NDArray

from benchmarks.peers.cases import CELLS, MEMBRANE_STEP, Case, table
from benchmarks.spiking_growth import LAUNCHER
from neurofwp.brian import backends

UNITS = {
    "E_leak": b2.volt, "g_leak": b2.siemens, "tau": second, "threshold": b2.volt, "u_rest": b2.volt,
    "u_size": b2.volt, "u_rate": b2.Hz, "tau_dendrite": second,
}  # fmt: skip
NAMES: dict[str, Any] = {name: value * UNITS[name] for name, value in CELLS.items()}
VALUE_CELL = """
    dv/dt = (E_leak - v - g_ampa/g_leak*v)/tau : volt
    dv_dendrite/dt = (u_target - v_dendrite)/tau_dendrite : volt
    u_target : volt
    phase : 1 (constant)
    fired : 1
"""
WAVE = "u_target = u_rest + u_size*sin(2*pi*u_rate*t + phase)"
TELL = 'std::printf("\\nprocessor seconds %.6f\\n", double(std::clock() - began)/CLOCKS_PER_SEC);'


def scripted(
    spikes: list[NDArray[np.int64]], equations: str, at_spike: str, name: str, names: dict[str, Any], **more: Any
) -> b2.NeuronGroup:
    """Cells that fire at given steps."""
    times = b2.TimedArray(table(spikes) * second, dt=1 * second, name=f"{name}_times")
    group = b2.NeuronGroup(
        len(spikes), f"next_spike : second\ncount : 1\n{equations}", threshold="t > next_spike - 0.5*dt",
        reset=f"count += 1\nnext_spike = {name}_times(count*second, i)\n{at_spike}", method="exponential_euler",
        namespace={f"{name}_times": times} | names, name=name, dt=MEMBRANE_STEP * second, **more,
    )  # fmt: skip
    group.next_spike = table(spikes)[0] * second
    return group


Made = tuple[b2.NeuronGroup, b2.NeuronGroup, b2.Synapses]  # key cells, value cells, synapses


@dataclass(frozen=True)
class Program:
    """A compiled network in a folder, the files of its weights and spikes there, and what removes it at the end."""

    folder: Path
    weights_file: Path
    fired_file: Path
    dtype: Any
    holder: tempfile.TemporaryDirectory[str]

    def run(self) -> float:
        """Processor seconds of the network, without its start."""
        told = subprocess.run(["./main"], cwd=self.folder, capture_output=True, text=True, check=True).stdout
        return float(told.rsplit("processor seconds", 1)[1].split()[0])

    def weights(self) -> NDArray[np.float64]:
        """At the end, in siemens, ordered by key cell."""
        return np.fromfile(self.folder / self.weights_file, self.dtype).astype(float)

    def fired(self) -> float:
        """Spikes of all value cells."""
        return float(np.fromfile(self.folder / self.fired_file).sum())

    def mebibytes(self) -> float:
        """That the program holds at most."""
        words = [sys.executable, "-c", LAUNCHER, "./main"]
        return int(subprocess.run(words, cwd=self.folder, capture_output=True, check=True).stdout) / 1024


def build_ours(network: Callable[[Case], Made], case: Case) -> Program:
    """A network compiled as `SpikingNetwork` compiles its own."""
    with backends.use_backend("cpp_standalone") as folder:
        assert folder is not None
        return _compile(network(case), case, folder, backends.compile_project)


def build_brian2(network: Callable[[Case], Made], case: Case) -> Program:
    """A network compiled as Brian2 compiles it, with its own flags."""
    with tempfile.TemporaryDirectory(prefix="neurofwp-") as folder:
        b2.set_device("cpp_standalone", directory=folder, build_on_run=False)
        b2.prefs.devices.cpp_standalone.extra_make_args_unix = [f"-j{os.cpu_count() or 1}"]
        return _compile(network(case), case, Path(folder), backends.make)


def _compile(made: Made, case: Case, folder: Path, compile: Callable[[Path], None]) -> Program:
    """Write a network's program while a standalone device is set, compile it, and copy it to a folder that stays."""
    _, value, plastic = made
    device = b2.get_device()
    device.insert_code("before_network_run", "const std::clock_t began = std::clock();")
    device.insert_code("after_network_run", TELL)
    b2.Network(*made).run(case.seconds * second, namespace={})
    device.build(directory=str(folder), with_output=False, compile=False, run=False)
    compile(folder)
    weight = plastic.variables["weight"]
    weights, fired = (
        Path("results", Path(device.get_array_filename(each)).name) for each in (weight, value.variables["fired"])
    )
    holder = tempfile.TemporaryDirectory(prefix="neurofwp-")
    kept = Path(holder.name, "program")
    shutil.copytree(folder, kept, ignore=shutil.ignore_patterns("*.o"))
    return Program(kept, weights, fired, weight.dtype, holder)
