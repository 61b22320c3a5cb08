"""The tasks of state tracking by name, each as tokens and one right answer per event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

from neurofwp.tasks.tokens.brackets import SYMBOLS, bracketed_sums
from neurofwp.tasks.tokens.permutations import permuted_things
from neurofwp.tasks.tokens.state_tracking import modular_sums

Seed = int | tuple[int, ...]

THINGS, PERMUTATIONS = 5, 120
MODULUS, DEPTH = 3, 2  # of arithmetic with brackets


@dataclass(frozen=True)
class TrackedTask:
    """Tokens below `vocabulary`, and answers below `answers`, all right equally often: see `draw`."""

    title: str
    vocabulary: int
    answers: int
    episodes: Callable[[int, int, Seed], xr.Dataset]

    def draw(self, length: int, episodes: int, seed: Seed) -> xr.Dataset:
        """``token`` and ``target`` (episode, event); targets are NOT_ASKED where there is none."""
        return self.episodes(length, episodes, seed)


def _sums(title: str, modulus: int) -> TrackedTask:
    return TrackedTask(title, modulus, modulus, lambda *sizes: modular_sums(modulus, *sizes[:2], seed=sizes[2]))


def _place_of_the_first(only_swaps: bool) -> Callable[[int, int, Seed], xr.Dataset]:
    def draw(length: int, episodes: int, seed: Seed) -> xr.Dataset:
        task = permuted_things(THINGS, length, episodes, only_swaps=only_swaps, seed=seed)
        return task[["token"]].assign(target=task["place"].isel(thing=0))

    return draw


def _brackets(length: int, episodes: int, seed: Seed) -> xr.Dataset:
    return bracketed_sums(MODULUS, length, episodes, depth=DEPTH, seed=seed)


TRACKED = {
    "parity": _sums("parity", 2),
    "mod3": _sums("sum modulo 3", 3),
    "swaps": TrackedTask("place after swaps of five", PERMUTATIONS, THINGS, _place_of_the_first(True)),
    "s5": TrackedTask("place after permutations of five", PERMUTATIONS, THINGS, _place_of_the_first(False)),
    "brackets": TrackedTask("brackets modulo 3", MODULUS + len(SYMBOLS), MODULUS, _brackets),
}
