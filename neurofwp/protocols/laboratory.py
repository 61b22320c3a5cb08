"""The laboratory: a synapse model between two cells that do what a Protocol says, many protocols side by side.

Both cells fire when they are told to. The postsynaptic cell is one compartment whose voltage is given, not computed::

    v = rest + plateau + back-propagating spikes        (or the voltage at which it is held)
    spike = A (f exp(-t/tau_fast) + (1 - f) exp(-t/tau_slow)), a delay after the spike

as in Shouval, Bear & Cooper (2002, PNAS 99:10831). The synapse is the one that the spiking network runs: the same
stages, the same parameters, one synapse per protocol and repeat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import brian2 as b2
import numpy as np
import xarray as xr
from brian2 import Quantity, ms, mV, nS, second

from neurofwp.errors import InputError, unknown
from neurofwp.protocols.protocol import Protocol, Span
from neurofwp.spiking import targets
from neurofwp.spiking.populations import base_unit
from neurofwp.synapses import model as synapses
from neurofwp.synapses.base import States, Time
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.parameters import Parameter, read_table

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("v_rest", "mV", "resting potential"),
    Parameter("v_plateau", "mV", "depolarisation by a plateau potential", low=0),
    Parameter("spike_height", "mV", "peak of a back-propagating spike above rest", low=0),
    Parameter("fast_share", "1", "share of the spike that decays fast", low=0, high=1),
    Parameter("tau_fast", "ms", "decay of the fast part", low=0.1),
    Parameter("tau_slow", "ms", "decay of the slow part", low=0.1),
    Parameter("spike_delay", "ms", "time that a spike takes to the synapse", low=0),
)
# Shouval, Bear & Cooper 2002; a plateau of 300 ms brings the dendrite to about -25 mV (Bittner et al. 2017)
DEFAULTS: dict[str, Quantity | float] = {
    "v_rest": -65 * mV,
    "v_plateau": 40 * mV,
    "spike_height": 100 * mV,
    "fast_share": 0.75,
    "tau_fast": 3 * ms,
    "tau_slow": 25 * ms,
    "spike_delay": 2 * ms,
}

CELL = """
    v_dendrite = held*v_held + (1 - held)*(v_rest + plateau*v_plateau + spike_fast + spike_slow) : volt
    dspike_fast/dt = -spike_fast/tau_fast : volt
    dspike_slow/dt = -spike_slow/tau_slow : volt
    held : 1
    v_held : volt (constant)
    plateau : 1
    plateau_before : 1
    calcium_outside : mmolar (constant)
    nmda_gain : 1
    forgetting : Hz
    fire : 1
