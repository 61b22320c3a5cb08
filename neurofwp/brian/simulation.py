"""A simulation: from numbers to what was recorded, on whichever of Brian2's backends."""

from __future__ import annotations

import hashlib
import inspect
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import Quantity, second

from neurofwp import synapses
from neurofwp.brian import backends, builds
from neurofwp.brian.builds import Recorded
from neurofwp.brian.device import cpp_function
from neurofwp.brian.not_finite import NotFinite
from neurofwp.brian.writer import RuntimeWriter, Writer
from neurofwp.errors import InputError

SEED = f"for (auto& each : brian::_random_generators) each.seed({builds.GIVEN_SEED});"
TOLD = 50  # times that a compiled network tells the share that is done
TELL = cpp_function(
    "tell",
    r"""
    static inline double tell(const double share) {
        std::cout << "\r  simulating " << int(100*share) << " %" << std::flush;
        return share;
    }
    """,
    {"share": 1},
)


@dataclass(frozen=True, kw_only=True)
class Simulation(ABC):
    """A network of one shape, for a time; what it is given beside that are numbers. Each kind is a subclass.

    duration : of a run. step : of its fastest clock. profile : whether a compiled network counts the seconds of every
        part of its code.
    """

    duration: Quantity
    step: Quantity
    profile: bool = False

    @property
    def last(self) -> Sequence[str]:
        """Variables to tell as they are at the end, as "group.variable"."""
        return ()

    @abstractmethod
    def network(self) -> b2.Network:
        """The Brian2 objects. What is a number is not in their code, and still 0."""

    @abstractmethod
    def shape(self) -> dict[str, Any]:
        """All that shapes their code, in JSON, but for the fields of this class, and the source."""

    @abstractmethod
    def in_words(self, found: NotFinite) -> str:
        """Which numbers are not finite, of which cell or synapse, since when, and why."""

    def run(self, backend: str, numbers: builds.Inputs, seed: int, *, progress: bool = False) -> Recorded:
        """What the monitors recorded, and `last`, by "monitor.variable" and "group.variable", in SI units.

        Raises
        ------
        InputError
            if a number of its cells or synapses is no longer finite.
        """
        try:
            return self._run(backend, numbers, seed, progress)
        except NotFinite as found:
            raise InputError(self.in_words(found)) from found

    def _run(self, backend: str, numbers: builds.Inputs, seed: int, progress: bool) -> Recorded:
        if backend == "cpp_standalone":
            return self.build().run(numbers, seed, progress=progress)
        with backends.use_backend(backend):
            network = self.network()
            for name, value in numbers.items():
                group, variable = name.split(".")
                if group in network and variable in network[group].variables:
                    getattr(network[group], f"{variable}_")[:] = value
            b2.seed(seed)
            writers = [each for each in network.sorted_objects if isinstance(each, RuntimeWriter)]
            try:
                network.run(self.duration, report=_show if progress else None, report_period=1 * second, namespace={})
                recorded = {
                    name: np.asarray(getattr(group, f"{variable}_"))
                    for name, (group, variable) in (_recordings(network) | self._last(network)).items()
                }
                for writer in writers:
                    recorded |= writer.recorded()
                return recorded
            finally:
                for writer in writers:
                    writer.close()

    def build(self) -> builds.Build:
        """The compiled network."""
        own = {
            "kind": [type(self).__qualname__, self.profile],
            "source": _source(type(self)),
            "preferences": str(b2.prefs),
            "times": [str(float(each)) for each in (self.duration, self.step)],
            "last": list(self.last),
        }
        return builds.find_or_compile(self.shape() | own, self._compile)

    def _last(self, network: b2.Network) -> dict[str, tuple[Any, str]]:
        return {name: (network[name.split(".")[0]], name.split(".")[1]) for name in self.last}

    def _teller(self) -> b2.NeuronGroup:
        """Tells how far a compiled network is. A report of Brian2's would read the time at every step of every part."""
        step = max(1, int(self.duration / self.step) // TOLD) * self.step
        names = {"tell": TELL, "duration": self.duration}
        teller = b2.NeuronGroup(1, "told : 1", dt=step, namespace=names, name="teller")
        teller.run_regularly("told = tell(t/duration)", clock=teller.clock, name="teller_tells")
        return teller

    def _compile(self, folder: Path) -> dict[str, Any]:
        """Compile into `folder`; returns the fields of a `builds.Build`."""
        with backends.use_backend("cpp_standalone") as project:
            assert project is not None
            network = self.network()
            device = b2.get_device()
            device.insert_code("main", SEED)
            device.apply_run_args()
            network.add(self._teller())
            network.run(self.duration, namespace={}, profile=self.profile)
            device.build(directory=str(project), with_output=False, compile=False, run=False)
            backends.compile_project(project)
            shutil.copy(project / "main", folder)
            shutil.copytree(project / "static_arrays", folder / "static_arrays")
            return _fields(network, device, self._last(network))


def _recordings(network: b2.Network) -> dict[str, tuple[Any, str]]:
    """Monitor and variable of all that is recorded, by "monitor.variable"."""
    return {
        f"{each.name}.{variable}": (each, variable)
        for each in network.sorted_objects
        if isinstance(each, (b2.SpikeMonitor, b2.StateMonitor))
        for variable in ("t", *(("i",) if isinstance(each, b2.SpikeMonitor) else each.record_variables))
    }


def _fields(network: b2.Network, device: Any, last: dict[str, tuple[Any, str]]) -> dict[str, Any]:
    inputs: dict[str, str] = {}
    needed: list[str] = []
    for group in network.sorted_objects:
        if not isinstance(group, (b2.NeuronGroup, b2.Synapses)):
            continue
        # they are in the code: from brian2 2.10 on they belong to the group, and no longer to its pathway
        delays = [pathway.variables["delay"] for pathway in getattr(group, "_pathways", ())]
        for name, variable in group.variables.items():
            own = variable in device.arrays and variable.owner.name == group.name and variable not in delays
            if own and not variable.read_only:
                inputs[f"{group.name}.{name}"] = np.dtype(variable.dtype).str
                if variable.constant:
                    needed.append(f"{group.name}.{name}")
    tables = {f"{table.name}.values": table.values.dtype.str for table in device.timed_arrays}
    outputs = {}
    for name, (group, variable) in (_recordings(network) | last).items():
        array = group.variables[variable]
        columns = len(group.record) if isinstance(group, b2.StateMonitor) and variable != "t" else 0
        outputs[name] = {
            "file": device.get_array_filename(array),
            "dtype": np.dtype(array.dtype).str,
            "columns": columns,
        }
    for writer in (each for each in network.sorted_objects if isinstance(each, Writer)):
        outputs |= {f"{writer.name}.{variable}": output for variable, output in writer.outputs.items()}
    return {"inputs": inputs | tables, "needed": [*needed, *tables], "outputs": outputs}


@cache
def _source(kind: type) -> str:
    """A hash of the code that makes networks of that kind."""
    sha = hashlib.sha256()
    for package in (Path(inspect.getfile(kind)).parent, Path(__file__).parent, Path(synapses.__file__).parent):
        for path in sorted((*package.rglob("*.py"), *package.glob("templates/*"))):
            sha.update(path.read_bytes())
    return sha.hexdigest()


def _show(elapsed: Quantity, completed: float, start: Quantity, duration: Quantity) -> None:
    end = "\n" if completed >= 1 else ""
    print(f"\r  simulating {100 * completed:.0f} %", end=end, file=sys.stderr, flush=True)
