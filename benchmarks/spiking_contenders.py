"""The networks that the benchmark of the spiking network compares: ours, Brian2's plain style, a loop by hand."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import ms

from neurofwp import program
from neurofwp.brian import backends
from neurofwp.spiking import SpikingNetwork
from neurofwp.spiking.circuit_simulation import CircuitSimulation
from neurofwp.spiking.initial_values import numbers as starting_numbers
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.populations import build
from neurofwp.spiking.recording import monitors
from neurofwp.spiking.replicas import Replicas
from neurofwp.spiking.timeline import schedule

PER_POOL = 4


@dataclass(frozen=True)
class Size:
    """Replicas, key cells and value cells of each."""

    episodes: int
    pre: int
    cells: int

    @property
    def synapses(self) -> int:
        return self.episodes * self.pre * self.cells


class Plain(CircuitSimulation):
    """Brian2's plain style: what its examples would make of these synapses."""

    def network(self) -> b2.Network:
        populations = build(self.plan, self.timeline)
        old = populations.plastic
        plastic = b2.Synapses(
            populations.cells["key"], populations.cells["value"],
            """
            unblocked_here = 1/(1 + exp(-0.062*v_dendrite_post/mV)*Mg/(3.57*mmolar)) : 1
            influx = nmda_gain_post*g_calcium*(E_calcium - v_dendrite_post)*unblocked_here : 1
            dcalcium/dt = (s_nmda_pre*influx - calcium)/tau_calcium : 1 (clock-driven)
            h_p = calcium**p/(K_P**p + calcium**p) : 1
            h_q = calcium**q/(K_D**q + calcium**q) : 1
            dweight/dt = P*h_p*(1 - weight/w_max) - D*h_q*weight/(weight + K_m)
                         - weight*(1/tau_turnover + forgetting_post) : siemens (clock-driven)
            """,
            on_pre="g_ampa_post += weight", method="euler", dt=self.plan.membrane_step,
            namespace={**self.plan.constants, "tau_turnover": 1e9 * b2.second}, name="plain",
        )  # fmt: skip
        pre, cells = (self.plan.members[name] for name in ("key", "value"))
        i, j = np.indices((pre, cells)).reshape(2, -1)
        first = np.repeat(np.arange(self.plan.replicas), i.size)
        plastic.connect(
            i=first * pre + np.tile(i, self.plan.replicas),
            j=first * cells + np.tile(j, self.plan.replicas),
        )
        populations = replace(populations, plastic=plastic)
        network = b2.Network(*populations.objects, *monitors(populations, self.timeline, (), self.plan))
        network.unused = old  # its variables are part of the compiled program
        return network


@dataclass(frozen=True)
class Contest:
    """A network of one size, and the seconds of each contender for one simulated second."""

    size: Size
    seconds: float
    plan: Plan
    simulation: CircuitSimulation
    seed: int

    def numbers(self, seed: int) -> Any:
        return starting_numbers(replace(self.plan, seeds=[seed] * self.plan.replicas), self.simulation.timeline)

    def brian(self, simulation: CircuitSimulation, seed: int = 0) -> dict[str, np.ndarray]:
        return simulation.run("cpp_standalone", self.numbers(seed), seed)


def contest(
    size: Size,
    *,
    seed: int,
    short: bool = False,
    membrane_step: Any = 0.1 * ms,
    stretched: float = 1,
    active: float = 0.05,
    **network: Any,
) -> Contest:
    """Two pairs are written and read, in 2 simulated seconds, or `stretched`; `short`: one is written, in 0.3 s.

    active : share of the key cells in a key. network : further arguments of SpikingNetwork.
    """
    rng = np.random.default_rng(seed)
    events = 1 if short else 2
    post = size.cells // (2 * PER_POOL)
    key = (rng.random((size.episodes, events, size.pre)).argsort(2) < max(1, round(size.pre * active))).astype(float)
    value = rng.choice([-1.0, 1.0], (size.episodes, events, post))
    query = None if short else key[:, ::-1]
    made = program.from_arrays(key, value, query=query, duration=(200.0 if short else 400.0) * stretched)
    own = SpikingNetwork(
        **{"synapse": "error-correcting", "cells_per_pool": PER_POOL, "membrane_step": membrane_step} | network
    )
    timeline = schedule(made, gate_delay=100, pause=100)
    plan = own._plan(Replicas.of(made, None, {}), seed)
    duration = (len(timeline.phase) + 1) * ms
    simulation = CircuitSimulation(plan=plan, timeline=timeline, duration=duration, step=membrane_step)
    return Contest(size, float(duration / b2.second), plan, simulation, seed)


class Fused:
    """The loop written by hand, compiled for one contest.

    With "EVERY" it updates synapses that are idle too, with "TIMED" it tells the time of its synapses.
    """

    def __init__(self, own: Contest, folder: Path, *defined: str) -> None:
        self.own, self.folder = own, folder
        folder.mkdir(parents=True)
        plan = own.plan
        constants = {name: float(value) for name, value in plan.synapse.constants(plan.plasticity_step).items()}
        constants |= {name: float(value) for name, value in plan.constants.items()}
        constants |= {"membrane_step": float(plan.membrane_step)}
        sizes = {"EPISODES": plan.replicas, "PER_POOL": plan.sizes.per_pool}
        sizes |= {"PRE": plan.members["key"], "CELLS": plan.members["value"]}
        sizes |= {"STEPS": round(own.seconds / float(plan.membrane_step))}
        lines = [f"constexpr int {name} = {value};" for name, value in sizes.items()]
        lines += [
            f"constexpr double {name} = {'INFINITY' if np.isinf(value) else repr(value)};"
            for name, value in constants.items()
        ]
        (folder / "constants.h").write_text("#include <cmath>\n" + "\n".join(lines) + "\n")
        for name, table in own.simulation.timeline.tables.items():
            np.ascontiguousarray(table, dtype=float).tofile(folder / f"{name}.bin")
        compiler = (os.environ.get("CXX") or "c++").split()
        source = Path(__file__).with_name("fused.cpp")
        flags = [*backends.flags(), "-std=c++17", f"-I{folder}", *(f"-D{name}" for name in defined)]
        subprocess.run([*compiler, *flags, str(source), "-o", str(folder / "main")], check=True)

    def command(self, seed: int = 0) -> list[str]:
        """What runs it in its folder, with the voltages and random numbers that ours has with this seed."""
        numbers = self.own.numbers(seed)
        for group, count in self.own.plan.members.items():
            for each in ("v", "noise_key", "noise_cell"):
                if f"{group}.{each}" in numbers:
                    own = numbers[f"{group}.{each}"][: self.own.plan.replicas * count]
                    own.astype(float).tofile(self.folder / f"{group}_{each}.bin")
        return ["./main"]

    def run(self, seed: int = 0) -> dict[str, Any]:
        """What it prints."""
        told = subprocess.run(self.command(seed), cwd=self.folder, capture_output=True, text=True, check=True)
        return dict(json.loads(told.stdout))
