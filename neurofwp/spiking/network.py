"""SpikingNetwork: runs a Program on spiking cells whose synapses are a synapse model."""

from __future__ import annotations

import html
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import brian2 as b2
import numpy as np
import xarray as xr
from brian2 import Quantity, ms, nS

from neurofwp import program as programs
from neurofwp.brian import backends, rows
from neurofwp.brian.time_steps import shift_in_words
from neurofwp.errors import InputError, unknown
from neurofwp.spiking import circuits, network_equations, room_needed
from neurofwp.spiking.circuit_simulation import CircuitSimulation
from neurofwp.spiking.circuits.circuit import Sizes
from neurofwp.spiking.finished_run import FinishedRun
from neurofwp.spiking.initial_values import initial_weights, numbers
from neurofwp.spiking.network_options import check_options
from neurofwp.spiking.own_spikes import NOT_TOLD, OwnSpikes
from neurofwp.spiking.plan import Plan
from neurofwp.spiking.recording import Probe, check_probe
from neurofwp.spiking.replicas import Replicas
from neurofwp.spiking.timeline import schedule
from neurofwp.spiking.told_cells import KEY, TOLD, told_circuit
from neurofwp.synapses import model as synapses

log = logging.getLogger("neurofwp")


class SpikingNetwork:
    """Key cells, value cells and interneurons, with plastic synapses from every key cell to every value cell.

    Parameters
    ----------
    synapse : name or path of a synapse model (`neurofwp list`), as error-correcting.
    circuit : name or path of a circuit.
    parameters : quantities that replace those of the model and circuit files, by name, as in
        ``{"g_gaba": 0 * nS}``, or ``{"g_gaba": "0 nS"}``, to take the feedback away.
    cells_per_pool : value cells, and interneurons, of each ON and each OFF pool.
    key_cells : how they fire, of the ways that the circuit has: "lif", integrate-and-fire cells with a fluctuating
        drive, or "poisson".
    gate : what the write gate opens: "dendrite" relieves the magnesium block by depolarising the dendrite,
        "conductance" scales the NMDA conductance of a dendrite that is always depolarised.
    read_gate : how far the gate stays open while reading; 0 except in ablations.
    backend : "auto", "cython", "cpp_standalone" or "numpy".
    membrane_step, plasticity_step : time steps.
    synapse_dtype : precision of the synaptic states.

    Raises
    ------
    InputError
        for unknown models, circuits, parameters or backends, units that do not fit, and steps that do not fit each
        other.
    """

    def __init__(
        self,
        synapse: str | Path | synapses.SynapseModel = "error-correcting",
        *,
        circuit: str | Path = "apical-feedback",
        parameters: Mapping[str, Quantity | float | str] | None = None,
        cells_per_pool: int = 4,
        key_cells: str = "lif",
        gate: Literal["dendrite", "conductance"] = "dendrite",
        read_gate: float = 0.0,
        backend: str = "auto",
        membrane_step: Quantity = 0.1 * ms,
        plasticity_step: Quantity = 1 * ms,
        synapse_dtype: type = np.float32,
    ) -> None:
        self.synapse = synapses.load(synapse)
        self.circuit_form, self.circuit = circuits.load(circuit, self.synapse.circuit)
        own = (p for stage in self.synapse.stages for p in stage.parameters)
        self._declared = declared = {p.name: p for p in (*self.circuit_form.parameters, *own)}
        for name, quantity in (parameters or {}).items():
            if name not in declared:
                raise unknown("parameter", name, declared)
            values = self.circuit if name in self.circuit else self.synapse.values
            values[name] = declared[name].check(quantity, name)
        check_options(cells_per_pool, gate, read_gate, membrane_step, plasticity_step)
        if key_cells not in self.circuit_form.key:
            raise InputError(f"key_cells must be one of {', '.join(self.circuit_form.key)}, not {key_cells!r}")
        backends.choose(backend)
        self.cells_per_pool, self.key_cells, self.gate, self.read_gate = cells_per_pool, key_cells, gate, read_gate
        self.backend, self.membrane_step, self.plasticity_step = backend, membrane_step, plasticity_step
        self.synapse_dtype = synapse_dtype

    def config(self) -> dict[str, Any]:
        """All settings, as plain numbers and strings, for the Trace's provenance."""
        return {
            "synapse": self.synapse.name,
            "forms": {stage.stage: stage.recorded for stage in self.synapse.stages},
            "synapse_parameters": self._texts(self.synapse.values),
            "circuit": self.circuit_form.name,
            "circuit_parameters": self._texts(self.circuit),
            "membrane_step": f"{self.membrane_step / ms:.12g} ms",
            "plasticity_step": f"{self.plasticity_step / ms:.12g} ms",
            "synapse_dtype": np.dtype(self.synapse_dtype).name,
        } | {name: getattr(self, name) for name in ("cells_per_pool", "key_cells", "gate", "read_gate", "backend")}

    def _texts(self, values: Mapping[str, Quantity | float]) -> dict[str, str]:
        return {name: self._declared[name].text(value) for name, value in values.items()}

    @property
    def loop(self) -> str:
        """Which loop advances its synapses, and why not the fast one."""
        backend, _ = backends.choose(self.backend)
        return rows.which_loop(self.synapse, self._value_variables(), backend, self.synapse_dtype)

    def _value_variables(self) -> set[str]:
        """The variables that value cells hold."""
        return rows.held_variables(self.circuit_form.value.equations + self.synapse.text("postsynaptic"))

    def equations(self) -> str:
        """All equations of synapse and circuit with values and units, by where they run."""
        return network_equations.of_network(self)

    def __str__(self) -> str:
        return self.equations()

    def __repr__(self) -> str:
        return f"<SpikingNetwork {self.synapse.name} in {self.circuit_form.name}, backend {self.backend}>"

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def run(
        self,
        program: xr.Dataset,
        *,
        seed: int = 0,
        conditions: xr.Dataset | None = None,
        spikes: xr.Dataset | None = None,
        teaching: xr.Dataset | None = None,
        progress: bool = False,
    ) -> xr.Dataset:
        """Run all episodes of a Program, in all conditions, side by side: as replicas in one Brian2 network.

        Parameters
        ----------
        program : Program with E episodes; values are carried by ON and OFF pools. Programs that differ have a dimension
            ``condition``.
        seed : the same seed and backend give the same Trace, bit for bit. Random numbers depend on seed, population,
            episode and cell within it, so that a condition is the same alone (``conditions.isel(condition=[0])``) as
            among others, bit for bit, and conditions have their noise in common, but where they have seeds of their
            own. A run without conditions, of the same seed and parameters, may differ from them in last digits.
        conditions : Dataset over ``condition`` with the parameters, or seeds, that differ; see
            `neurofwp.spiking.conditions`.
        spikes : trains that the key cells fire, in place of what `key_cells` says: of `neurofwp.spike_trains`, or those
            of a network, whose key cells then fire again. Each falls into the nearest step of the membrane; the log and
            the Trace's ``attrs["largest_spike_shift_ms"]`` say by how much the one that is moved furthest is moved.
        teaching : trains of axons that teach the dendrites, in place of the Program's values, as many for each pool: ON
            pools, then OFF pools. At ``key_peak_rate`` they say 1. See `neurofwp.spiking.told_cells`.
        progress : report the share that is done on standard error.

        Returns
        -------
        Trace with conductance (nS) and rates (Hz), over ``condition`` where the Program has that dimension or
        `conditions` are given; see `neurofwp.trace`.

        Raises
        ------
        InputError
            for a Program that is not valid, durations that differ between episodes or are too short, keys above 1, a
            negative seed, conditions that `neurofwp.spiking.conditions` refuses or that are not those of the Program, a
            parameter that cannot differ between conditions, spikes of a cell, an episode or a time that the run does
            not have, or a weight, calcium or a voltage that is no longer finite at the end of an event.
        """
        return self._simulate(program, (), seed, conditions, spikes, teaching, progress).trace()

    def record(
        self,
        program: xr.Dataset,
        *,
        probes: Sequence[Probe] = (),
        seed: int = 0,
        conditions: xr.Dataset | None = None,
        spikes: xr.Dataset | None = None,
        teaching: xr.Dataset | None = None,
        progress: bool = False,
    ) -> xr.DataTree:
        """The same run, with all spikes and, of some synapses, calcium and weight over time.

        Parameters
        ----------
        probes : synapses (episode, "on" or "off", post, pre) to record every 2 ms, in every condition;
            `neurofwp.spiking.choose_probes` chooses a share of all.
        seed, conditions, spikes, teaching, progress : as of `run`.

        Returns
        -------
        Groups ``trace``, what `run` returns; ``spikes``, spike trains as of `neurofwp.spike_trains`; and, with probes,
        ``probes`` (probe, time). ``recording["spikes"].to_dataset()`` is one of them.

        Raises
        ------
        InputError
            as `run` does, and for a probe outside the Program.
        """
        done = self._simulate(program, probes, seed, conditions, spikes, teaching, progress)
        groups = {"trace": done.trace(), "spikes": done.spikes()}
        return xr.DataTree.from_dict(groups | ({"probes": done.probes()} if probes else {}))

    def _simulate(
        self,
        program: xr.Dataset,
        probes: Sequence[Probe],
        seed: int,
        conditions: xr.Dataset | None,
        spikes: xr.Dataset | None,
        teaching: xr.Dataset | None,
        progress: bool,
    ) -> FinishedRun:
        programs.check(program)
        if seed < 0:
            raise InputError(f"seed must be at least 0, not {seed}")
        for probe in probes:
            check_probe(probe, program.sizes)
        replicas = Replicas.of(program, conditions, self._declared)
        self._check_conditions(replicas.parameters)
        room_needed.check("this run needs", room_needed.needed(self, program, conditions, len(probes)))
        timeline = schedule(
            replicas.program,
            gate_delay=float(self.circuit["gate_delay"] / ms),
            pause=float(self.circuit["pause"] / ms),
            read_gate=self.read_gate,
        )
        duration = len(timeline.phase) * ms + self._beyond(timeline.slot * ms)
        backend, reason = backends.choose(self.backend)
        if backend == "cpp_standalone" and (obstacle := rows.obstacle(self.synapse, self._value_variables())):
            rows.tell(self.synapse.name, obstacle)  # also where the compiled network was kept from an earlier run
        told = OwnSpikes.of(spikes, teaching, self._sizes(replicas), replicas, timeline, self.membrane_step)
        if told.shift:
            log.warning(shift_in_words(told.shift, self.membrane_step, "membrane_step"))
        plan, probed = self._plan(replicas, seed, told), replicas.probes(probes)
        simulation = CircuitSimulation(
            plan=plan, timeline=timeline, probes=probed, duration=duration, step=self.membrane_step
        )
        recorded = simulation.run(backend, numbers(plan, timeline), seed % 2**32, progress=progress)
        about = told.attrs | {"network": "spiking", "backend": backend, "backend_reason": reason}
        about |= {"synapse_loop": self.loop, "initial_weight": float(self.synapse.initial / nS)}
        config = self.config() | self._describe_conditions(replicas.parameters)
        initial = initial_weights(self.synapse, replicas.parameters)
        return FinishedRun(replicas, timeline, recorded, plan, probed, about, config, int(seed), initial)

    def _check_conditions(self, parameters: Mapping[str, Quantity]) -> None:
        """Refuse parameters that shape code or timeline, which all conditions share."""
        delays = {self.synapse.text("delay"), *self.circuit_form.delays}
        for name, values in parameters.items():
            if name in ("gate_delay", "pause"):
                raise InputError(f"{name} sets the times of events, which all conditions share: it cannot differ")
            for value in values:
                changed = replace(self.synapse, values=self.synapse.values | {name: value})
                if name in delays or changed.update != self.synapse.update:
                    raise InputError(f"{name} shapes the code of the network and cannot differ between conditions")

    def _describe_conditions(self, parameters: Mapping[str, Quantity]) -> dict[str, Any]:
        """What `config` says of conditions."""
        own = {name: [self._declared[name].text(each) for each in values] for name, values in parameters.items()}
        return {"conditions": own} if own else {}

    def _beyond(self, slot: Quantity) -> Quantity:
        """How long to go on after the last event, so that its weights are recorded: in membrane steps, at least one.

        A time that is later by less than epsilon_dt of the recording clock's step counts as the same: the run might end
        before that clock's last tick, or after it.
        """
        steps = math.ceil(2 * b2.Clock.epsilon_dt * float(slot / self.membrane_step))
        return max(steps, 1) * self.membrane_step

    def _sizes(self, replicas: Replicas) -> Sizes:
        return Sizes(replicas.program.sizes["pre"], replicas.program.sizes["post"], self.cells_per_pool)

    def _plan(self, replicas: Replicas, seed: int, told: OwnSpikes = NOT_TOLD) -> Plan:
        sizes = self._sizes(replicas)
        return Plan(
            synapse=self.synapse,
            circuit=told_circuit(self.circuit_form, sizes, KEY in told.sources, told.axons),
            values=self.circuit,
            episodes=replicas.numbers,
            seeds=replicas.seeds(seed),
            conditions=replicas.conditions is not None,
            sizes=sizes,
            key_cells=TOLD if KEY in told.sources else self.key_cells,
            gate=self.gate,
            membrane_step=self.membrane_step,
            plasticity_step=self.plasticity_step,
            synapse_dtype=self.synapse_dtype,
            varied=replicas.varied,
            told=told.sources,
        )
