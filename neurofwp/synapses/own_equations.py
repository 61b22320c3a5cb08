"""A stage whose equations stand in the model file itself: text that Brian2 parses, and that is checked before it does.

In place of the name of a form, a table says ``form = "equations"`` and writes the parts of a stage as text, beside its
parameters::

    [expression]
    form = "equations"
    source = "Oja 1982, J Math Biol 15:267"
    synaptic_update = "weight = weight + plasticity_step*eta*(calcium - weight/w_scale*calcium**2)"
    eta = { value = 3, unit = "nS/s", source = "rate of a one-shot write" }
    w_scale = { value = 1, unit = "nS", source = "unitary cortical AMPA conductance" }

Brian2 writes C++ from such text. Only assignments and declarations therefore pass, of arithmetic, comparisons and the
functions in `FUNCTIONS`, with names that the model or the cells define, and units that fit.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neurofwp.errors import InputError, unknown
from neurofwp.runtime.lazy import b2
from neurofwp.synapses import consistency
from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage

if TYPE_CHECKING:
    from brian2 import Quantity

FORM = "equations"
DECLARATIONS = ("presynaptic", "postsynaptic", "synaptic")
STATEMENTS = (
    "presynaptic_spike", "postsynaptic_update", "postsynaptic_spike", "synaptic_update", "spike", "spike_post",
)  # fmt: skip
FUNCTIONS = frozenset(
    ("abs", "arccos", "arcsin", "arctan", "ceil", "clip", "cos", "cosh", "exp", "expm1", "exprel", "floor", "int",
     "log", "log10", "log1p", "rand", "randn", "sign", "sin", "sinh", "sqrt", "tan", "tanh")
)  # fmt: skip
NODES = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.Name, ast.Constant, ast.Load, ast.operator,
    ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
# words that C++ does not take for names, beside those of Python
RESERVED = frozenset(
    ("alignas", "alignof", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "case", "catch", "char", "compl",
     "concept", "const", "constexpr", "decltype", "default", "delete", "do", "double", "dynamic_cast", "enum",
     "errno", "explicit", "export", "extern", "false", "float", "friend", "goto", "inline", "int", "linux", "long",
     "main", "mutable", "namespace", "new", "noexcept", "not_eq", "nullptr", "operator", "or_eq", "private",
     "protected", "public", "register", "reinterpret_cast", "requires", "short", "signed", "sizeof", "static",
     "static_assert", "static_cast", "std", "struct", "switch", "template", "this", "thread_local", "throw", "true",
     "typedef", "typeid", "typename", "union", "unix", "unsigned", "using", "virtual", "void", "volatile", "wchar_t",
     "xor", "xor_eq")
)  # fmt: skip
# macros, and names of what is written around the loops of synapses
TAKEN = frozenset(("M_PI", "M_E", "INFINITY", "NAN", "NULL", "EOF", "RAND_MAX", "clipped", "advance_row", "size_t"))
BITS = (ast.Invert, ast.MatMult, ast.BitOr, ast.BitAnd, ast.BitXor, ast.LShift, ast.RShift)
LONGEST = 2000  # characters of a part
DEEPEST = 40  # brackets and operators within each other
HIGHEST = 64  # exponent that is a number: Brian2 computes powers of numbers before it writes code


class OwnEquations(Stage):
    """A stage from text.

    stage : which. source : of its equations. texts : by name of the part, those of `DECLARATIONS` and `STATEMENTS`.
    """

    form = FORM

    def __init__(self, stage: str, source: str, texts: Mapping[str, str], parameters: tuple[Parameter, ...]) -> None:
        self.texts = dict(texts)
        for name, value in {"stage": stage, "source": source, "parameters": parameters, **self.texts}.items():
            setattr(self, name, value)
        super().__init__()

    @property
    def recorded(self) -> Any:
        return {"form": self.form, "source": self.source, **self.texts}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OwnEquations) and (self.recorded, self.parameters) == (
            other.recorded,
            other.parameters,
        )

    def __hash__(self) -> int:
        return hash((self.stage, *self.texts.items()))


def read(stage: str, table: Mapping[str, Any], where: str) -> tuple[OwnEquations, dict[str, Quantity | float]]:
    """The stage that a table writes out, and the values of its parameters; its code is not yet checked: see `check`.

    Raises
    ------
    InputError
        for what is neither a part of a stage nor a parameter with value and unit, and for a missing source.
    """
    texts = {name: re.sub(r"#.*", "", entry) for name, entry in table.items() if isinstance(entry, str)}
    texts.pop("source", None)
    source = str(table.get("source", ""))
    if not source.strip():
        raise InputError(f"{where} needs a source: where its equations come from, as text")
    for name in texts:
        if name not in (*DECLARATIONS, *STATEMENTS):
            raise unknown(f"part of {where}", name, (*DECLARATIONS, *STATEMENTS))
    parameters, values = [], {}
    for name, entry in table.items():
        if isinstance(entry, str):
            continue
        given = entry if isinstance(entry, dict) else {}
        unit, meaning = str(given.get("unit", "1")), str(given.get("source", "no source is given"))
        parameters.append(Parameter(name, unit, meaning, -math.inf, math.inf))
        values[name] = parameters[-1].read(entry, f"{where}.{name}")
    return OwnEquations(stage, source, texts, tuple(parameters)), values


def check(stage: OwnEquations, others: Sequence[Stage], where: str) -> None:
    """Refuse code that is not arithmetic on names which the model and its cells define, or whose units do not fit.

    others : the other stages of the model.

    Raises
    ------
    InputError
        with the part, its line and what is wrong.
    """
    for each in stage.parameters:
        _check_name(each.name, stage, f"{where}.{each.name}")
    for part, text in stage.texts.items():
        place = f"{where}.{part}"
        if len(text) > LONGEST or not text.isascii():
            raise InputError(f"{place} has {len(text)} characters; at most {LONGEST} are read, all of them ASCII")
        for line, (name, expression) in enumerate(_parsed(part, text, place), start=1):
            _check_name(name, stage, f"{place}, line {line}")
            _check_expression(expression, f"{place}, line {line}")
    _check_units(stage, others, where)
    consistency.check(stage, others)
    _check_names(stage, others, where)


def _parsed(part: str, text: str, place: str) -> Iterator[tuple[str, str]]:
    """(name, expression) of each line: what it defines, and by what."""
    from brian2.parsing.statements import parse_statement

    try:
        if part in DECLARATIONS:
            for name, equation in b2.Equations(text).items():
                if set(equation.flags) - {"constant"}:
                    raise ValueError(f"{name!r} has the flag {sorted(equation.flags)[0]!r}; only 'constant' may be one")
                if str(equation.var_type) != "float":
                    raise ValueError(f"{name!r} must be a number, not {equation.var_type}")
                if part == "synaptic" and equation.expr is not None:
                    raise ValueError(f"{name!r} is declared alone, as in '{name} : 1', and advances in synaptic_update")
                yield name, equation.expr.code if equation.expr is not None else "0"
            return
        for line in filter(str.strip, text.splitlines()):
            name, operator, expression, _ = parse_statement(line.strip())
            yield name, expression if operator == "=" else f"{name} {operator.rstrip('=')} ({expression})"
    except Exception as error:  # of Brian2's parser, which raises several kinds
        raise InputError(f"{place} is no code that Brian2 reads: {' '.join(str(error).split())[:300]}") from error


def _check_name(name: str, stage: Stage, place: str) -> None:
    plain = name.removesuffix("_pre").removesuffix("_post")
    try:
        b2.Equations.check_identifier(name)
    except Exception as error:  # SyntaxError and what plug-ins raise
        raise InputError(f"{place}: {error}") from error
    if plain in RESERVED | TAKEN:
        raise InputError(f"{place}: {name!r} means something in C++ and cannot be a name")
    if plain in consistency.GIVEN and (stage.stage, plain) != ("release", "released"):
        raise InputError(f"{place}: {name!r} is the cell's own and cannot be changed by a synapse")


def _check_expression(code: str, place: str) -> None:
    """Refuse all but arithmetic."""
    try:
        tree = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{place}: {code[:80]!r} is no expression: {error}") from error
    if _depth(tree) > DEEPEST:
        raise InputError(f"{place}: {code[:80]!r} is nested more than {DEEPEST} deep")
    for node in ast.walk(tree):
        if not isinstance(node, NODES) or isinstance(node, BITS):
            raise InputError(f"{place}: {ast.unparse(node)[:80]!r} is not arithmetic ({type(node).__name__})")
        if isinstance(node, ast.Constant) and not (isinstance(node.value, (int, float)) and abs(node.value) < 1e300):
            raise InputError(f"{place}: {str(node.value)[:80]!r} is no number")
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            raise InputError(f"{place}: {ast.unparse(node)[:80]!r} compares more than two: join comparisons with 'and'")
        if isinstance(node, ast.Name) and node.id.startswith("xi"):
            raise InputError(f"{place}: white noise, {node.id!r}, is not supported: draw with randn()")
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
            if name not in FUNCTIONS or node.keywords:
                raise unknown(f"function in {place}", name, FUNCTIONS)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            _check_power(node, place)


def _check_power(power: ast.BinOp, place: str) -> None:
    """Refuse powers of numbers that may be large: Brian2 works them out before it writes code."""
    exponent = power.right.operand if isinstance(power.right, ast.UnaryOp) else power.right
    inside = [*ast.walk(exponent), *(() if _named(power.left) else ast.walk(power.left))]
    number = exponent.value if isinstance(exponent, ast.Constant) else None
    small = isinstance(number, (int, float)) and number <= HIGHEST
    if not (small or _named(exponent)) or any(isinstance(each, ast.Pow) for each in inside):
        raise InputError(
            f"{place}: {ast.unparse(power)[:80]!r}: an exponent is at most {HIGHEST}, or has a name in it, and "
            "there are no powers of powers of numbers"
        )


def _named(tree: ast.AST) -> bool:
    return any(isinstance(each, ast.Name) for each in ast.walk(tree))


def _depth(tree: ast.AST) -> int:
    """How many nodes lie within each other."""
    level, depth = [tree], 0
    while level:
        level, depth = [child for node in level for child in ast.iter_child_nodes(node)], depth + 1
    return depth


def _check_names(stage: OwnEquations, others: Sequence[Stage], where: str) -> None:
    """Refuse a second declaration of what another stage declares, and a stage that others miss something in."""
    declared = consistency.declared(stage)
    for other in others:
        if twice := (declared | {each.name for each in stage.parameters}) & consistency.declared(other):
            raise InputError(f"{where}: {other!r} declares {min(twice)!r} already; choose another name")
    every = set().union(declared, *map(consistency.declared, others))
    code = [line for each in (stage, *others) for line in consistency.code(each, (stage, *others)).values()]
    for name in ("calcium", "weight"):
        if name in {each.name for each in stage.parameters}:
            raise InputError(f"{where}.{name}: this is a state that stages share, and no parameter")
        if name not in every and any(re.search(rf"\b{name}\b", line) for line in code):
            raise InputError(f"{where}: the model speaks of {name!r}, which no stage declares in its part `synaptic`")
    for other in others:
        consistency.check(other, [each for each in (stage, *others) if each is not other])


def _check_units(stage: OwnEquations, others: Sequence[Stage], where: str) -> None:
    """Refuse expressions whose units do not fit together, or do not fit what they are assigned to."""
    from brian2.parsing.expressions import parse_expression_dimensions

    for part, text in stage.texts.items():
        known = consistency.dimensions((stage, *others), part)
        equations = b2.Equations(text) if part in DECLARATIONS else {}
        for line, (name, code) in enumerate(_parsed(part, text, where), start=1):
            place = f"{where}.{part}, line {line}"
            if name in equations and equations[name].expr is None:
                continue
            try:
                found = parse_expression_dimensions(code, known)
            except KeyError as error:
                name = str(error).rsplit(" ", 1)[-1].strip("'\"")
                raise InputError(
                    f"{place}: {name!r} is not known here; synapses write x_pre and x_post for variables of their "
                    "cells, and cells see their own"
                ) from error
            except Exception as error:
                raise InputError(f"{place}: {' '.join(str(error).split())[:300]}") from error
            rate = name in equations and equations[name].type == "differential equation"
            _fit(found, known, name, rate, f"{place}: {code[:80]!r}")


def _fit(found: Any, known: dict[str, Any], name: str, rate: bool, place: str) -> None:
    """Compare units with those of the name, which has them from now on if it is new."""
    if name not in known:
        known[name] = b2.Quantity(1.0, dim=found)
        return
    wanted = (b2.get_dimensions(known[name]) / b2.second.dim) if rate else b2.get_dimensions(known[name])
    if not b2.have_same_dimensions(b2.Quantity(1.0, dim=found), b2.Quantity(1.0, dim=wanted)):
        raise InputError(f"{place} has the unit {found}, but {name!r} needs {wanted}")
