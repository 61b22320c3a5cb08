"""A simulation: from a plan and its numbers to what was recorded, on whichever of Brian2's targets."""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import Quantity, second

from neurofwp import synapses
from neurofwp.spiking import builds, targets
from neurofwp.spiking.builds import Recorded
from neurofwp.spiking.numbers import Numbers, varied_constants
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.populations import build
from neurofwp.spiking.recording import Probe, monitors
from neurofwp.spiking.timeline import Timeline
from neurofwp.spiking.writer import Writer
from neurofwp.synapses.base import Stage
from neurofwp.synapses.device import cpp_function

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


@dataclass(frozen=True)
class Simulation:
    """A network of one shape, for a time; what it is given beside that are numbers."""

    plan: Plan
    timeline: Timeline
    probes: Sequence[Probe]
    duration: Quantity
    profile: bool = False  # whether a compiled network counts the seconds of every part of its code

    def run(self, target: str, numbers: Numbers, seed: int, *, progress: bool) -> Recorded:
        """What the monitors recorded, by "monitor.variable", in SI units."""
        if target == "cpp_standalone":
            return self.build().run(numbers, seed, progress=progress)
        with targets.running_on(target):
            network = self._network()
            for name, value in numbers.items():
                group, variable = name.split(".")
                if group in network and variable in network[group].variables:
                    getattr(network[group], f"{variable}_")[:] = value
            b2.seed(seed)
            network.run(self.duration, report=_show if progress else None, report_period=1 * second, namespace={})
            return {
                name: np.asarray(getattr(monitor, f"{variable}_"))
                for name, (monitor, variable) in _recorded(network).items()
            }

    def build(self) -> builds.Build:
        """The compiled network."""
        return builds.built(self._shape(), self._compile)

    def _network(self) -> b2.Network:
        populations = build(self.plan, self.timeline)
        seen = monitors(populations, self.timeline, self.probes, self.plan)
        return b2.Network(*populations.objects, *seen)

    def _teller(self) -> b2.NeuronGroup:
        """Tells how far a compiled network is. A report of Brian2's would read the time at every step of every part."""
        step = max(1, int(self.duration / self.plan.membrane_step) // TOLD) * self.plan.membrane_step
        names = {"tell": TELL, "duration": self.duration}
        teller = b2.NeuronGroup(1, "told : 1", dt=step, namespace=names, name="teller")
        teller.run_regularly("told = tell(t/duration)", clock=teller.clock, name="teller_tells")
        return teller

    def _shape(self) -> dict[str, Any]:
        """All that shapes the code, in JSON."""
        plan, synapse = self.plan, self.plan.synapse
        sizes = {name: getattr(plan, name) for name in ("episodes", "pre", "post", "per_pool", "key_cells", "gate")}
        parts = [each.name for each in fields(Stage) if isinstance(each.default, str)]
        return sizes | {
            "kind": [type(self).__qualname__, self.profile],
            "source": _source(),
            "preferences": str(b2.prefs),
            "steps": [str(float(each)) for each in (plan.membrane_step, plan.plasticity_step, self.duration)],
            "slot": self.timeline.slot,
            "tables": {name: table.shape for name, table in self.timeline.tables.items()},
            "synapse": {part: synapse.text(part) for part in parts if part != "update"} | {"update": synapse.update},
            "delay": str(synapse.values.get(synapse.text("delay"))),
            "names": sorted(plan.constants),
            "varied": [sorted(plan.varied), sorted(varied_constants(plan))],
            "dtype": [np.dtype(plan.synapse_dtype).name, sorted(synapse.double)],
            "probes": list(self.probes),
        }

    def _compile(self, folder: Path) -> dict[str, Any]:
        """Compile into `folder`; returns the fields of a `builds.Build`."""
        with targets.running_on("cpp_standalone") as project:
            assert project is not None
            network = self._network()
            device = b2.get_device()
            device.insert_code("main", SEED)
            device.apply_run_args()
            network.add(self._teller())
            network.run(self.duration, namespace={}, profile=self.profile)
            device.build(directory=str(project), with_output=False, run=False)
            shutil.copy(project / "main", folder)
            shutil.copytree(project / "static_arrays", folder / "static_arrays")
            return _fields(network, device)


def _recorded(network: b2.Network) -> dict[str, tuple[Any, str]]:
    """Monitor and variable of all that is recorded, by "monitor.variable"."""
    return {
        f"{each.name}.{variable}": (each, variable)
        for each in network.sorted_objects
        if isinstance(each, (b2.SpikeMonitor, b2.StateMonitor))
        for variable in ("t", *(("i",) if isinstance(each, b2.SpikeMonitor) else each.record_variables))
    }


def _fields(network: b2.Network, device: Any) -> dict[str, Any]:
    inputs: dict[str, str] = {}
    needed: list[str] = []
    for group in network.sorted_objects:
        if not isinstance(group, (b2.NeuronGroup, b2.Synapses)):
            continue
        for name, variable in group.variables.items():
            own = variable in device.arrays and variable.owner.name == group.name
            if own and not variable.read_only:
                inputs[f"{group.name}.{name}"] = np.dtype(variable.dtype).str
                if variable.constant:
                    needed.append(f"{group.name}.{name}")
    tables = {f"{table.name}.values": table.values.dtype.str for table in device.timed_arrays}
    outputs = {}
    for name, (monitor, variable) in _recorded(network).items():
        array = monitor.variables[variable]
        columns = len(monitor.record) if isinstance(monitor, b2.StateMonitor) and variable != "t" else 0
        outputs[name] = {
            "file": device.get_array_filename(array), "dtype": np.dtype(array.dtype).str, "columns": columns
        }  # fmt: skip
    for writer in (each for each in network.sorted_objects if isinstance(each, Writer)):
        outputs |= {f"{writer.name}.{variable}": output for variable, output in writer.outputs.items()}
    return {"inputs": inputs | tables, "needed": [*needed, *tables], "outputs": outputs}


@cache
def _source() -> str:
    """A hash of the code that makes networks."""
    sha = hashlib.sha256()
    for package in (Path(__file__).parent, Path(synapses.__file__).parent):
        for path in sorted((*package.glob("*.py"), *package.glob("templates/*"))):
            sha.update(path.read_bytes())
    return sha.hexdigest()


def _show(elapsed: Quantity, completed: float, start: Quantity, duration: Quantity) -> None:
    end = "\n" if completed >= 1 else ""
    print(f"\r  simulating {100 * completed:.0f} %", end=end, file=sys.stderr, flush=True)
