"""What voltage, calcium and weight do around one pair of spikes."""

from __future__ import annotations

from pathlib import Path

import xarray as xr
from brian2 import ms, nS
from brian2.utils.logger import catch_logs

from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses.model import SynapseModel, load
from neurofwp.synapses.stages.expression.omega import Omega, omega

BEFORE, TRACE = 50.0, 400.0  # ms: of a recorded trace, until its first spike, and in all
EMPTY = 0.25  # nS: weight before the protocol of synapses that begin at 0; below the upper bound of every shipped model
APART = 10.0  # ms between the spikes


def mean_weight(model: SynapseModel) -> float:
    """Mean weight (nS) at which synapses are found before a protocol."""
    return sum(share * float(weight / nS) for weight, share in model.population)


def record_pair(name: str | Path, initial: float | None = None) -> xr.Dataset:
    """What happens around one pair of spikes, in either order, without noise.

    Parameters
    ----------
    name : of the synapse model, or the path of its file. initial : weight before, nS; by default the mean at which the
        model finds its synapses.

    Returns
    -------
    ``voltage`` (mV), ``weight`` (nS) and, where the model has them, ``calcium`` (uM or 1; with the model's thresholds
    as attributes) and ``omega`` (1), all (protocol, time), with time in ms from the first spike; ``pre`` and ``post``
    (protocol), the times of the spikes.
    """
    model = load(name)
    initial = initial or mean_weight(model)
    protocols = [
        Protocol(order, pre=(BEFORE + pre,), post=(BEFORE + post,), period=TRACE / 1000, initial=initial)
        for order, pre, post in (("pre before post", 0.0, APART), ("post before pre", APART, 0.0))
    ]
    quiet = {"sigma": 0.0} if "sigma" in model.values else {}
    # Compiling takes longer than a few thousand steps in numpy, which warns of synapses that share a cell: none does.
    with catch_logs():
        recorded = Laboratory(name, parameters=quiet, backend="numpy").run(protocols, record=0.5 * ms)
    traces = recorded.drop_vars(["before", "after", "expressed"]).assign_attrs(model=model.name)
    if quiet:
        traces.attrs["noise"] = "without noise"
    traces = traces.assign_coords(time=(recorded["time"] - BEFORE).assign_attrs(recorded["time"].attrs))
    for cell in ("pre", "post"):
        moments = [getattr(protocol, cell)[0] - BEFORE for protocol in protocols]
        traces = traces.assign_coords({cell: ("protocol", moments, {"units": "ms"})})
    if any(isinstance(stage, Omega) for stage in model.stages):
        levels = omega(traces["calcium"] / (model.micromolar or 1.0), model.values)
        traces["omega"] = traces["calcium"].copy(data=levels).assign_attrs(units="1")
    return traces
