"""The update of all synapses of a key cell in one loop, for compiled programs.

Brian2 advances synapses one by one, each looking up its two cells, and the compiler must assume that what it stores
may change what it looks up next. Where synapses are all-to-all and ordered by key cell, those of one key cell are a row
of contiguous numbers, and the value cells are one too: a loop over a row without lookups becomes vector instructions.

Most key cells are silent most of the time, and most synapses then have too little calcium to change. Where a stage says
so (`Stage.idle`), a row of synapses that are all idle is passed over; in single precision this changes no bit.

The statements stay those of the synapse model. They are written in C++ as a function of the key cell's variables, which
Brian2 calls once for each key cell. Models whose synapses draw random numbers, write to a cell, or look up what a
cell computes only on demand, keep Brian2's own loop, which is also the reference that this one is tested against.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache

import brian2 as b2
import numpy as np

from neurofwp.brian import sleep
from neurofwp.brian.device import cpp_function
from neurofwp.brian.translate import CLIPPED, LINE, assignments, expression, over_row, statement, translates, words
from neurofwp.synapses.model import SynapseModel

log = logging.getLogger("neurofwp")

TYPES = {"float32": "float", "float64": "double"}


def obstacle(synapse: SynapseModel, stored: Collection[str]) -> str:
    """Why the synapses of a model cannot be advanced in rows, or nothing if they can.

    stored : the variables that value cells hold.
    """
    if b2.prefs.devices.cpp_standalone.openmp_threads:  # rows share what the first one finds
        return "Brian2 was told to use OpenMP threads"
    if synapse.double:
        return f"{', '.join(sorted(synapse.double))} of each synapse need double precision"
    if written := re.search(r"\w+_(pre|post)(?=\s*[-+*/]?=[^=])", synapse.update):
        return f"its update writes to {written[0]!r}, a variable of a cell that synapses share"
    looked_up = {name.removesuffix("_post") for name in _names(synapse) if name.endswith("_post")}
    if computed := looked_up - set(stored):
        return f"its update looks up {min(computed)!r}, which the value cell computes on demand and does not hold"
    unknown = [line for line in synapse.update.splitlines() if not translates(line)]
    return f"there is no translation of the statement {unknown[0]!r}" if unknown else ""


@cache
def tell(model: str, reason: str) -> None:
    """Say once that the synapses of a model advance in the slower loop, and why."""
    log.info("the synapses of %s advance in Brian2's own loop, which is slower: %s", model, reason)


def held_variables(equations: str) -> set[str]:
    """The variables of these equations that a cell holds, and does not compute on demand."""
    parsed = b2.Equations(equations)
    return {name for name in parsed.names if parsed[name].type != "subexpression"}


def which_loop(synapse: SynapseModel, stored: Collection[str], backend: str, dtype: type = np.float32) -> str:
    """In a phrase, which loop advances the synapses of a model on this backend of Brian2, and why not the fast one."""
    if not synapse.update:
        return "none: they advance at events"
    if backend != "cpp_standalone":
        return f"Brian2's own: only compiled programs advance them in rows, and not {backend}"
    reason = obstacle(synapse, stored)
    if reason:
        return f"Brian2's own, which is slower: {reason}"
    if np.dtype(dtype) != np.float32:
        return "in rows, one for each key cell, at every step: in double precision idle synapses change by little"
    try:
        sleep.find(synapse, _loops(synapse, skip=True))
    except sleep.CannotSleep as every:
        return f"in rows, one for each key cell, at every step: {every}"
    return "in rows, one for each key cell; those of silent cells sleep"


def advance(
    synapse: SynapseModel,
    key: b2.NeuronGroup,
    block: tuple[int, int, int],
    *,
    own: Collection[str],
    dtype: type,
    clock: b2.Clock,
    awake: Collection[int] = (),
) -> None:
    """Let key cells advance their synapses, named "plastic", at every step of this clock.

    Parameters
    ----------
    block : episodes, and key cells and value cells of one: synapses are all-to-all within an episode, ordered by
        episode, key cell and value cell. Key cells beyond these have none.
    own : constants of which every synapse has its own, the same within an episode.
    awake : key cells whose synapses are looked at while they run, and so may not sleep.
    """
    gates = sorted(name for name in _names(synapse) if name.endswith("_pre"))
    code = _code(synapse, gates, block, own, TYPES[np.dtype(dtype).name], awake)
    key.namespace["advance_row"] = cpp_function("advance_row", code, {"row": 1, **dict.fromkeys(gates)})
    given = ", ".join(["i", *(name.removesuffix("_pre") for name in gates)])
    # after the cells' own update on the same clock
    key.run_regularly(f"advanced = advance_row({given})", clock=clock, order=1, name="plastic_update")


def _code(
    synapse: SynapseModel,
    gates: list[str],
    block: tuple[int, int, int],
    own: Collection[str],
    real: str,
    awake: Collection[int] = (),
) -> str:
    """The C++ function."""
    episodes, pre, cells = block
    loops = _loops(synapse, skip=real == "float")
    sleeper = _sleeper(synapse, loops)
    named = {word for code, idle in loops for word in words(f"{code}\n{idle}")}
    states = [name for name in synapse.states if name in named]
    constants = _constants(synapse, named | (sleeper.constants if sleeper else set()), own)
    rows = [f"{real}* __restrict _row_{name} = &_dynamic_array_plastic_{name}[_first];" for name in states]
    columns = sorted(name for name in named if name.endswith("_post"))
    arguments = ", ".join(["const int _row", *(f"const double _given_{name}" for name in gates)])
    conditions = {f"_busy_{number}": idle for number, (_, idle) in enumerate(loops) if idle}
    cell_conditions = {name: idle for name, idle in conditions.items() if not words(idle) & {*states, *gates}}
    row_conditions = {name: idle for name, idle in conditions.items() if name not in cell_conditions}
    variables, first = sleep.shared(sleeper, list(row_conditions.values()), block, real) if sleeper else ([], [])
    before = [*(f"const {real} {name} = _given_{name};" for name in gates), *rows]
    before += _shared_lookups(constants, columns, cell_conditions, pre, cells, real, variables, first)
    parts = _all_loops(loops, states, cells, real, row_conditions, episodes * pre)
    helpers = CLIPPED
    if sleeper:
        helpers += sleep.helpers(awake, episodes * pre)
        parts[0] = f"if (_advances[_row]) {{\n{sleep.wake(sleeper, cells, real)}\n{parts[0]}}}"
        parts[0] += "".join(f"else if (!{name}) return 0;" for name in cell_conditions)
        parts.append(sleep.fall_asleep(sleeper, row_conditions, cells, real, watched=bool(awake)))
    return f"""{helpers}
