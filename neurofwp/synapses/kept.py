"""kept(x) = exp(-x), a function for the equations of synapses that advance by events.

Between two events an efficacy relaxes by little, and many events find calcium below every threshold. Compiled code then
sums the exponential series, whose terms up to the tenth give double precision for x < 1/8, instead of calling a library
function, which would be the larger part of an event.
"""

from typing import Any

import numpy as np
from brian2.core.functions import Function

SERIES = "1 - x*(1 - x/2*(1 - x/3*(1 - x/4*(1 - x/5*(1 - x/6*(1 - x/7*(1 - x/8*(1 - x/9*(1 - x/10)))))))))"
CODE = {
    "cpp": f"static inline double kept(const double x) {{ return x < 0.125 ? {SERIES} : std::exp(-x); }}",
    "cython": f"""
from libc.math cimport exp as _exp

cdef double kept(double x):
    return {SERIES} if x < 0.125 else _exp(-x)
""",
}


def _kept(x: Any) -> Any:
    return np.exp(-x)


KEPT = Function(_kept, arg_units=[1], return_unit=1, arg_names=["x"])
for target, code in CODE.items():
    KEPT.implementations.add_implementation(target, code, name="kept")
