"""Rows of synapses that sleep, because nothing that their value cells may do within a step could change a weight.

Calcium c of a synapse is a low-pass of gating s, which its key cell has, times a drive u, which its value cell has. A
step of the plasticity clock is c <- k c + s u, and without a spike gating falls by one factor: s <- g s. Then

    c = d + s b,    d <- k d,    b <- (k b + u)/g,

whatever u does: b is a number of each value cell, the calcium at a gating of 1 that has long been falling, and d is
what a synapse deviates from it. Of a row that sleeps, calcium's place in memory holds d of the moment at which it fell
asleep; only its number of key cell is looked at. It wakes, with exact calcium, at a spike of its key cell, or when
max |d| + s max |b| is no longer idle (`Stage.idle`), so that all that sleeps would have been passed over, and no weight
can differ but by the rounding of calcium. b stands still in the long run where k < g. Otherwise no row sleeps.

What makes a row sleep is found in the equations: nothing is declared twice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import brian2 as b2
import sympy
from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

from neurofwp.brian.translate import expression, over_row, translates, words
from neurofwp.synapses.model import SynapseModel

CHANGE = 1e-6  # of gating against its decay, as a share: less is rounding, more is a spike
ROOM = 1.25  # what gating alone brings has to be idle by this factor, or a row would wake again at once


class CannotSleep(Exception):
    """Why the rows of a model are advanced at every step, as a phrase."""


@dataclass(frozen=True)
class Filter:
    """A state of synapses that is a low-pass, state <- kept state + gate drive, of gating that decays by `decay`.

    kept, drive, decay : expressions of constants, and `drive` of variables of value cells.
    """

    state: str
    gate: str
    kept: str
    drive: str
    decay: str

    @property
    def constants(self) -> set[str]:
        """Names in its expressions, among them functions."""
        return words(f"{self.kept} {self.drive} {self.decay}")


def find(synapse: SynapseModel, loops: Sequence[tuple[str, str]]) -> Filter:
    """What makes rows of a model sleep.

    loops : statements that advance a row, and conditions under which they need not run; the first always does.

    Raises
    ------
    CannotSleep
    """
    if len(loops) < 2 or not all(idle for _, idle in loops[1:]):
        raise CannotSleep("nothing says when weights stand still")
    state, found = _read_filter(synapse, loops[0][0])
    events = "\n".join(synapse.text(part) for part in ("spike", "late_spike", "spike_post", "plateau_edge"))
    if state in words(events):
        raise CannotSleep(f"events name {state!r}")
    cells = {name for name in words(found.drive) if name.endswith("_post")}
    for code, idle in loops[1:]:
        own = words(idle) & {*synapse.states, found.gate}
        if own - {state} or (own and words(idle) & cells):
            raise CannotSleep(f"whether they are idle depends on {', '.join(sorted(own | words(idle) & cells))}")
        if not own and words(code) & {state, found.gate}:
            raise CannotSleep(f"a step that cells alone make needless names {state!r}")
    return found


def _read_filter(synapse: SynapseModel, code: str) -> tuple[str, Filter]:
    known: dict[str, sympy.Expr] = {}
    for line in code.splitlines():
        name, _, value = (part.strip() for part in line.partition("="))
        known[name] = str_to_sympy(value).subs({sympy.Symbol(each, real=True): own for each, own in known.items()})
    states = [name for name in known if name in synapse.states]
    gates = sorted(name for name in words(code) if name.endswith("_pre"))
    if len(states) > 1 and gates:
        raise CannotSleep("nothing says when weights stand still")
    if len(states) != 1 or len(gates) != 1:
        raise CannotSleep("what comes first is no low-pass of an axon's gating times a drive")
    state, gate = (sympy.Symbol(name, real=True) for name in (states[0], gates[0]))
    after = sympy.expand(known[states[0]])
    kept, drive = after.coeff(state, 1), sympy.expand(after.coeff(state, 0)).coeff(gate, 1)
    numbers = {*synapse.values, *synapse.constants(1 * b2.ms)}
    constant = {str(each) for each in kept.free_symbols} <= numbers
    given = {name for name in map(str, drive.free_symbols) if not name.endswith("_post")} <= numbers
    if sympy.expand(after - kept * state - drive * gate) != 0 or not (constant and given):
        raise CannotSleep("what comes first is no low-pass of an axon's gating times a drive")
    kept, drive = sympy_to_str(kept), sympy_to_str(sympy.factor_terms(drive))
    found = Filter(states[0], gates[0], kept, drive, _decay(synapse, gates[0].removesuffix("_pre")))
    if not all(translates(f"x = {each}") for each in (found.kept, found.drive, found.decay)):
        raise CannotSleep("there is no translation of its low-pass")
    return states[0], found


def _decay(synapse: SynapseModel, gate: str) -> str:
    """The factor by which gating falls in a step of the plasticity clock."""
    equations = b2.Equations(synapse.text("presynaptic"))
    if gate not in equations.diff_eq_names:
        raise CannotSleep(f"{gate!r} does not decay with one exponential")
    own = sympy.Symbol(gate, real=True)
    rate = sympy.simplify(-str_to_sympy(equations[gate].expr.code) / own)
    if not {str(each) for each in rate.free_symbols} <= {*synapse.values}:
        raise CannotSleep(f"{gate!r} does not decay with one exponential")
    return f"exp(-plasticity_step*({sympy_to_str(rate)}))"


def shared(found: Filter, idles: Sequence[str], block: tuple[int, int, int], real: str) -> tuple[list[str], list[str]]:
    """Variables of the function that all rows share, and what the first row of an episode does: it looks at all gates.

    idles : conditions on the state of a synapse under which nothing else of it changes.
    """
    episodes, pre, cells = block
    total = episodes * pre
    variables = [
        "static bool _begun;",
        f"static double _due[{total}];",  # gating at the next step, if there is no spike; -1 where a row is awake
        f"static double _fade[{total}], _deviation[{total}];",  # by how much d has decayed; max |d|
        f"static int64_t _advances[{total}];",  # whether a row is awake, or wakes
        f"static double _per_gate[{episodes * cells}], _kept, _decay, _most;",  # b, and max |b|
        f"static {real} _per_gate_before[{cells}], _per_gate_now[{cells}];",
    ]
    lines = [
        *(f"const {real} {name} = _of_{name}[_k];" for name in words(found.drive) if name.endswith("_post")),
        f"const double _level = _per_gate[_first_cell + _k], _drive = {_in_double(found.drive)};",
        f"_per_gate_before[_k] = {real}(_level);",
        "const double _next = _steady ? (_kept*_level + _drive)/_decay : 0;",
        f"_per_gate[_first_cell + _k] = _next, _per_gate_now[_k] = {real}(_next);",
    ]
    looks = [
        f"const double _gating = _array_key_{found.gate.removesuffix('_pre')}[_row + _k], _next = _decay*_gating;",
        "const double _left = _kept*_deviation[_row + _k], _bound = _left + _next*_most, _expected = _due[_row + _k];",
        f"const int64_t _wakes = !(std::abs(_gating - _expected) <= {CHANGE!r}*_expected) | !_idles(_bound);",
        "_advances[_row + _k] = _wakes, _deviation[_row + _k] = _left;",
        "_due[_row + _k] = _wakes ? _expected : _next;",
        "_fade[_row + _k] = _wakes ? _fade[_row + _k] : _fade[_row + _k]*_kept;",
    ]
    first = [
        f"if (!_begun) std::fill(_due, _due + {total}, -1.0), _begun = true;",
        f"_kept = {_in_double(found.kept)}, _decay = {_in_double(found.decay)};",
        "const bool _steady = _kept < 0.9999*_decay;",
        over_row(lines, cells),
        f"_most = _steady ? largest<{cells}>(_per_gate_now, _per_gate_now, 0) : INFINITY;",
        over_row(looks, pre),
    ]
    variables.append(f"const auto _idles = [&](const double {found.state}) {{ return {_between(found, idles)}; }};")
    return variables, first


def _between(found: Filter, idles: Sequence[str]) -> str:
    """Whether a state is idle between this level and its negative: conditions that hold at both hold between them."""
    idle = " && ".join(expression(each, "double") for each in idles)
    return idle + " && " + re.sub(rf"\b{found.state}\b", f"(-{found.state})", idle)


def _in_double(code: str) -> str:
    """C++ of an expression, with the numbers that are kept in single precision made longer."""
    made = expression(code, "double")
    return re.sub(r"(?<![\w:.])[A-Za-z_]\w*(?![\w:(])(?!::)", lambda found: f"double({found[0]})", made)


def helpers(awake: Collection[int], rows: int) -> str:
    """What the code of rows calls: floats are compared as the whole numbers of their bits, which vectorises.

    awake : rows that never sleep.
    """
    return """
