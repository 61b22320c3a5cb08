"""Measures of Programs and Traces of several conditions: each condition is measured as if it were alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from neurofwp.program import over_conditions

Arguments = ParamSpec("Arguments")
Measure = TypeVar("Measure")


def broadcast(measure: Callable[Arguments, Measure]) -> Callable[Arguments, Measure]:
    """The measure, over ``condition`` where any of its arguments has that dimension."""

    @wraps(measure)
    def over(*arguments: Arguments.args, **named: Arguments.kwargs) -> Measure:
        def one(*own: Any) -> Any:
            return measure(*own[: len(arguments)], **dict(zip(named, own[len(arguments) :], strict=True)))

        joined: Measure = over_conditions(one, *arguments, *named.values())
        return joined

    return over
