"""States of synapses, written to a file whenever they are recorded, so that a compiled network need not hold them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import brian2 as b2
import numpy as np

from neurofwp.brian.device import cpp_function
from neurofwp.brian.mapped import map_array


class Writer(b2.NeuronGroup):
    """Does in a compiled network what a StateMonitor of all synapses does, at the same times.

    Parameters
    ----------
    synapses : of which to write.
    variables : their names; all of every synapse.
    members : how many synapses there are, which Brian2 does not know before it runs.
    clock : when to write.

    Attributes
    ----------
    outputs : file (in the folder of results), dtype and columns of all that is written, by variable.
    """

    def __init__(self, synapses: b2.Synapses, variables: Sequence[str], members: int, *, clock: b2.Clock, name: str):
        kinds = {each: np.dtype(synapses.variables[each].dtype) for each in variables}
        # before the group is made: Brian2 then takes assignments for those of its variables
        self.outputs: dict[str, dict[str, Any]] = {"t": {"file": f"{name}.t", "dtype": "<f8", "columns": 0}}
        self.outputs |= {
            each: {"file": f"{name}.{each}", "dtype": kind.str, "columns": members} for each, kind in kinds.items()
        }
        write = cpp_function("write_states", _code(synapses.name, variables, name), {"t": b2.second})
        super().__init__(1, "written : 1", clock=clock, namespace={"write_states": write}, name=name)
        self.run_regularly("written = write_states(t)", clock=clock, name=f"{name}_writes")


class RuntimeWriter(b2.NetworkOperation):
    """Does the same in a network that Python runs; its files have no name, and go with it."""

    def __init__(self, synapses: b2.Synapses, variables: Sequence[str], *, clock: b2.Clock, name: str):
        self._variables = {each: synapses.variables[each] for each in variables}
        with ExitStack() as opened:
            self._files = {each: opened.enter_context(tempfile.TemporaryFile()) for each in variables}
            self._opened = opened.pop_all()
        self._times: list[float] = []
        super().__init__(self._write, clock=clock, name=name)

    def _write(self) -> None:
        self._times.append(float(self.clock.variables["t"].get_value().item()))
        for name, file in self._files.items():
            file.write(np.ascontiguousarray(self._variables[name].get_value()).data)

    def recorded(self) -> dict[str, np.ndarray]:
        """By "name.variable", as a monitor's."""
        made = {f"{self.name}.t": np.array(self._times)}
        for name, file in self._files.items():
            variable = self._variables[name]
            made[f"{self.name}.{name}"] = map_array(file, np.dtype(variable.dtype).str, len(variable.get_value()))
        self.close()
        return made

    def close(self) -> None:
        """Remove the files; arrays that were returned keep their content."""
        self._opened.close()


def _code(synapses: str, variables: Sequence[str], name: str) -> str:
    arrays = {each: f"_dynamic_array_{synapses}_{each}" for each in variables}
    writes = [
        f'write_to<{number}>("{name}.{each}", &{array}[0], {array}.size());'
        for number, (each, array) in enumerate(arrays.items(), start=1)
    ]
    return f"""
template <int number, class T> static inline void write_to(const char* name, const T* values, const size_t size) {{
    static std::ofstream file(brian::results_dir + name, std::ios::binary);
    if (!file.write((const char*) values, size*sizeof(T)) || !file.flush()) {{
        std::cerr << "cannot write " << brian::results_dir << name << ": is the disk full?" << std::endl;
        std::exit(1);
    }}
}}

static inline double write_states(const double t) {{
    using namespace brian;
    write_to<0>("{name}.t", &t, 1);
    {" ".join(writes)}
    return 0;
}}
"""
