"""A kind of task: a name, and the function that draws its episodes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurofwp.errors import InputError

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Task:
    """What kind of episodes there can be.

    Parameters
    ----------
    name : by which it is listed and found.
    draw : ``draw(..., seed=...) -> xarray.Dataset``, episodes drawn at random (`neurofwp.tasks.task`).
    description : what it is, in a line; by default the first of the docstring of `draw`.

    Raises
    ------
    InputError
        for no name, what is no function, and one that takes no seed.
    """

    name: str
    draw: Callable[..., xr.Dataset]
    description: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise InputError("a task needs a name")
        if not callable(self.draw):
            raise InputError(f"task {self.name!r} needs a function draw(..., seed), not {self.draw!r}")
        if "seed" not in inspect.signature(self.draw).parameters:
            raise InputError(f"task {self.name!r}: draw must take a seed, so that episodes can be drawn again")
        if not self.description:
            object.__setattr__(self, "description", (inspect.getdoc(self.draw) or "").partition("\n")[0])

    def __repr__(self) -> str:
        return f"<Task {self.name}: {self.description}>"
