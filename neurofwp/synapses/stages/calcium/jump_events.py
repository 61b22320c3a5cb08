"""Calcium that jumps at spikes, without a clock: it is looked at when a spike comes, and is exact then.

The equation is that of `calcium_jumps.py`. A synapse keeps the time at which its calcium will have fallen to nothing,
`gone_at`, which stands still between jumps: c(t) = NOTHING exp((gone_at - t)/tau_calcium), where NOTHING = 1e-30 is
what a synapse has at the beginning. At every event of its own - presynaptic spike, arrival of its calcium,
postsynaptic spike - it knows how long ago the last one was, `elapsed`, and how long calcium was to last then,
`lasting`. Expression that advances by events reads these; other forms would see no calcium. `read` gives ``calcium``
at any time. `gone_at` and `last_event` are times and need double precision, the other states do not.

What a presynaptic spike brings comes through NMDA receptors: a write gate that scales their conductance scales it.

Form "jump-plateau-events" has plateau potentials too: while the postsynaptic cell is in one, calcium is held at
`plateau_calcium`, where spikes bring nothing more. It then takes `slowness` times as long to cross a level: forever.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from neurofwp.synapses.stage import Stage, States, Time, Values
from neurofwp.synapses.stages.calcium.jumps import PARAMETERS, PLATEAU_CALCIUM

EXPRESSIONS = ("two-threshold-events", "two-threshold-noisy-events")
NOTHING = 1e-30
FOREVER = 1e12  # times the fall of calcium: what stands for it while calcium is held

EVENT = """
    elapsed = t - last_event
    lasting = gone_at - last_event
    slowness = 1
    last_event = t
"""
JUMP = f"""
    gone_at = t + tau_calcium*log(1 + {{jump}}/{NOTHING} + exp((gone_at - t)/tau_calcium))
"""
PLATEAU_EVENT = f"""
    elapsed = t - last_event
    lasting = gone_at - last_event
    slowness = 1 + {FOREVER}*clamped
    gone_at = gone_at + clamped*elapsed
    last_event = t
"""
EDGE = f"""
    clamped = plateau_post
    gone_at = gone_at + (t + tau_calcium*log(1 + plateau_calcium/{NOTHING}) - gone_at)*clamped
"""


class JumpEvents(Stage):
    """Calcium that jumps at spikes, known at events alone."""

    stage = "calcium"
    form = "jump-events"
    source = "Graupner & Brunel 2012, PNAS 109:3991"
    parameters = PARAMETERS
    beside: ClassVar[dict[str, tuple[str, ...]]] = {"expression": EXPRESSIONS}
    synaptic = "gone_at : second\nlast_event : second"
    double = ("gone_at", "last_event")
    # The spike itself brings nothing yet, but what it transmits must be the weight of this moment.
    spike = EVENT
    late_spike = EVENT + JUMP.format(jump="pre_jump*nmda_gain_post")
    delay = "pre_delay"
    spike_post = EVENT + JUMP.format(jump="post_jump")
    plateau_edge = EVENT

    def read(self, values: Values, states: States, now: Time) -> dict[str, NDArray[np.float64]]:
        passed = (now - states["last_event"]) * (1 - states.get("clamped", np.float64(0)))
        left = states["gone_at"] - states["last_event"] - passed
        return {"calcium": NOTHING * np.exp(left / float(values["tau_calcium"]))}


class JumpPlateauEvents(JumpEvents):
    """The same, held during plateaus."""

    form = "jump-plateau-events"
    source = "after Graupner & Brunel 2012, PNAS 109:3991"
    parameters = (*PARAMETERS, PLATEAU_CALCIUM)
    synaptic = "gone_at : second\nlast_event : second\nclamped : 1"
    spike = PLATEAU_EVENT
    late_spike = PLATEAU_EVENT + JUMP.format(jump="pre_jump*nmda_gain_post*(1 - clamped)")
    spike_post = PLATEAU_EVENT + JUMP.format(jump="post_jump*(1 - clamped)")
    plateau_edge = PLATEAU_EVENT + EDGE
