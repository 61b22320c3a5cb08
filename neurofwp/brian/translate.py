"""Statements of synapse models in C++."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

import brian2 as b2

FUNCTIONS = {"exp": "std::exp", "expm1": "std::expm1", "log": "std::log", "sqrt": "std::sqrt", "clip": "clipped"}
LINE = "\n    "
OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.USub: "-",
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=",
}  # fmt: skip
CLIPPED = """
template <class T> static inline T clipped(const T x, const T low, const T high) {
    return x < low ? low : (x > high ? high : x);
}
"""


def words(code: str) -> set[str]:
    """All names in some code."""
    return set(re.findall(r"[A-Za-z_]\w*", code))


def assignments(code: str) -> set[str]:
    """The variables to which statements assign."""
    return {statement(line, "double")[0] for line in code.splitlines()}


def over_row(lines: Sequence[str], cells: int) -> str:
    """A loop over the synapses of a row, or over the value cells that they share."""
    return f"for (int _k = 0; _k < {cells}; _k++) {{{f'{LINE}    '.join(['', *lines])}{LINE}}}"


def statement(line: str, real: str) -> tuple[str, str]:
    """Variable and C++ expression of an assignment, with numbers of type `real`.

    Raises
    ------
    NotImplementedError
        for what is no such statement, or has no translation.
    """
    node = ast.parse(line.strip()).body[0]
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        raise NotImplementedError(line)
    return node.targets[0].id, _expression(node.value, real)


def expression(text: str, real: str) -> str:
    """The C++ of an expression; raises as `statement`."""
    return _expression(ast.parse(text, mode="eval").body, real)


def translates(line: str) -> bool:
    """Whether there is a translation of a statement."""
    try:
        statement(line, "double")
    except (NotImplementedError, SyntaxError):
        return False
    return True


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