"""


@dataclass(frozen=True)
class Laboratory:
    """A bench for one synapse model.

    Parameters
    ----------
    model : name or path of a synapse model, or one that is loaded. Its table [laboratory], if it has one, changes the
        cell's parameters.
    parameters : quantities that replace those of the model or of the cell, by name.
    step : time step of everything. target : as of SpikingNetwork.

    Raises
    ------
    InputError
        for an unknown model or parameter, a wrong unit, or a step that is no time above 0.
    """

    model: str | Path | SynapseModel
    parameters: Mapping[str, Quantity | float] | None = None
    step: Quantity = field(default_factory=lambda: 0.1 * ms)
    target: str = "auto"

    def run(
        self, protocols: Sequence[Protocol], *, repeats: int = 1, seed: int = 0, record: Quantity | None = None
    ) -> xr.Dataset:
        """Do all protocols, side by side, each `repeats` times with other noise.

        Parameters
        ----------
        record : step at which voltage, calcium and weight of the first repeat are recorded; None: not at all.

        Returns
        -------
        Dataset with ``before`` and ``after`` (protocol, repeat), weights in nS at the end of each protocol, and
        ``expressed``, what they follow where trafficking brings receptors in and out (else the same); with `record`
        also ``voltage``, ``weight`` and, if there is any, ``calcium`` (protocol, time).

        Raises
        ------
        InputError
            for no protocols, repeats below 1, a negative seed, or two protocols with the same name.
        """
        if not protocols:
            raise InputError("give the laboratory one protocol or more")
        names = [protocol.name for protocol in protocols]
        if len(set(names)) < len(names):
            raise InputError(f"protocols need different names, but {max(names, key=names.count)!r} is there twice")
        if type(repeats) is not int or repeats < 1:
            raise InputError(f"repeats must be a whole number of 1 or more, not {repeats!r}")
        if seed < 0:
            raise InputError(f"seed must be at least 0, not {seed}")
        synapse, cell = self._loaded()
        target, _ = targets.choose(self.target)
        with targets.running_on(target) as folder:
            bench = _Bench(synapse, cell, protocols, repeats, self.step, record)
            b2.seed(seed)
            duration = max(protocol.duration for protocol in protocols) * second
            bench.network.run(duration, namespace={})
            if folder is not None:
                b2.get_device().build(directory=str(folder), with_output=False)
            result = bench.result()
        return result.assign_attrs(model=synapse.name, step=str(self.step), seed=seed)

    def change(self, protocols: Sequence[Protocol], *, repeats: int = 1, seed: int = 0) -> xr.Dataset:
        """Mean weight of the population long after each protocol, relative to before.

        Synapses are taken where the protocol says or else where the model finds them before
        (`SynapseModel.population`), each state `repeats` times; weights afterwards come to what the model lets them
        come to (`SynapseModel.settled`).

        Returns
        -------
        Dataset of ``ratio`` and ``sem`` (protocol), the standard error over repeats (NaN for one), and whatever numbers
        the protocols have as coordinates.

        Raises
        ------
        InputError
            as `run`; if synapses have no weight to begin with.
        """
        synapse, _ = self._loaded()
        states = synapse.population
        every = [
            replace(
                protocol,
                name=f"{protocol.name} from {weight}",
                initial=float(weight / nS) if protocol.initial is None else protocol.initial,
            )
            for protocol in protocols
            for weight, _ in states
        ]
        done = self.run(every, repeats=repeats, seed=seed)
        share = np.array([share for _, share in states])
        shape = (len(protocols), len(states), repeats)
        before = (done["before"].values.reshape(shape).mean(-1) * share).sum(-1)
        if not before.all():
            raise InputError(
                f"synapses of {synapse.name} have no weight before the protocol, so no change relative to it"
            )
        after = synapse.settled(done["expressed"].values).reshape(shape)
        spread = after.var(-1, ddof=1) / repeats if repeats > 1 else np.full(shape[:2], np.nan)
        unit = {"units": "1"}
        made = xr.Dataset(
            {
                "ratio": ("protocol", (after.mean(-1) * share).sum(-1) / before, unit),
                "sem": ("protocol", np.sqrt((spread * share**2).sum(-1)) / before, unit),
            },
            coords={"protocol": [protocol.name for protocol in protocols]},
            attrs=done.attrs,
        )
        for name in dict.fromkeys(name for protocol in protocols for name in protocol.coordinates):
            values = [protocol.coordinates.get(name, np.nan) for protocol in protocols]
            made = made.assign_coords({name: ("protocol", values)})
        return made

    def _loaded(self) -> tuple[SynapseModel, dict[str, Quantity | float]]:
        """The model, and the parameters of the cell."""
        synapse = self.model if isinstance(self.model, SynapseModel) else synapses.load(self.model)
        cell = DEFAULTS | read_table(synapse.laboratory, PARAMETERS, f"{synapse.name}.toml: laboratory", partial=True)
        declared = {p.name: p for p in (*PARAMETERS, *(p for stage in synapse.stages for p in stage.parameters))}
        values = dict(synapse.values)
        for name, quantity in (self.parameters or {}).items():
            if name not in declared:
                raise unknown("parameter", name, declared)
            (cell if name in cell else values)[name] = declared[name].check(quantity, name)
        return replace(synapse, values=values), cell


class _Bench:
    """The Brian2 objects: one pair of cells and one synapse for every protocol and repeat."""

    def __init__(
        self,
        synapse: SynapseModel,
        cell: Mapping[str, Any],
        protocols: Sequence[Protocol],
        repeats: int,
        step: Quantity,
        record: Quantity | None,
    ) -> None:
        self.protocols, self.repeats, self.synapse, self.step = protocols, repeats, synapse, step
        count = len(protocols) * repeats
        names = {**cell, **synapse.values, "plasticity_step": step}
        self.key = b2.NeuronGroup(
            count, f"fire : 1\n{synapse.text('presynaptic')}", threshold="fire > 0.5",
            reset=f"fire = 0\n{synapse.text('presynaptic_spike')}", method="exponential_euler", dt=step,
            namespace=names, name="key",
        )  # fmt: skip
        self.value = b2.NeuronGroup(
            count, CELL + synapse.text("postsynaptic"), threshold="fire > 0.5",
            reset=f"fire = 0\n{synapse.text('postsynaptic_spike')}", method="exponential_euler", dt=step,
            events={"plateau_edge": "plateau != plateau_before"} if synapse.text("plateau_edge") else None,
            namespace=names, name="value",
        )  # fmt: skip
        if synapse.text("plateau_edge"):
            self.value.run_on_event("plateau_edge", "plateau_before = plateau")
        self.value.nmda_gain = 1
        self.value.calcium_outside = self._each([protocol.calcium for protocol in protocols]) * b2.mmolar
        voltages = [protocol.voltage if protocol.voltage is not None else 0.0 for protocol in protocols]
        self.value.v_held = self._each(voltages) * mV
        if update := synapse.text("postsynaptic_update"):
            self.value.run_regularly(update, dt=step, name="value_update")
        self.plastic = self._plastic(names)
        commands = [
            self._commands("pre_fires", self.key, [p.pre for p in protocols], "fire_post = 1"),
            self._commands("post_fires", self.value, [p.post for p in protocols], "fire_post = 1"),
            self._commands(
                "spike_arrives", self.value, [p.post for p in protocols],
                "spike_fast_post += fast_share*spike_height\nspike_slow_post += (1 - fast_share)*spike_height",
                # a spike is fired one step after it is told to
                delay=cell["spike_delay"] + step,
            ),
            *self._spans("held", [p.held for p in protocols]),
            *self._spans("plateau", [p.plateaus for p in protocols]),
        ]  # fmt: skip
        self.commands = [part for made in commands for part in made]
        self.monitors: dict[str, b2.StateMonitor] = {}
        if record is not None:
            first = np.arange(len(protocols)) * repeats
            self.monitors = {
                "value": b2.StateMonitor(self.value, "v_dendrite", record=first, dt=record, name="voltage_probe"),
                "plastic": b2.StateMonitor(
                    self.plastic, self.synapse.states, record=first, dt=record, name="synapse_probe"
                ),
            }
        self.network = b2.Network(self.key, self.value, self.plastic, *self.commands, *self.monitors.values())

    def result(self) -> xr.Dataset:
        """What became of the synapses, once the network has run."""
        shape = (len(self.protocols), self.repeats)
        dims = ("protocol", "repeat")
        nanosiemens = {"units": "nS"}
        last = self._read(self.plastic, self._each([protocol.duration for protocol in self.protocols]), "last_")
        after, expressed = (last[name].reshape(shape) * 1e9 for name in ("weight", self.synapse.expressed))
        made = xr.Dataset(
            {
                "before": (dims, (self.first / nS).reshape(shape), nanosiemens),
                "after": (dims, after, nanosiemens),
                "expressed": (dims, expressed, nanosiemens),
            },
            coords={"protocol": [protocol.name for protocol in self.protocols]},
        )
        if self.monitors:
            value, plastic = self.monitors["value"], self.monitors["plastic"]
            made = made.assign_coords(time=("time", np.asarray(value.t / ms), {"units": "ms"}))
            states = self._read(plastic, np.asarray(plastic.t / second))
            traces = {
                "voltage": (np.asarray(value.v_dendrite / mV), "mV"),
                "weight": (states["weight"] * 1e9, "nS"),
            }
            if "calcium" in states:
                traces["calcium"] = (states["calcium"], "1")
            for name, (values, unit) in traces.items():
                made[name] = (("protocol", "time"), values, {"units": unit})
        return made

    def _read(self, where: b2.Synapses | b2.StateMonitor, now: Time, prefix: str = "") -> States:
        """States of the synapses at `now` (s), in SI units; what was kept under a name with a prefix, from there."""
        kept = self._kept if prefix else ()
        names = {name: f"{prefix}{name}" if name in kept else name for name in self.synapse.states}
        stored = {name: np.asarray(getattr(where, own), dtype=float) for name, own in names.items()}
        return self.synapse.read(stored, now)

    @property
    def _kept(self) -> tuple[str, ...]:
        """What is kept as it is at the end of each protocol, while others go on; spikes alone change the rest."""
        return tuple(dict.fromkeys(("weight", self.synapse.expressed))) if self.synapse.update else ()

    @property
    def first(self) -> Quantity:
        """Weights before, one per synapse."""
        own = float(self.synapse.initial / nS)
        return self._each([own if p.initial is None else p.initial for p in self.protocols]) * nS

    def _each(self, values: Sequence[float]) -> np.ndarray:
        """One value per protocol, as one per synapse."""
        return np.repeat(np.asarray(values, dtype=float), self.repeats)

    def _plastic(self, names: dict[str, Any]) -> b2.Synapses:
        constants = self.synapse.constants(self.step)
        shared = "\n".join(f"{name} : {base_unit(number)} (shared, constant)" for name, number in constants.items())
        at_pre = {"now": self.synapse.text("spike"), "late": self.synapse.text("late_spike")}
        at_post = {"post": self.synapse.text("spike_post"), "edge": self.synapse.text("plateau_edge")}
        kept = "\n".join(f"last_{name} : siemens" for name in self._kept)
        plastic = b2.Synapses(
            self.key, self.value, f"{self.synapse.text('synaptic')}\n{shared}\nuntil : second (constant)\n{kept}",
            on_pre={name: code for name, code in at_pre.items() if code},
            on_post={name: code for name, code in at_post.items() if code},
            on_event={"now": "spike", "late": "spike", "post": "spike", "edge": "plateau_edge"},
            dt=self.step, name="plastic",
            namespace={name: number for name, number in names.items() if name not in constants},
        )  # fmt: skip
        plastic.connect(i=np.arange(len(self.key)), j=np.arange(len(self.key)))
        if at_pre["late"]:
            plastic.late.delay = self.synapse.values[self.synapse.text("delay")]
        for name, number in constants.items():
            setattr(plastic, name, number)
        plastic.until = self._each([protocol.duration for protocol in self.protocols]) * second
        for name in ("weight", self.synapse.expressed, *(f"last_{name}" for name in self._kept)):
            setattr(plastic, name, self.first)
        if self.synapse.update:
            goes_on = "int(t + 0.5*plasticity_step < until)"
            keep = "\n".join(f"last_{name} += ({name} - last_{name})*{goes_on}" for name in self._kept)
            plastic.run_regularly(f"{self.synapse.update}\n{keep}", dt=self.step, order=1, name="plastic_update")
        return plastic

    def _spans(self, name: str, spans: Sequence[Sequence[Span]]) -> list[tuple[Any, ...]]:
        """A variable of the postsynaptic cell rises by 1 where a span begins and falls at its end: spans may touch."""
        return [
            self._commands(
                f"{name}_{when}", self.value, [[span[end] for span in own] for own in spans], f"{name}_post += {to}"
            )
            for when, end, to in (("begins", 0, 1), ("ends", 1, -1))
        ]

    def _commands(
        self, name: str, group: b2.NeuronGroup, times: Sequence[Sequence[float]], effect: str, delay: Quantity = 0 * ms
    ) -> tuple[Any, ...]:
        """Objects that do something to the cells of each protocol at these times (ms) of every train."""
        per_train = [
            (np.asarray(own, dtype=float) / 1000 + np.arange(protocol.trains)[:, None] * protocol.period).ravel()
            for own, protocol in zip(times, self.protocols, strict=True)
        ]
        each = [moments for moments in per_train for _ in range(self.repeats)]
        if not sum(map(len, each)):
            return ()
        index = np.repeat(np.arange(len(each)), [len(moments) for moments in each])
        source = b2.SpikeGeneratorGroup(len(each), index, np.concatenate(each) * second, dt=self.step, name=name)
        synapses = b2.Synapses(
            source, group, on_pre=effect, delay=delay, dt=self.step, namespace=group.namespace, name=f"{name}_at"
        )
        synapses.connect(i=np.arange(len(each)), j=np.arange(len(each)))
        return source, synapses
