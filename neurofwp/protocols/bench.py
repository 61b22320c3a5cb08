"""The bench: Brian2 cells that do what Protocols say, with one synapse between each two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import brian2 as b2
import numpy as np
import xarray as xr
from brian2 import Quantity, ms, mV, nS, second

from neurofwp.protocols.protocol import Protocol, Span
from neurofwp.synapses.base import States, Time
from neurofwp.synapses.connect import begin, connect, events, watch_plateaus
from neurofwp.synapses.model import SynapseModel

CELL = """
    v_dendrite = held*v_held + (1 - held)*(v_rest + plateau*v_plateau + spike + epsp) : volt
    spike = spike_fast + spike_slow : volt
    dspike_fast/dt = -spike_fast/tau_fast : volt
    dspike_slow/dt = -spike_slow/tau_slow : volt
    epsp = epsp_decaying - epsp_rising : volt
    depsp_decaying/dt = -epsp_decaying/epsp_decay : volt
    depsp_rising/dt = -epsp_rising/epsp_rise : volt
    held : 1
    v_held : volt (constant)
    plateau : 1
    plateau_before : 1
    calcium_outside : mmolar (constant)
    nmda_gain : 1
    forgetting : Hz
    fire : 1
"""

# The voltage in a time step is the mean over it: of an exponential that begins with it, the share `mean_...`.
SPIKE = """
    spike_fast_post += fast_share*spike_height*mean_fast
    spike_slow_post += (1 - fast_share)*spike_height*mean_slow
"""
EPSP = """
    epsp_decaying_post += epsp_scale*mean_decaying
    epsp_rising_post += epsp_scale*mean_rising
"""


def _cell_constants(cell: Mapping[str, Any], step: Quantity) -> dict[str, Any]:
    """What the parameters of the cell make of a time step."""
    decays = {"fast": "tau_fast", "slow": "tau_slow", "decaying": "epsp_decay", "rising": "epsp_rise"}
    means = {f"mean_{name}": _mean_of_step(float(step / cell[tau])) for name, tau in decays.items()}
    rise, decay = (float(cell[name] / ms) for name in ("epsp_rise", "epsp_decay"))
    peak = np.log(decay / rise) * rise * decay / (decay - rise)
    return {**means, "epsp_scale": cell["epsp_height"] / (np.exp(-peak / decay) - np.exp(-peak / rise))}


def _mean_of_step(share: float) -> float:
    """Of exp(-t) over a time `share`."""
    return -np.expm1(-share) / share


class Bench:
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
        names = {**cell, **_cell_constants(cell, step), **synapse.values, "plasticity_step": step}
        self.key = b2.NeuronGroup(
            count, f"fire : 1\n{synapse.text('presynaptic')}", threshold="fire > 0.5",
            reset=f"fire -= 1\n{synapse.text('presynaptic_spike')}", method="exponential_euler", dt=step,
            namespace=names, name="key",
        )  # fmt: skip
        self.value = b2.NeuronGroup(
            count, CELL + synapse.text("postsynaptic"), threshold="fire > 0.5",
            reset=f"fire -= 1\n{synapse.text('postsynaptic_spike')}", method="exponential_euler", dt=step,
            namespace=names, name="value", **events(synapse),
        )  # fmt: skip
        watch_plateaus(synapse, self.value)
        self.value.nmda_gain = 1
        self.value.calcium_outside = self._each([protocol.calcium for protocol in protocols]) * b2.mmolar
        voltages = [protocol.voltage if protocol.voltage is not None else 0.0 for protocol in protocols]
        self.value.v_held = self._each(voltages) * mV
        if update := synapse.text("postsynaptic_update"):
            self.value.run_regularly(update, dt=step, name="value_update")
        self.plastic = self._plastic()
        commands = [
            self._commands("pre_fires", self.key, [p.pre for p in protocols], "fire_post += 1"),
            self._commands("post_fires", self.value, [p.post for p in protocols], "fire_post += 1"),
            # a spike is fired one step after it is told to
            self._commands(
                "spike_arrives", self.value, [p.post for p in protocols], SPIKE, delay=cell["spike_delay"] + step
            ),
            self._commands(
                "epsp_begins", self.value, [p.pre if cell["epsp_height"] > 0 * mV else () for p in protocols], EPSP,
                delay=step,
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

    def _plastic(self) -> b2.Synapses:
        goes_on = "int(t + 0.5*plasticity_step < until)"
        each = np.arange(len(self.key))
        plastic = connect(
            self.synapse, self.key, self.value, each, each, clock=self.key.clock, plasticity=self.key.clock,
            kept="\n".join(["until : second (constant)", *(f"last_{name} : siemens" for name in self._kept)]),
            keep="\n".join(f"last_{name} += ({name} - last_{name})*{goes_on}" for name in self._kept),
        )  # fmt: skip
        begin(self.synapse, plastic, self.step)
        plastic.until = self._each([protocol.duration for protocol in self.protocols]) * second
        for name in ("weight", self.synapse.expressed, *(f"last_{name}" for name in self._kept)):
            setattr(plastic, name, self.first)
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
