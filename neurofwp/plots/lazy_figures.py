"""Figures that are drawn when they are asked for, so that one that fails takes no other with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from matplotlib.figure import Figure


class LazyFigures(Mapping[str, Figure]):
    """A mapping from names to figures, each drawn anew when it is looked up.

    drawings : functions without arguments that draw them, by name.
    """

    def __init__(self, drawings: Mapping[str, Callable[[], Figure]]) -> None:
        self._drawings = dict(drawings)

    def __getitem__(self, name: str) -> Figure:
        return self._drawings[name]()

    def __contains__(self, name: object) -> bool:
        return name in self._drawings  # without drawing it

    def __iter__(self) -> Iterator[str]:
        return iter(self._drawings)

    def __len__(self) -> int:
        return len(self._drawings)
