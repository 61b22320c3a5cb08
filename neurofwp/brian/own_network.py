"""A synapse model in anybody's Brian2 network: one `Synapses` object between cells that are not ours.

The models keep what depends on one cell alone in that cell. Cells of others cannot take it. What follows the voltage of
the postsynaptic cell stands in a group beside it (`own_cells`). Of what follows spikes, which reach each synapse after
a delay of its own, each synapse has its own copy: gating of NMDA receptors, traces. The numbers are the same; a
`SpikingNetwork`, where a row of synapses shares them too, is faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import brian2 as b2
from brian2 import Quantity, have_same_dimensions, mmolar, ms, siemens, volt
from numpy.typing import ArrayLike

from neurofwp.brian.not_finite import NotFinite
from neurofwp.brian.own_cells import add_cells
from neurofwp.brian.random_numbers import FUNCTIONS
from neurofwp.brian.watch import LOOK, Watched, differential, watch
from neurofwp.errors import InputError
from neurofwp.synapses.model import SynapseModel, load
from neurofwp.synapses.stage import Stage
from neurofwp.synapses.variants import adapt

# of cells of ours; of others', these numbers, where they do not have a variable of the name
GIVEN: Mapping[str, Quantity | float] = {"nmda_gain": 1.0, "forgetting": 0 * b2.Hz, "calcium_outside": 2 * mmolar}


def connect(
    synapse: SynapseModel,
    source: Any,
    target: Any,
    *,
    i: ArrayLike | None = None,
    j: ArrayLike | None = None,
    p: float = 1.0,
    condition: str | None = None,
    delay: Quantity | None = None,
    dendrite: str = "v_dendrite",
    conductance: str = "g_ampa",
    plasticity_step: Quantity = 1 * ms,
    name: str = "plastic*",
) -> b2.Synapses:
    """Plastic synapses between two groups of a Brian2 network.

    Parameters
    ----------
    synapse : a model. source, target : groups of cells that spike.
    i, j, p, condition : as Brian2's own `connect` takes them: pairs of cells, of which one may come twice; or all pairs
        that meet `condition`; each with probability `p`.
    delay : of transmission, one for all synapses, beside what the model has itself. For one of each synapse, set
        ``plastic.now.delay``.
    dendrite : the variable of `target` that is the voltage at the synapses. conductance : that which a presynaptic
        spike raises by the weight; it decays as the target's equations say.
    plasticity_step : of calcium and weights; gating and traces advance with the clock of `target`.

    Returns
    -------
    Synapses with the states of the model, such as ``weight`` (siemens) and ``calcium``, for Brian2's own monitors. The
    object has to be in the network that runs, as any other. Every `LOOK` of simulated time it looks whether weights,
    calcium and what the target's differential equations advance are finite: if not, the run stops with an InputError
    that says which is not, or, a compiled one, with a RuntimeError and a line on standard error.

    Raises
    ------
    InputError
        for target cells without what the synapse needs, or a model whose synapses wait for plateaus.
    """
    _check(synapse, target, dendrite, conductance)
    if delay is not None and not (isinstance(delay, Quantity) and have_same_dimensions(delay, ms) and delay.ndim == 0):
        raise InputError(
            f"delay must be one time, like 2*ms, not {delay!r}; set plastic.now.delay for each synapse's own"
        )
    code = _Code(synapse, target, dendrite, conductance)
    plastic = _make(synapse, source, target, code, 0 * ms if delay is None else delay, plasticity_step, name)
    plastic.connect(condition=condition, i=i, j=j, p=p)
    for state in {"weight", synapse.expressed}:
        setattr(plastic, state, synapse.initial)
    if code.beside:
        add_cells(plastic, code.beside, synapse.text("postsynaptic_update"), code.read, plasticity_step)
    if update := code("update") if code.beside else code("postsynaptic_update", "update"):
        plastic.run_regularly(update, dt=plasticity_step, order=1)
    _stop_when_not_finite(plastic, target)
    return plastic


def _stop_when_not_finite(plastic: b2.Synapses, target: Any) -> None:
    cells = getattr(target, "source", target)  # of a part of a group the group
    watched = [
        Watched(plastic, [name for name in ("calcium", "weight", "slots") if name in plastic.variables]),
        Watched(cells, differential(cells) if isinstance(cells, b2.NeuronGroup) else []),
    ]

    def say(found: NotFinite) -> InputError:
        lost = found.lost[0]
        where = f"cell {lost.number} of {lost.group!r}"
        if lost.group == plastic.name:
            where = f"the synapse of {lost.group!r} from cell {plastic.i[lost.number]} to cell {plastic.j[lost.number]}"
        also = ", ".join(dict.fromkeys(each.variable for each in found.lost[1:]))
        return InputError(
            f"{lost.variable} of {where} became {lost.value:g} within the {LOOK} before {found.time:g} s"
            f"{f'; so are {also}' if also else ''}: parameters make numbers overflow, or a time step is too long"
        )

    clock = b2.Clock(LOOK, name=f"{plastic.name}_looks")
    plastic.contained_objects.append(watch(watched, clock=clock, name=f"look_at_{plastic.name}", say=say))


def _make(
    synapse: SynapseModel, source: Any, target: Any, code: _Code, delay: Quantity, plasticity_step: Quantity, name: str
) -> b2.Synapses:
    """The object, not yet connected."""
    at_pre = {"now": code("spike"), "late": code("late_spike"), "cell_pre": code("presynaptic_spike")}
    at_post = {"post": code("spike_post"), "cell_post": code("postsynaptic_spike")}
    own_pre, own_post = ({key: text for key, text in each.items() if text} for each in (at_pre, at_post))
    late = {"late": synapse.values[synapse.text("delay")] + delay} if "late" in own_pre else {}
    plastic = b2.Synapses(
        source,
        target,
        code.equations,
        on_pre=own_pre,
        on_post=own_post,
        delay=dict.fromkeys(own_pre, delay) | late,
        method="exponential_euler",
        clock=target.clock,
        namespace={**FUNCTIONS, **GIVEN, **synapse.constants(plasticity_step)},
        name=name,
    )
    for pathway in {"cell_pre", "cell_post"} & {*own_pre, *own_post}:
        # synapses see a spike before what was a cell's changes by it; Brian2's order is 0, or 1 at spikes of targets
        getattr(plastic, pathway).order = 2
    return plastic


class OwnSynapse(SynapseModel):
    """A synapse model that can be connected in a Brian2 network of one's own."""

    def connect(self, source: Any, target: Any, **how: Any) -> b2.Synapses:
        """Synapses of this model between two groups; arguments, what is returned, and errors: as of `connect`."""
        return connect(self, source, target, **how)


