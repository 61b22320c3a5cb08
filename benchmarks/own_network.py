"""What a synapse model costs in a Brian2 network of one's own, against the rows of synapses of a `SpikingNetwork`.

Both are standalone programs of one network, 1000 Poisson axons onto 256 cells, all to all: `neurofwp.synapse(...)
.connect`, where every synapse has its own copy of what belongs to a cell, and `neurofwp.brian.connect`, where cells
hold it and a compiled loop advances the synapses of an axon in a row. In turns; a ratio is the median over rounds, with
quartiles.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import brian2 as b2
import numpy as np
import torch
import tyro
from brian2 import Hz, ms, mV, nS

import neurofwp
from benchmarks import machine
from neurofwp.brian import backends, connect
from neurofwp.synapses.model import load

AXONS, CELLS, SECONDS = 1000, 256, 2.0
LIF = "dv_dendrite/dt = (-60*mV - v_dendrite + g_ampa/(10*nS)*(0*mV - v_dendrite))/(20*ms) : volt"
GIVEN = "nmda_gain : 1\nforgetting : Hz\ncalcium_outside : mmolar"


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/benchmark-own-network.json")
    """Where the numbers go."""
    synapse: str = "error-correcting"
    """Synapse model."""
    rate: float = 10.0
    """Of the axons, Hz."""
    rounds: int = 5
    """How often each runs."""


def own(settings: Settings) -> b2.Network:
    """The network with `connect` of a synapse model."""
    axons = b2.PoissonGroup(AXONS, settings.rate * Hz)
    cells = b2.NeuronGroup(CELLS, f"{LIF}\ndg_ampa/dt = -g_ampa/(5*ms) : siemens", threshold="v_dendrite > -50*mV",
                           reset="v_dendrite = -60*mV", method="exponential_euler")  # fmt: skip
    cells.v_dendrite = -60 * mV
    plastic = neurofwp.synapse(settings.synapse).connect(axons, cells)
    plastic.weight = 0.1 * nS
    return b2.Network(axons, cells, plastic)


def rows(settings: Settings) -> b2.Network:
    """The same cells and synapses, as our networks connect them."""
    synapse = load(settings.synapse)
    plasticity = b2.Clock(1 * ms, name="plasticity_clock")
    names = synapse.constants(plasticity.dt) | {"axon_rate": settings.rate * Hz}
    axons = b2.NeuronGroup(AXONS, f"advanced : 1\n{synapse.text('presynaptic')}", threshold="rand() < axon_rate*dt",
                           reset=synapse.text("presynaptic_spike"), method="exponential_euler", namespace=names,
                           name="key")  # fmt: skip
    cells = b2.NeuronGroup(CELLS, f"{LIF}\n{GIVEN}\n{synapse.text('postsynaptic')}", threshold="v_dendrite > -50*mV",
                           reset="v_dendrite = -60*mV", method="exponential_euler", namespace=names,
                           name="value")  # fmt: skip
    cells.v_dendrite, cells.nmda_gain, cells.calcium_outside = -60 * mV, 1, 2 * b2.mmolar
    cells.run_regularly(synapse.text("postsynaptic_update"), clock=plasticity)
    plastic = connect.connect(synapse, axons, cells, clock=axons.clock, plasticity=plasticity, dtype=np.float32,
                              block=(1, AXONS, CELLS))  # fmt: skip
    connect.begin(synapse, plastic, plasticity.dt)
    plastic.weight = 0.1 * nS
    return b2.Network(axons, cells, plastic)


def compile(make: Callable[[Settings], b2.Network], settings: Settings, stack: ExitStack) -> Path:
    """The folder of the compiled program."""
    with backends.use_backend("cpp_standalone") as folder:
        assert folder is not None
        make(settings).run(SECONDS * b2.second, namespace={})
        b2.get_device().build(directory=str(folder), compile=False, run=False)
        backends.make(folder)
        kept = Path(stack.enter_context(neurofwp.runtime.children.temporary_folder()))
        subprocess.run(["cp", "-r", f"{folder}/.", str(kept)], check=True)
    return kept


def seconds(program: Path) -> float:
    """Of the network alone, for a simulated second."""
    subprocess.run([str(program / "main"), "--results_dir", f"{program}/results/"], cwd=program, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return float((program / "results" / "last_run_info.txt").read_text().split()[0]) / SECONDS


def main(words: list[str] | None = None) -> int:
    """Measure, write the numbers, print the ratio."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.own_network", description=__doc__, args=words)
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        programs = [compile(make, settings, stack) for make in (own, rows)]
        spent = np.array([[seconds(program) for program in programs] for _ in range(settings.rounds)])
    ratio = np.quantile(spent[:, 0] / spent[:, 1], [0.25, 0.5, 0.75])
    found = {
        "machine": machine.describe(torch.device("cpu")),
        "load": os.getloadavg()[0],
        "seconds.own": float(np.median(spent[:, 0])),
        "seconds.rows": float(np.median(spent[:, 1])),
        "ratio": float(ratio[1]),
        "spread": ratio[[0, 2]].tolist(),
    }
    settings.json.write_text(json.dumps(found, indent=2) + "\n")
    print(f"own {found['seconds.own']:.2f} s, rows {found['seconds.rows']:.2f} s per simulated second; "
          f"ratio {ratio[1]:.1f} [{ratio[0]:.1f}, {ratio[2]:.1f}]")  # fmt: skip
    print(settings.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
