"""Brian2 synapses from a synapse model, as the spiking network and the laboratory run them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import brian2 as b2
import numpy as np
from brian2 import Quantity, second
from brian2.core.variables import ArrayVariable
from brian2.units.fundamentalunits import get_dimensions, get_unit, is_dimensionless
from numpy.typing import NDArray

from neurofwp.brian import rows
from neurofwp.brian.device import compiles
from neurofwp.brian.random_numbers import FUNCTIONS, Noise
from neurofwp.synapses.model import SynapseModel


def connect(
    synapse: SynapseModel,
    key: b2.NeuronGroup,
    value: b2.NeuronGroup,
    i: NDArray[np.int_] | None = None,
    j: NDArray[np.int_] | None = None,
    *,
    clock: b2.Clock,
    plasticity: b2.Clock,
    dtype: type = float,
    own: Collection[str] = (),
    block: tuple[int, int, int] | None = None,
    noise: Noise | None = None,
    late_event: str = "spike",
    kept: str = "",
    keep: str = "",
    watched: Collection[int] = (),
) -> b2.Synapses:
    """Plastic synapses from key cells `i` to value cells `j`. Their constants and weights are still 0: see `begin`.

    `value` has been made with `events`. Spikes are seen at steps of `clock`; what advances by a clock does so at those
    of `plasticity`.

    Parameters
    ----------
    dtype : of states and constants, but for those that a stage wants in double precision.
    own : names of constants of which every synapse has its own.
    block : replicas, and key and value cells of one, in place of `i` and `j`: synapses are then all-to-all within
        replicas, ordered by replica, key cell and value cell, and compiled programs advance them in rows. `own`
        constants may differ between replicas only. Cells beyond these have no synapses.
    late_event : event of key cells at which what a spike does after the model's delay comes at once; by default it
        comes after the delay, which is then one for all synapses.
    noise : draws the random numbers of the synapses; without it Brian2 does, in a sequence.
    watched : key cells whose synapses are recorded while they run: all their states are then up to date at every step.
    kept, keep : variables of the synapses beside those of the model, and statements that follow the model's update.
    """
    constants = synapse.constants(plasticity.dt)
    draw: Callable[[str], str] = noise or str
    at_pre, at_post = _statements(synapse, draw, summed="nmda_open" in value.variables)
    delayed = "late" in at_pre and late_event == "spike"
    late = {"late": synapse.values[synapse.text("delay")]} if delayed else {}
    plastic = b2.Synapses(
        key,
        value,
        f"{synapse.text('synaptic')}\n{_declarations(constants, own)}\n{kept}",
        on_pre=at_pre,
        on_post=at_post,
        on_event={"now": "spike", "late": late_event, "post": "spike", "edge": "plateau_edge"},
        # one for all: Brian2 would otherwise keep one for each synapse
        delay=dict.fromkeys(at_pre | at_post, 0 * second) | late,
        clock=clock,
        dtype=dict.fromkeys({*constants, *synapse.states} - synapse.double, dtype),
        namespace=FUNCTIONS,
        name="plastic",
    )
    _connect_cells(plastic, i, j, block)
    if block and _advances_in_rows(synapse, value):
        rows.advance(synapse, key, block, own=own, dtype=dtype, clock=plasticity, awake=watched)
    elif synapse.update:
        plastic.run_regularly(f"{draw(synapse.update)}\n{keep}", clock=plasticity, order=1, name="plastic_update")
    return plastic


def _declarations(constants: Mapping[str, Quantity | float], own: Collection[str]) -> str:
    """Constants as shared variables of the synapses, those in `own` as one of each synapse.

    Single-precision states beside double-precision cells let the compiler vectorise the update; a literal or a constant
    from the namespace would be a double.
    """
    return "\n".join(
        f"{name} : {base_unit(number)} ({'constant' if name in own else 'shared, constant'})"
        for name, number in constants.items()
    )


def _statements(
    synapse: SynapseModel, draw: Callable[[str], str], *, summed: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """What happens to synapses at presynaptic and at postsynaptic events, by pathway, where anything does.

    summed : whether value cells sum their open NMDA channels.
    """
    spike = "\n".join(part for part in (synapse.text("spike"), synapse.text("summed_spike") if summed else "") if part)
    at_pre = {"now": draw(spike), "late": draw(synapse.text("late_spike"))}
    at_post = {"post": draw(synapse.text("spike_post")), "edge": draw(synapse.text("plateau_edge"))}
    own_pre, own_post = ({name: code for name, code in each.items() if code} for each in (at_pre, at_post))
    return own_pre, own_post


def _connect_cells(
    plastic: b2.Synapses, i: NDArray[np.int_] | None, j: NDArray[np.int_] | None, block: tuple[int, int, int] | None
) -> None:
    if block is None:
        plastic.connect(i=i, j=j)
        return
    # without a list of pairs, which would lie in memory beside them
    replicas, pre, cells = block
    first = f"(i//{pre})*{cells}"
    plastic.connect(j=f"k for k in range({first}, {first} + {cells}*int(i < {replicas * pre}))")


def _advances_in_rows(synapse: SynapseModel, value: b2.NeuronGroup) -> bool:
    """Whether compiled programs advance these synapses in rows; if they could, but do not, the log says why."""
    if not (compiles() and synapse.update):
        return False
    stored = {name for name, variable in value.variables.items() if isinstance(variable, ArrayVariable)}
    reason = rows.obstacle(synapse, stored)
    if reason:
        rows.tell(synapse.name, reason)
    return not reason


def begin(synapse: SynapseModel, plastic: b2.Synapses, plasticity_step: Quantity) -> None:
    """Give synapses made with `connect` the model's constants, and the weight before anything is written."""
    for name, number in synapse.constants(plasticity_step).items():
        setattr(plastic, name, number)
    for name in ("weight", synapse.expressed):
        setattr(plastic, name, synapse.initial)


def events(synapse: SynapseModel) -> dict[str, str]:
    """The events of a group of value cells with the variables `plateau` and `plateau_before`, beside spikes."""
    return {"plateau_edge": "plateau != plateau_before"} if synapse.text("plateau_edge") else {}


def watch_plateaus(synapse: SynapseModel, value: b2.NeuronGroup) -> None:
    """Let value cells made with `events` tell their synapses each change of their plateau once."""
    if synapse.text("plateau_edge"):
        value.run_on_event("plateau_edge", "plateau_before = plateau")


def base_unit(value: Quantity | float) -> str:
    """How Brian2's equations write the unit of a value."""
    return "1" if is_dimensionless(value) else repr(get_unit(get_dimensions(value)))