def synapse(
    name: str | Path,
    *,
    stages: Iterable[Stage | type[Stage]] = (),
    parameters: Mapping[str, Quantity | float | str] | None = None,
) -> OwnSynapse:
    """A synapse model by name (see `neurofwp list synapses`) or by the path of a TOML file.

    stages, parameters : of one's own, in place of the model's: see `neurofwp.synapses.adapt`.

    Raises
    ------
    InputError
        as `neurofwp.synapses.load` and `neurofwp.synapses.adapt`.
    """
    return adapt(OwnSynapse(**vars(load(name))), stages=stages, parameters=parameters)


class _Code:
    """The code of a model, with what cells of ours hold in each synapse instead.

    beside : equations of what stands in a group beside the target, which follow no spikes; empty where there are none.
    read : variables of the target that these read, by our names.
    """

    def __init__(self, synapse: SynapseModel, target: Any, dendrite: str, conductance: str) -> None:
        self.synapse, self.held = synapse, set(getattr(target, "variables", {}))
        self.renamed = {
            "v_dendrite": f"{dendrite}_post",
            "v_dendrite_post": f"{dendrite}_post",
            "g_ampa_post": f"{conductance}_post",
        }
        cells = [_text(synapse, part) for part in ("presynaptic", "postsynaptic")]
        self.moved = {
            f"{each}_{end}"
            for text, end in zip(cells, ("pre", "post"), strict=True)
            for each in b2.Equations(text).names
        }
        spikes = synapse.text("postsynaptic_spike").strip()
        self.beside = "" if spikes else cells[1].strip()
        self.cells = cells[0] if self.beside else "\n".join(cells)
        given = {name: name for name in GIVEN if name in self.held}
        self.read = given | ({"v_dendrite": dendrite} if dendrite in self.held else {})

    def __call__(self, *parts: str) -> str:
        texts = [self.synapse.update if part == "update" else _text(self.synapse, part) for part in parts]
        return self._own("\n".join(text for text in texts if text.strip()))

    @property
    def equations(self) -> str:
        """Those of both cells and of the synapse."""
        clocked = re.sub(r"^(\s*d\w+/dt\s*=[^\n]*?:[^\n(]*)$", r"\1 (clock-driven)", self.cells, flags=re.M)
        return self._own(f"{clocked}\n{self.synapse.text('synaptic')}")

    def _own(self, text: str) -> str:
        def name(found: re.Match[str]) -> str:
            word = found[0]
            if word in self.moved:
                return word.rpartition("_")[0]
            plain = word.removesuffix("_post")
            if plain in GIVEN:
                return f"{plain}_post" if plain in self.held else plain
            return self.renamed.get(word, word)

        return re.sub(r"[A-Za-z_]\w*", name, text)


def _text(synapse: SynapseModel, part: str) -> str:
    """A part of all stages, but for the conductance of the target, whose own equations say how it decays."""
    text = synapse.text(part)
    return re.sub(r"^\s*dg_ampa/dt[^\n]*$", "", text, flags=re.M) if part == "postsynaptic" else text


def _words(synapse: SynapseModel, *parts: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", "\n".join(synapse.text(part) for part in parts)))


def _check(synapse: SynapseModel, target: Any, dendrite: str, conductance: str) -> None:
    if synapse.text("plateau_edge") or "plateau" in _words(synapse, "postsynaptic", "postsynaptic_update"):
        raise InputError(
            f"synapse model {synapse.name!r} waits for plateaus of its cells, which only a SpikingNetwork has: choose "
            "another"
        )
    variables = getattr(target, "variables", {})
    decays = f"'d{conductance}/dt = -{conductance}/(5*ms) : siemens'"
    needs = {conductance: (siemens, f"the conductance that a spike raises, as in {decays}", "conductance")}
    if "v_dendrite" in _words(synapse, "postsynaptic", "postsynaptic_update", "synaptic_update"):
        needs[dendrite] = (volt, "the voltage at its synapses", "dendrite")
    for variable, (unit, meaning, argument) in needs.items():
        if variable not in variables:
            raise InputError(
                f"synapse model {synapse.name!r} needs {variable!r} in its target cells, {meaning}: declare it, or "
                f"name another variable with {argument}='...'"
            )
        if not have_same_dimensions(variables[variable].dim, unit):
            raise InputError(f"{variable!r} of the target cells must be in {unit!s}: it is {meaning}")
