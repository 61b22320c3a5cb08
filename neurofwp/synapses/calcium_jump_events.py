"""Calcium that jumps at spikes, without a clock: it is looked at when a spike comes, and is exact then.

The equation is that of `calcium_jumps.py`. At every event of its own - presynaptic spike, arrival of its calcium,
postsynaptic spike - the synapse knows how long ago the last one was, `elapsed`, and the logarithm of calcium after it,
`log_calcium`, from which calcium fell since with the time constant `fall_time`. Expression that advances by events
reads these three; other forms would see calcium stand still. Times need double precision.

Form "jump-plateau-events" has plateau potentials too: while the postsynaptic cell is in one, calcium is held at
`plateau_calcium`, where spikes bring nothing more, and the time constant is infinite.
"""

import numpy as np
from numpy.typing import NDArray

from neurofwp.synapses.base import Stage, States, Time, Values
from neurofwp.synapses.calcium_jumps import PARAMETERS
from neurofwp.synapses.parameters import Parameter

EXPRESSIONS = ("two-threshold-events", "two-threshold-noisy-events")

EVENT = """
    elapsed = t - last_event
    last_event = t
    log_calcium = log(clip(calcium, 1e-30, inf))
    fall_time = tau_calcium
    calcium = calcium*exp(-elapsed/tau_calcium)
"""

# 1e-12 stands for the inverse of a time constant that is infinite
PLATEAU_EVENT = """
    elapsed = t - last_event
    last_event = t
    log_calcium = log(clip(calcium, 1e-30, inf))
    fall_time = tau_calcium/(1 - clamped + 1e-12)
    calcium = calcium*exp(-elapsed/fall_time)
"""


def _read(values: Values, states: States, now: Time) -> dict[str, NDArray[np.float64]]:
    return {"calcium": states["calcium"] * np.exp(-(now - states["last_event"]) / float(values["tau_calcium"]))}


def _read_plateau(values: Values, states: States, now: Time) -> dict[str, NDArray[np.float64]]:
    free = {"calcium": states["calcium"] * (1 - states["clamped"]), "last_event": states["last_event"]}
    return {"calcium": _read(values, free, now)["calcium"] + states["calcium"] * states["clamped"]}


JUMP_EVENTS = Stage(
    stage="calcium",
    form="jump-events",
    source="Graupner & Brunel 2012, PNAS 109:3991",
    parameters=PARAMETERS,
    beside={"expression": EXPRESSIONS},
    synaptic="calcium : 1\nlast_event : second",
    # The spike itself brings nothing yet, but what it transmits must be the weight of this moment.
    spike=EVENT,
    late_spike=f"{EVENT}    calcium = calcium + pre_jump",
    delay="pre_delay",
    spike_post=f"{EVENT}    calcium = calcium + post_jump",
    plateau_edge=EVENT,
    read=_read,
)

JUMP_PLATEAU_EVENTS = Stage(
    stage="calcium",
    form="jump-plateau-events",
    source="after Graupner & Brunel 2012, PNAS 109:3991",
    parameters=(*PARAMETERS, Parameter("plateau_calcium", "1", "calcium during a plateau potential", low=0)),
    beside={"expression": EXPRESSIONS},
    synaptic="calcium : 1\nlast_event : second\nclamped : 1",
    spike=PLATEAU_EVENT,
    late_spike=f"{PLATEAU_EVENT}    calcium = calcium + pre_jump*(1 - clamped)",
    delay="pre_delay",
    spike_post=f"{PLATEAU_EVENT}    calcium = calcium + post_jump*(1 - clamped)",
    plateau_edge=f"""{PLATEAU_EVENT}
    clamped = plateau_post
    calcium = calcium + (plateau_calcium - calcium)*clamped
    """,
    read=_read_plateau,
)