template <int cells> static inline float largest(const float* __restrict x, const float* __restrict y, const float by) {
    int most = 0;
    for (int k = 0; k < cells; k++) {
        const float own = std::abs(x[k] - by*y[k]);
        int bits;
        __builtin_memcpy(&bits, &own, sizeof bits);
        most = bits > most ? bits : most;
    }
    float made;
    __builtin_memcpy(&made, &most, sizeof made);
    return made;
}
""" + (_watched(awake, rows) if awake else "")


def wake(found: Filter, cells: int, real: str) -> str:
    """The beginning of a step of a row that advances: a state of the step before, if it slept."""
    row = f"_row_{found.state}"
    lines = [f"{row}[_k] = {row}[_k]*_faded + _gating*_per_gate_before[_k];"]
    return f"""if (_due[_row] >= 0) {{
        const {real} _faded = {real}(_fade[_row]), _gating = {real}(_due[_row]);
        {over_row(lines, cells)}
        _due[_row] = -1;
    }}"""


def fall_asleep(found: Filter, busy: Collection[str], cells: int, real: str, *, watched: bool) -> str:
    """The end of a step of a row that advanced.

    busy : variables that say that its synapses are not idle. watched : whether some rows never sleep.
    """
    row, given = f"_row_{found.state}", f"_given_{found.gate}"
    rest = over_row([f"{row}[_k] -= {real}(_gating)*_per_gate_now[_k];"], cells)
    allowed = ["_advances[_row]", *(f"!{name}" for name in sorted(busy)), f"{given} >= 0"]
    allowed += ["!_watched(_row)"] if watched else []
    return f"""if ({" && ".join(allowed)} && _idles({ROOM}*_decay*{given}*_most)) {{
        const double _gating = _decay*{given}, _apart = largest<{cells}>({row}, _per_gate_now, {real}(_gating));
        if (_idles(_apart + _gating*_most)) {{
            {rest}
            _fade[_row] = 1, _deviation[_row] = _apart, _due[_row] = _gating;
        }}
    }}"""


def _watched(awake: Collection[int], rows: int) -> str:
    """A function that tells the rows that never sleep."""
    return f"""
static inline bool _watched(const int row) {{
    static const std::vector<bool> rows = [] {{
        std::vector<bool> made({rows});
        for (const int each : {{{", ".join(map(str, sorted(awake)))}}}) made[each] = true;
        return made;
    }}();
    return rows[row];
}}
"""
