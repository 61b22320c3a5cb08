"""The update of all synapses of a key cell in one loop, for compiled programs.

Brian2 advances synapses one by one, each looking up its two cells, and the compiler must assume that what it stores
may change what it looks up next. Where synapses are all-to-all and ordered by key cell, those of one key cell are a row
of contiguous numbers, and the value cells are one too: a loop over a row without lookups becomes vector instructions.

The statements stay those of the synapse model. They are written in C++ as a function of the key cell's variables, which
Brian2 calls once for each key cell. Models whose synapses draw random numbers, write to a cell, or look up what a
cell computes only on demand, keep Brian2's own loop, which is also the reference that this one is tested against.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Any

import brian2 as b2
import numpy as np
from brian2 import Quantity
from brian2.core.functions import Function

from neurofwp.synapses.model import SynapseModel

TYPES = {"float32": "float", "float64": "double"}
FUNCTIONS = {"exp": "std::exp", "expm1": "std::expm1", "log": "std::log", "sqrt": "std::sqrt", "clip": "clipped"}
OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.USub: "-",
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=",
}  # fmt: skip
CLIPPED = """
template <class T> static inline T clipped(const T x, const T low, const T high) {
    return x < low ? low : (x > high ? high : x);
}
"""


def possible(synapse: SynapseModel, stored: Collection[str]) -> bool:
    """Whether the synapses of a model can be advanced in rows; `stored` are the variables that value cells hold."""
    words = set(re.findall(r"\w+", synapse.update))
    looked_up = {name.removesuffix("_post") for name in words if name.endswith("_post")}
    return (
        not synapse.double
        and not re.search(r"_(pre|post)\s*[-+*/]?=[^=]", synapse.update)
        and looked_up <= set(stored)
        and all(_known(line) for line in synapse.update.splitlines())
    )


def advance(
    synapse: SynapseModel,
    key: b2.NeuronGroup,
    block: tuple[int, int],
    *,
    own: Collection[str],
    dtype: type,
    plasticity_step: Quantity,
) -> None:
    """Let key cells advance their synapses, named "plastic", at every step of the plasticity clock.

    Parameters
    ----------
    block : key cells of one episode, and value cells of one: synapses are all-to-all within an episode, ordered by
        episode, key cell and value cell.
    own : constants of which every synapse has its own, the same within an episode.
    """
    gates = sorted({name for name in re.findall(r"\w+", synapse.update) if name.endswith("_pre")})
    function = Function(
        _not_python, arg_units=[1] + [None] * len(gates), return_unit=1, arg_names=["row", *gates], stateless=False
    )
    function.implementations.add_implementation(
        "cpp", _code(synapse, gates, block, own, TYPES[np.dtype(dtype).name]), name="advance_row"
    )
    key.namespace["advance_row"] = function
    given = ", ".join(["i", *(name.removesuffix("_pre") for name in gates)])
    # after the cells' own update on the same clock
    key.run_regularly(f"advanced = advance_row({given})", dt=plasticity_step, order=1, name="plastic_update")


def _code(synapse: SynapseModel, gates: list[str], block: tuple[int, int], own: Collection[str], real: str) -> str:
    """The C++ function."""
    pre, cells = block
    words = set(re.findall(r"\w+", synapse.update))
    states = [name for name in synapse.states if name in words]
    constants = [
        f"const {real} {name} = "
        + (f"_dynamic_array_plastic_{name}[first];" if name in own else f"_array_plastic_{name}[0];")
        for name in synapse.constants(b2.ms)
        if name in words
    ]
    post = sorted(name for name in words if name.endswith("_post"))
    rows = [f"{real}* __restrict row_{name} = &_dynamic_array_plastic_{name}[first];" for name in states]
    columns = [
        f"const double* __restrict of_{name} = _array_value_{name.removesuffix('_post')} + first_cell;" for name in post
    ]
    loads = [f"{real} {name} = row_{name}[k];" for name in states]
    loads += [f"const {real} {name} = of_{name}[k];" for name in post]
    known = set(states)
    body = []
    for line in synapse.update.splitlines():
        target, code = _statement(line, real)
        body.append(f"{'' if target in known else real + ' '}{target} = {code};")
        known.add(target)
    stores = [f"row_{name}[k] = {name};" for name in states if any(line.startswith(f"{name} =") for line in body)]
    arguments = ", ".join(["const int row", *(f"const double given_{name}" for name in gates)])
    once, each = "\n    ", "\n        "
    before = [*constants, *(f"const {real} {name} = given_{name};" for name in gates), *rows, *columns]
    return f"""{CLIPPED}
static inline double advance_row({arguments}) {{
    using namespace brian;
    const size_t first = size_t(row) * {cells}, first_cell = size_t(row / {pre}) * {cells};
    {once.join(before)}
    for (int k = 0; k < {cells}; k++) {{
        {each.join([*loads, *body, *stores])}
    }}
    return 0;
}}
"""


def _statement(line: str, real: str) -> tuple[str, str]:
    """Variable and C++ expression of an assignment, with numbers of type `real`."""
    node = ast.parse(line.strip()).body[0]
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        raise NotImplementedError(line)
    return node.targets[0].id, _expression(node.value, real)


def _expression(node: ast.expr, real: str) -> str:
    match node:
        case ast.Name(id="inf"):
            return f"{real}(INFINITY)"
        case ast.Name() if isinstance(unit := getattr(b2, node.id, None), b2.Unit):
            return f"{real}({float(unit)!r})"
        case ast.Name():
            return node.id
        case ast.Constant():
            return f"{real}({node.value!r})"
        case ast.BinOp() if type(node.op) in OPERATORS:
            return f"({_expression(node.left, real)} {OPERATORS[type(node.op)]} {_expression(node.right, real)})"
        case ast.UnaryOp(op=ast.USub()):
            return f"(-{_expression(node.operand, real)})"
        case ast.Compare(ops=[operator]) if type(operator) in OPERATORS:
            return (
                f"({_expression(node.left, real)} {OPERATORS[type(operator)]} {_expression(node.comparators[0], real)})"
            )
        case ast.Call(func=ast.Name(id="int"), args=[truth]):
            return f"{real}({_expression(truth, real)})"
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
            return f"{FUNCTIONS[name]}({', '.join(_expression(each, real) for each in arguments)})"
    raise NotImplementedError(ast.unparse(node))


def _known(line: str) -> bool:
    try:
        _statement(line, "double")
    except (NotImplementedError, SyntaxError):
        return False
    return True


def _not_python(*arguments: Any) -> float:
    raise NotImplementedError("rows are advanced by compiled programs only")
