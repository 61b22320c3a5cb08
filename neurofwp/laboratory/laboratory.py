"""The laboratory: a synapse model between two cells that do what a Protocol says, many protocols side by side.

Both cells fire when they are told to. The postsynaptic cell is one compartment whose voltage is given, not computed::

    v = rest + plateau + back-propagating spikes + EPSPs        (or the voltage at which it is held)
    spike = A (f exp(-t/tau_fast) + (1 - f) exp(-t/tau_slow)), a delay after the spike
    EPSP = B (exp(-t/epsp_decay) - exp(-t/epsp_rise)), of the height that is a parameter

as in Shouval, Bear & Cooper (2002, PNAS 99:10831). The synapse is the one that the spiking network runs: the same
stages, the same parameters, one synapse per protocol and repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from brian2 import Quantity, ms, mV, nS, second

from neurofwp.brian import backends
from neurofwp.brian.time_steps import shift_in_words
from neurofwp.errors import InputError, unknown
from neurofwp.laboratory.bench import Bench
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses import model as synapses
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.parameters import Parameter, read_table

log = logging.getLogger("neurofwp")

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("v_rest", "mV", "resting potential"),
    Parameter("v_plateau", "mV", "depolarisation by a plateau potential", low=0),
    Parameter("spike_height", "mV", "peak of a back-propagating spike above rest", low=0),
    Parameter("fast_share", "1", "share of the spike that decays fast", low=0, high=1),
    Parameter("tau_fast", "ms", "decay of the fast part", low=0.1),
    Parameter("tau_slow", "ms", "decay of the slow part", low=0.1),
    Parameter("spike_delay", "ms", "time that a spike takes to the synapse", low=0),
    Parameter("epsp_height", "mV", "peak of the potential that a presynaptic spike brings", low=0),
    Parameter("epsp_rise", "ms", "time constant with which it rises", low=0.1),
    Parameter("epsp_decay", "ms", "time constant with which it decays, longer than that of its rise", low=0.1),
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
    "epsp_height": 0 * mV,
    "epsp_rise": 5 * ms,
    "epsp_decay": 50 * ms,
}


@cache
def _tell(text: str) -> None:
    """Say it once: fits run the same protocols again and again."""
    log.warning(text)


@dataclass(frozen=True)
class Laboratory:
    """A bench for one synapse model.

    Parameters
    ----------
    model : name or path of a synapse model, or one that is loaded. Its table [laboratory], if it has one, changes the
        cell's parameters.
    parameters : quantities that replace those of the model or of the cell, by name.
    step : time step of everything. backend : as of SpikingNetwork.

    Raises
    ------
    InputError
        for an unknown model or parameter, a wrong unit, or a step that is no time above 0.
    """

    model: str | Path | SynapseModel
    parameters: Mapping[str, Quantity | float] | None = None
    step: Quantity = field(default_factory=lambda: 0.1 * ms)
    backend: str = "auto"

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

        Cells do what they are told in the nearest step. The log, and ``attrs["largest_spike_shift_ms"]``, say by how
        much the time is moved that is moved furthest. Models that advance at events (of Graupner & Brunel) are exact
        where none is.

        Raises
        ------
        InputError
            for no protocols, repeats below 1, a negative seed, two protocols with the same name, or a
            cell that is to do the same thing twice within a step.
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
        synapse, cell = self._load()
        bench = Bench(
            synapse=synapse,
            cell=cell,
            protocols=protocols,
            repeats=repeats,
            step=self.step,
            record=record,
            duration=max(protocol.duration for protocol in protocols) * second,
        )
        backend, _ = backends.choose(self.backend)
        result = bench.result(bench.run(backend, bench.numbers(), seed))
        if bench.shift:
            _tell(shift_in_words(bench.shift, self.step, "step"))
        return result.assign_attrs(
            model=synapse.name, step=str(self.step), seed=seed, largest_spike_shift_ms=bench.shift
        )

    def change(self, protocols: Sequence[Protocol], *, repeats: int = 1, seed: int = 0) -> xr.Dataset:
        """Mean weight of the population long after each protocol, relative to before.

        Synapses are taken where the protocol says or else where the model finds them before
        (`SynapseModel.population`), each state `repeats` times; weights afterwards come to what the model lets them
        come to (`SynapseModel.settle`).

        Returns
        -------
        Dataset of ``ratio`` and ``sem`` (protocol), the standard error over repeats (NaN for one), and whatever numbers
        the protocols have as coordinates.

        Raises
        ------
        InputError
            as `run`; if synapses have no weight to begin with.
        """
        synapse, _ = self._load()
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
        after = synapse.settle(done["expressed"].values).reshape(shape)
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

    def _load(self) -> tuple[SynapseModel, dict[str, Quantity | float]]:
        """The model, and the parameters of the cell."""
        synapse = synapses.load(self.model)
        cell = DEFAULTS | read_table(synapse.laboratory, PARAMETERS, f"{synapse.name}.toml: laboratory", partial=True)
        declared = {p.name: p for p in (*PARAMETERS, *(p for stage in synapse.stages for p in stage.parameters))}
        values = dict(synapse.values)
        for name, quantity in (self.parameters or {}).items():
            if name not in declared:
                raise unknown("parameter", name, declared)
            (cell if name in cell else values)[name] = declared[name].check(quantity, name)
        if cell["epsp_rise"] >= cell["epsp_decay"]:
            raise InputError(
                f"an EPSP must rise faster than it decays, but epsp_rise is {cell['epsp_rise']} and epsp_decay "
                f"{cell['epsp_decay']}"
            )
        return replace(synapse, values=values), cell
