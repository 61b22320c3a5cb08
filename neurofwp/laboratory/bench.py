"""The bench: Brian2 cells that do what Protocols say (`commands`), with one synapse between each two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

import brian2 as b2
import numpy as np
import xarray as xr
from brian2 import Quantity, ms, nS, volt

from neurofwp.brian.builds import Recorded
from neurofwp.brian.connect import connect, events, watch_plateaus
from neurofwp.brian.not_finite import Lost, NotFinite
from neurofwp.brian.own import OWN, Own
from neurofwp.brian.simulation import Simulation
from neurofwp.brian.time_steps import largest_shift, nearest_steps
from neurofwp.brian.watch import LOOK, Watched, differential, watch
from neurofwp.errors import InputError
from neurofwp.laboratory.cell import CELL, EPSP, SPIKE, cell_constants
from neurofwp.laboratory.commands import Command
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stage import States

if TYPE_CHECKING:
    from neurofwp.spiking.initial_values import Numbers

PRE, POST, LATE = "pre", "post", "late"
BEFORE, AFTER = -1, 1  # synapses see spikes, within a step


def _plain(number: Quantity | float | np.ndarray) -> np.ndarray | float:
    """One number, or one for each pair of cells."""
    return number if isinstance(number, np.ndarray) and number.ndim else float(number)


def _lasting_states(synapse: SynapseModel) -> tuple[str, ...]:
    """What is kept as it is at the end of each protocol, while others go on; spikes alone change the rest."""
    return tuple(dict.fromkeys(("weight", synapse.expressed))) if synapse.update else ()


@dataclass(frozen=True, kw_only=True)
class Bench(Simulation):
    """One pair of cells and one synapse for every protocol and repeat.

    cell : its parameters. record : step at which the first repeat of each protocol is recorded; None: not at all.
    variants : the synapse of each protocol, where they differ in the values of the parameters `own`; else all have
        `synapse`.
    """

    synapse: SynapseModel
    cell: Mapping[str, Quantity | float]
    protocols: Sequence[Protocol]
    repeats: int
    record: Quantity | None = None
    variants: Sequence[SynapseModel] = ()
    own: tuple[str, ...] = ()

    def network(self) -> b2.Network:
        synapse, clock = self.synapse, b2.Clock(self.step, name="bench_clock")
        pre, post, *others = self._commands
        late = [command for command in others if command.name == LATE]
        others = [command for command in others if command.name != LATE]
        key = self._cells("key", clock, [pre, *late], synapse.text("presynaptic"), synapse.text("presynaptic_spike"))
        value = self._cells(
            "value",
            clock,
            [post, *others],
            CELL + synapse.text("postsynaptic"),
            synapse.text("postsynaptic_spike"),
            synapse.text("postsynaptic_update"),
            events(synapse),
        )
        watch_plateaus(synapse, value)
        goes_on, lasting = "int(t + 0.5*plasticity_step < until)", _lasting_states(synapse)
        each = np.arange(len(self.protocols) * self.repeats)
        plastic = connect(
            synapse,
            key,
            value,
            each,
            each,
            clock=clock,
            plasticity=clock,
            own=self._own_constants,
            late_event=LATE if late else "spike",
            kept="\n".join(["until : second (constant)", *(f"last_{name} : siemens" for name in lasting)]),
            keep="\n".join(f"last_{name} += ({name} - last_{name})*{goes_on}" for name in lasting),
        )
        monitors = []
        if self.record is not None:
            first = np.arange(len(self.protocols)) * self.repeats
            for group, variables in ((value, "v_dendrite"), (plastic, synapse.states)):
                name = f"{group.name}_probe"
                monitors.append(b2.StateMonitor(group, variables, record=first, dt=self.record, name=name))
        return b2.Network(key, value, plastic, *monitors, *self._watcher(value, plastic))

    def in_words(self, found: NotFinite) -> str:
        first, protocol = found.lost[0], self.protocols[found.lost[0].number // self.repeats]
        return (
            f"{first.variable} in protocol {protocol.name!r} became {first.value:g} within the {LOOK} before "
            f"{found.time:g} s: parameters of synapse model "
            f"{self.synapse.name!r} or of the cell make numbers overflow, or the step of {self.step} is too long"
        )

    def _watcher(self, value: b2.NeuronGroup, plastic: b2.Synapses) -> list[Any]:
        """What looks for numbers that are not finite; nothing for variants: of those, one may fail where others fit."""
        watched = [Watched(plastic, self.synapse.states), Watched(value, differential(value))]
        return [] if self.variants else [watch(watched, clock=b2.Clock(LOOK, name="looks"), name="look")]

    def shape(self) -> dict[str, Any]:
        return {
            "protocols": [len(self.protocols), self.repeats],
            "tables": {command.name: len(command.table(self.step)) for command in self._commands},
            "record": str(self.record),
            "synapse": self.synapse.shape | ({"late by": LATE} if self._own_delay else {}),
            "names": sorted(self._constants),
            "own": sorted(self._own_constants) if self.variants else "no variants",
        }

    def numbers(self) -> Numbers:
        """All numbers that it starts with."""
        protocols, synapse = self.protocols, self.synapse
        constants = {**synapse.constants(self.step), **self._own_constants}
        of_cells = self._constants | {name: constants[name] for name in self.own}
        own: Numbers = {
            f"{group}.{OWN}{name}": _plain(number) for group in ("key", "value") for name, number in of_cells.items()
        }
        own |= {f"plastic.{name}": _plain(number) for name, number in constants.items()}
        for command in self._commands:
            group, table = "key" if command.name in (PRE, LATE) else "value", command.table(self.step)
            own |= {
                f"{command.name}_times.values": table,
                f"{group}.{command.name}_at": self._each(command.first),
                f"{group}.{command.name}_next": self._each(table[command.first]),
            }
        weights = ("weight", synapse.expressed, *(f"last_{name}" for name in _lasting_states(synapse)))
        return own | {
            "value.nmda_gain": 1.0,
            "value.calcium_outside": self._each([protocol.calcium for protocol in protocols]),  # mol/m^3, which is mM
            "value.v_held": self._each([(protocol.voltage or 0.0) / 1000 for protocol in protocols]),
            "plastic.until": self._each([protocol.duration for protocol in protocols]),
            **{f"plastic.{name}": self._before for name in weights},
        }

    @property
    def shift(self) -> float:
        """By how much (ms) the spike or edge is moved that is moved furthest, to the nearest step."""
        return max(
            largest_shift(p.seconds([*p.pre, *p.post, *np.ravel(p.held), *np.ravel(p.plateaus)]), self.step)
            for p in self.protocols
        )

    def result(self, recorded: Recorded) -> xr.Dataset:
        """What became of the synapses."""
        dims, shape = ("protocol", "repeat"), (len(self.protocols), self.repeats)
        until = self._each([protocol.duration for protocol in self.protocols])
        at_end = {
            name: f"last_{name}" if name in _lasting_states(self.synapse) else name for name in self.synapse.states
        }
        last = self._read({name: recorded[f"plastic.{stored}"] for name, stored in at_end.items()}, until)
        weights = {"before": self._before, "after": last["weight"], "expressed": last[self.synapse.expressed]}
        self._check_at_end(last["weight"])
        made = xr.Dataset(
            {name: (dims, each.reshape(shape) * 1e9, {"units": "nS"}) for name, each in weights.items()},
            coords={"protocol": [protocol.name for protocol in self.protocols]},
        )
        if self.record is None:
            return made
        time = recorded["plastic_probe.t"]
        states = self.synapse.read({name: recorded[f"plastic_probe.{name}"] for name in self.synapse.states}, time)
        traces = {
            "voltage": (recorded["value_probe.v_dendrite"] * 1000, {"units": "mV"}),
            "weight": (states["weight"] * 1e9, {"units": "nS"}),
        }
        if "calcium" in states:
            traces["calcium"] = self.synapse.concentration(states["calcium"])
        for name, (values, attrs) in traces.items():
            made[name] = (("protocol", "time"), values, attrs)
        return made.assign_coords(time=("time", time * 1000, {"units": "ms"}))

    def _check_at_end(self, weights: np.ndarray) -> None:
        if not (self.variants or np.isfinite(weights).all()):
            index = int(np.argmin(np.isfinite(weights)))
            lost = Lost("plastic", "weight", index, float(weights[index]))
            raise InputError(self.in_words(NotFinite([lost], float(self.duration))))

    @property
    def last(self) -> list[str]:
        return [
            f"plastic.{name}"
            for name in (*self.synapse.states, *(f"last_{name}" for name in _lasting_states(self.synapse)))
        ]

    def _read(self, states: States, now: np.ndarray) -> States:
        """States of all synapses as they are at the times `now`."""
        if not (self.variants and self.synapse.by_events):
            return self.synapse.read(states, now)
        runs = [list(run) for _, run in groupby(range(len(self.variants)), lambda index: id(self.variants[index]))]
        each = [slice(run[0] * self.repeats, (run[-1] + 1) * self.repeats) for run in runs]
        read = [
            self.variants[run[0]].read({name: values[own] for name, values in states.items()}, now[own])
            for run, own in zip(runs, each, strict=True)
        ]
        return {name: np.concatenate([part[name] for part in read]) for name in read[0]}

    @cached_property
    def _own_constants(self) -> dict[str, np.ndarray]:
        """Constants of which every synapse has its own, SI: those in `own`, and all that follow from parameters."""
        if not self.variants:
            return {}
        of = {id(each): each.constants(self.step) for each in self.variants}
        shared = {*self.synapse.values, "plasticity_step"} - {*self.own}
        names = [name for name in self.synapse.constants(self.step) if name not in shared]
        return {name: self._each([float(of[id(each)][name]) for each in self.variants]) for name in names}

    @property
    def _own_delay(self) -> bool:
        return self.synapse.text("delay") in self.own

    @cached_property
    def _constants(self) -> dict[str, Quantity | float]:
        """All parameters of cells and synapse, and what follows from those of the cell."""
        return {**self.cell, **cell_constants(self.cell, self.step), **self.synapse.values}

    @property
    def _before(self) -> np.ndarray:
        """Weights before, S, one per synapse."""
        own = float(self.synapse.initial / nS)
        return self._each([1e-9 * (own if p.initial is None else p.initial) for p in self.protocols])

    def _each(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        """One value per protocol, as one per pair of cells."""
        return np.repeat(np.asarray(values), self.repeats)

    def _cells(
        self,
        name: str,
        clock: b2.Clock,
        commands: Sequence[Command],
        equations: str,
        at_spike: str,
        update: str = "",
        watched: Mapping[str, str] | None = None,
    ) -> b2.NeuronGroup:
        """Cells that fire at the times of the first command, and do what the others say at theirs."""
        own, (fires, *others) = Own(self._constants, self.own), commands
        effects = {command.name: own(command.statements) for command in commands}
        tables = {f"{command.name}_times": command.timed_array(self.step) for command in commands}
        equations, at_spike, update = own(equations), own(at_spike), own(update)
        group = b2.NeuronGroup(
            len(self.protocols) * self.repeats,
            "\n".join([equations, *(command.equations for command in commands), own.equations]),
            threshold=fires.due,
            reset=f"{effects[fires.name]}\n{at_spike}",
            method="exponential_euler",
            clock=clock,
            events={command.name: command.due for command in others} | dict(watched or {}),
            namespace={"plasticity_step": self.step, **tables},
            name=name,
        )
        for command in others:
            group.run_on_event(command.name, effects[command.name], when="synapses", order=command.order)
        if update:
            group.run_regularly(update, clock=clock, name=f"{name}_update")
        return group

    @cached_property
    def _commands(self) -> list[Command]:
        """When each cell fires, and what else is done to the postsynaptic one; left out where it is never done."""
        protocols, late = self.protocols, round(float(self.cell["spike_delay"] / self.step)) + 1
        pre, post = ([self._steps(getattr(p, name), p, f"{name} spikes") for p in protocols] for name in (PRE, POST))
        spans = {"held": [p.held for p in protocols], "plateau": [p.plateaus for p in protocols]}
        others = [Command("spike_arrives", [each + late for each in post], SPIKE, AFTER)]
        if self.cell["epsp_height"] > 0 * volt:
            others.append(Command("epsp_begins", [each + 1 for each in pre], EPSP, BEFORE))
        # a variable rises by 1 where a span begins and falls at its end: spans may touch
        for (name, own), order in zip(spans.items(), (BEFORE, AFTER), strict=True):
            for edge, end, to in (("starts", 0, 1), ("ends", 1, -1)):
                what = f"{edge} of {name} spans"
                steps = [self._steps([s[end] for s in each], p, what) for each, p in zip(own, protocols, strict=True)]
                others.append(Command(f"{name}_{edge}", steps, f"{name} += {to}", order))
        if self._own_delay:
            delays = [float(each.values[self.synapse.text("delay")] / self.step) for each in self.variants]
            steps = [each + 1 + round(delay) for each, delay in zip(pre, delays, strict=True)]
            others.append(Command(LATE, steps, order=BEFORE))
        # a spike is fired one step after it is told to
        fires = [Command(name, [each + 1 for each in steps]) for name, steps in ((PRE, pre), (POST, post))]
        return [*fires, *(command for command in others if any(map(len, command.lists)))]

    def _steps(self, times: Sequence[float], protocol: Protocol, what: str) -> np.ndarray:
        """The time steps that are nearest to what happens at these times (ms) of every train."""
        steps = nearest_steps(protocol.seconds(times), self.step)
        if (np.diff(steps) == 0).any():
            raise InputError(f"{protocol.name}: two {what} fall into one time step of {self.step / ms:g} ms")
        return steps
