"""Stops a simulation soon after a number in its cells or synapses is no longer finite.

A number that is not finite stays so, and spreads: where calcium or a voltage is NaN, so are soon the weights. A look at
all of them now and then, as at the ends of events, costs next to nothing and finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from brian2.core.variables import ArrayVariable

from neurofwp.brian.device import compiles, cpp_function
from neurofwp.brian.not_finite import FILE, Lost, NotFinite

LOOK = 100 * b2.ms  # how often numbers are checked where there are no events
WHEN = "start"  # of a step: before anything of it is done


@dataclass(frozen=True)
class Watched:
    """Variables of a group, by name; of its first `count` members, or of all."""

    group: Any
    names: Sequence[str]
    count: int | None = None


def differential(group: Any, more: Collection[str] = ()) -> list[str]:
    """The variables of a group that differential equations advance, and `more` of those that it holds."""
    names = {*group.equations.diff_eq_names, *more}
    return sorted(name for name in names if isinstance(group.variables.get(name), ArrayVariable))


def watch(
    watched: Sequence[Watched],
    *,
    clock: b2.Clock,
    name: str,
    say: Callable[[NotFinite], Exception] | None = None,
) -> b2.NeuronGroup | b2.NetworkOperation:
    """What raises `NotFinite`, or ends a compiled program, when one of these numbers is not finite at a tick.

    say : what to raise instead, of steps that Python runs.
    """
    if not compiles():
        return b2.NetworkOperation(lambda: _look(watched, clock, say), clock=clock, when=WHEN, name=name)
    looks = cpp_function(name, _code(name, watched), {"t": b2.second})
    watcher = b2.NeuronGroup(1, "looked : 1", clock=clock, namespace={name: looks}, name=f"{name}_group")
    watcher.run_regularly(f"looked = {name}(t)", clock=clock, when=WHEN, name=f"{name}_looks")
    return watcher


def _look(watched: Sequence[Watched], clock: b2.Clock, say: Callable[[NotFinite], Exception] | None) -> None:
    lost = []
    for each in watched:
        for name in each.names:
            values = np.asarray(each.group.variables[name].get_value())[: each.count]
            fine = np.isfinite(values)
            if not fine.all():
                index = int(np.argmin(fine))
                lost.append(Lost(each.group.name, name, index, float(values[index])))
    if lost:
        found = NotFinite(lost, float(np.asarray(clock.t_[:])))
        raise found if say is None else say(found)


def _code(name: str, watched: Sequence[Watched]) -> str:
    """The C++ function; a comparison with the largest number is quick, and NaN fails it too."""
    looks = [_look_in_cpp(name, each, variable) for each in watched for variable in each.names]
    return f"""
template <class T> static inline bool {name}_fine(const T value) {{
    return std::abs(value) <= std::numeric_limits<T>::max();
}}

template <class T> static inline bool {name}_at(const char* variable, const T* values, size_t size, double t) {{
    int lost = 0;
    for (size_t k = 0; k < size; k++) lost |= !{name}_fine(values[k]);
    if (!lost) return false;
    size_t k = 0;
    while ({name}_fine(values[k])) k++;
    std::ofstream file(brian::results_dir + "{FILE}", std::ios::app);
    file.precision(17);
    file << variable << " " << k << " " << values[k] << " " << t << std::endl;
    std::cerr << "not finite: " << variable << " " << k << " is " << values[k] << " at " << t << " s" << std::endl;
    return true;
}}

static inline double {name}(const double t) {{
    using namespace brian;
    bool lost = false;
    {" ".join(looks)}
    if (lost) std::exit(1);
    return 0;
}}
"""


def _look_in_cpp(name: str, each: Watched, variable: str) -> str:
    device, array = b2.get_device(), each.group.variables[variable]
    if array.dynamic:
        vector = device.get_array_name(array, access_data=False)
        first, size = f"{vector}.empty() ? nullptr : &{vector}[0]", f"{vector}.size()"
    else:
        first, size = device.get_array_name(array), str(array.size)
    return f'lost |= {name}_at("{each.group.name} {variable}", {first}, {each.count or size}, t);'
