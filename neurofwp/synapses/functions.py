"""Functions for the equations of synapses that advance by events; Brian2 knows them as it knows exp.

kept(x) = exp(-x), for x of 0 or more. Between two events an efficacy relaxes by little, and many events find calcium
below every threshold. Compiled code then sums the exponential series, whose terms up to the tenth give double precision
for x < 1/8, instead of calling a library function, which would be the larger part of an event.

another(noise) is a new normal number, as randn() is. Brian2 warns of code that draws and writes to a cell which other
synapses share, because a sequence of draws depends on the order of synapses. Its distribution does not, and this
function says so.

Every function has an implementation for NumPy: around those that have none, Brian2 2.9 checks units at every call, and
for that prints the whole array into a message that it does not need, which takes 0.7 ms.
"""

from typing import Any

import numpy as np
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from numpy.typing import NDArray
from scipy.special import exprel

SERIES = "1 - x*(1 - x/2*(1 - x/3*(1 - x/4*(1 - x/5*(1 - x/6*(1 - x/7*(1 - x/8*(1 - x/9*(1 - x/10)))))))))"


def _exponential(x: Any) -> Any:
    return np.exp(-x)


def _another(noise: Any) -> NDArray[np.float64]:
    shape: tuple[int, ...] = np.shape(noise)
    return np.random.standard_normal(shape)  # noqa: NPY002 (what brian2.seed seeds)


KEPT = Function(_exponential, arg_units=[1], return_unit=1, arg_names=["x"])
KEPT.implementations.add_implementation("numpy", _exponential)
KEPT.implementations.add_implementation(
    "cpp",
    f"static inline double kept(const double x) {{ return x < 0.125 ? {SERIES} : std::exp(-x); }}",
    name="kept",
)
KEPT.implementations.add_implementation(
    "cython",
    f"""
from libc.math cimport exp as _exp

cdef double kept(double x):
    return {SERIES} if x < 0.125 else _exp(-x)
""",
    name="kept",
)

ANOTHER = Function(_another, arg_units=[1], return_unit=1, arg_names=["noise"], stateless=True)
ANOTHER.implementations.add_implementation("numpy", _another)
DRAW = {"_randn": DEFAULT_FUNCTIONS["randn"]}
ANOTHER.implementations.add_implementation(
    "cpp", "static inline double another(const double noise) { return _randn(0); }", dependencies=DRAW, name="another"
)
ANOTHER.implementations.add_implementation(
    "cython", "\ncdef double another(double noise):\n    return _randn(0)\n", dependencies=DRAW, name="another"
)

DEFAULT_FUNCTIONS.update(kept=KEPT, another=ANOTHER)
for name, function in {"expm1": np.expm1, "exprel": exprel, "log1p": np.log1p}.items():
    DEFAULT_FUNCTIONS[name].implementations.add_implementation("numpy", function)