static inline double advance_row({arguments}) {{
    using namespace brian;
    if (_row >= {episodes * pre}) return 0;
    const size_t _first = size_t(_row) * {cells}, _first_cell = size_t(_row / {pre}) * {cells};
    {LINE.join([*before, *(f"int {name} = 0;" for name in row_conditions), *parts])}
    return 0;
}}
"""


def _constants(synapse: SynapseModel, named: Collection[str], own: Collection[str]) -> dict[str, str]:
    """Where the constants lie that are named."""
    return {
        name: f"_dynamic_array_plastic_{name}[_first]" if name in own else f"_array_plastic_{name}[0]"
        for name in synapse.constants(b2.ms)
        if name in named
    }


def _sleeper(synapse: SynapseModel, loops: list[tuple[str, str]]) -> sleep.Filter | None:
    try:
        return sleep.find(synapse, loops)
    except sleep.CannotSleep:
        return None


def _shared_lookups(
    constants: Mapping[str, str],
    columns: list[str],
    conditions: Mapping[str, str],
    pre: int,
    cells: int,
    real: str,
    variables: Sequence[str],
    first: Sequence[str],
) -> list[str]:
    """What the key cells of an episode share: the first one looks it up, in the synapses' precision.

    Variables of the function's own, since each row that is stored could otherwise change a constant.
    """
    kept = [f"static {real} {name};" for name in constants]
    kept += [f"static {real} _of_{name}[{cells}];" for name in columns] + [f"static int {name};" for name in conditions]
    anew = [f"{name} = {source};" for name, source in constants.items()] + [f"{name} = 0;" for name in conditions]
    looking = [
        f"const {real} {name} = _of_{name}[_k] = _array_value_{name.removesuffix('_post')}[_first_cell + _k];"
        for name in columns
    ]
    loop = over_row([*looking, *_busy(conditions, real)], cells)
    return [*kept, *variables, f"if (_row % {pre} == 0) {{", *anew, loop, *first, "}"]


def _loops(synapse: SynapseModel, *, skip: bool) -> list[tuple[str, str]]:
    """Statements of loops over a row, one after the other, and what makes them needless; the first finds out whether.

    So a condition must hold of what is known after the first loop, and no loop may need what another computed on the
    way: else all is one loop.
    """
    loops: list[tuple[str, str]] = []
    for code, idle in synapse.updates if skip else []:
        on_the_way = {name for before, _ in loops for name in assignments(before)} - set(synapse.states)
        if on_the_way & words(code):
            return [(synapse.update, "")]
        if not loops or {name for before, _ in loops[1:] for name in assignments(before)} & words(idle):
            idle = ""
        if loops and not idle and not loops[-1][1]:
            loops[-1] = (f"{loops[-1][0]}\n{code}", "")
        else:
            loops.append((code, idle))
    return loops or [(synapse.update, "")]


def _all_loops(
    loops: list[tuple[str, str]], states: list[str], cells: int, real: str, conditions: Mapping[str, str], rows: int
) -> list[str]:
    """All loops of a step of a row, each with what makes it needless."""
    parts = [_first_loops(loops, states, cells, real, conditions, rows)]
    return parts + [
        (f"if (_busy_{number}) " if idle else "") + _loop(code, states, cells, real, {})
        for number, (code, idle) in enumerate(loops[1:], start=1)
        if not (number == 1 and "_busy_1" in conditions)
    ]


def _first_loops(
    loops: list[tuple[str, str]], states: list[str], cells: int, real: str, conditions: Mapping[str, str], rows: int
) -> str:
    """The first loop, and the second where what the first finds can make it needless.

    Rows that were busy at the step before most likely still are: there both are one loop.
    """
    first = _loop(loops[0][0], states, cells, real, conditions)
    if "_busy_1" not in conditions:
        return first
    both = _loop(f"{loops[0][0]}\n{loops[1][0]}", states, cells, real, conditions)
    second = _loop(loops[1][0], states, cells, real, {})
    return f"""static bool _was_busy[{rows}];
    if (_was_busy[_row]) {both} else {{
    {first}
    if (_busy_1) {second}
    }}
    _was_busy[_row] = _busy_1;"""


def _loop(code: str, states: list[str], cells: int, real: str, conditions: Mapping[str, str]) -> str:
    """Statements for every synapse of a row, which also find which of `conditions` (of being idle) do not hold."""
    named = words("\n".join((code, *conditions.values())))
    known = {name for name in states if name in named}
    loads = [f"{real} {name} = _row_{name}[_k];" for name in sorted(known)]
    loads += [f"const {real} {name} = _of_{name}[_k];" for name in sorted(named) if name.endswith("_post")]
    body = []
    for line in code.splitlines():
        target, value = statement(line, real)
        body.append(f"{'' if target in known else real + ' '}{target} = {value};")
        known.add(target)
    stores = [f"_row_{name}[_k] = {name};" for name in states if name in assignments(code)]
    return over_row([*loads, *body, *stores, *_busy(conditions, real)], cells)


def _busy(conditions: Mapping[str, str], real: str) -> list[str]:
    return [f"{name} |= !{expression(idle, real)};" for name, idle in conditions.items()]


def _names(synapse: SynapseModel) -> set[str]:
    return {word for code, idle in synapse.updates for word in words(f"{code}\n{idle}")}
