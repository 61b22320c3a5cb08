"""How high one spike of either cell brings integrated calcium: what sets the thresholds of Chindemi et al. 2022."""

from __future__ import annotations

from dataclasses import replace

from brian2 import Quantity, ms

from neurofwp.laboratory.laboratory import Laboratory
from neurofwp.laboratory.protocol import Protocol
from neurofwp.synapses.model import load
from neurofwp.synapses.stages.expression.integrated_calcium import integrate


def calcium_peaks(laboratory: Laboratory) -> dict[str, Quantity]:
    """Peaks of integrated calcium after one presynaptic and one postsynaptic spike, at 2 mM calcium outside.

    The presynaptic spike releases everything, where the model has short-term plasticity.

    Returns
    -------
    {"pre_peak": ..., "post_peak": ...}, in ms (times micromolar): parameters of the expression "integrated-calcium".
    A synapse with other receptors, or in another cell, needs its own::

        peaks = calcium_peaks(Laboratory(model, parameters=mine))
        Laboratory(model, parameters={**mine, **peaks})
    """
    alone = [Protocol("pre_peak", pre=(1.0,), period=0.6), Protocol("post_peak", post=(1.0,), period=0.6)]
    model = load(laboratory.model)
    values = {**model.values, **(laboratory.parameters or {})}
    full = {"U": 1.0} if "U" in values else {}
    bench = replace(laboratory, parameters={**(laboratory.parameters or {}), **full})
    calcium = bench.run(alone, record=laboratory.step)["calcium"]
    tau = values["tau_integral"]
    peaks = integrate(calcium.transpose("time", "protocol").values, laboratory.step, tau).max(axis=0)
    return {str(name): peak * ms for name, peak in zip(calcium["protocol"].values, peaks, strict=True)}
