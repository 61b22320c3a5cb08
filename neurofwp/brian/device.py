"""What Brian2 makes of a network, a program of its own or steps that Python runs, and C++ of ours in such a program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import brian2 as b2
from brian2.core.functions import Function
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice


def compiles() -> bool:
    """Whether it is a program, in which C++ of ours can take part."""
    return isinstance(b2.get_device(), CPPStandaloneDevice)


def cpp_function(name: str, code: str, arguments: Mapping[str, Any], *, stateless: bool = False) -> Function:
    """A function in C++ for the equations of compiled programs; it returns a number without a unit.

    Parameters
    ----------
    code : defines it under `name`.
    arguments : unit of each, by name; None takes any.
    stateless : whether the same arguments always give the same, and nothing else happens.
    """

    def not_python(*given: Any) -> float:
        raise NotImplementedError(f"only compiled programs have {name}")

    function = Function(
        not_python, arg_units=list(arguments.values()), return_unit=1, arg_names=list(arguments), stateless=stateless
    )
    function.implementations.add_implementation("cpp", code, name=name)
    return function
