"""State tracking with a stack: arithmetic modulo m with brackets, asked for wherever an expression is complete."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.tasks.task import whole
from neurofwp.tasks.tokens.associative_recall import NOT_ASKED
from neurofwp.tasks.tokens.state_tracking import KIND, check_seed

SYMBOLS = "+-*()"  # tokens `modulus`, modulus + 1, ...: numbers come first
OPENS, CLOSES = 1 / 3, 1 / 2  # probability of a bracket where one may stand


def bracketed_sums(
    modulus: int, length: int, episodes: int, *, depth: int = 2, seed: int | Sequence[int]
) -> xr.Dataset:
    """Episodes of random arithmetic, and the value modulo `modulus` of all so far where that is a whole expression.

    ::

        event:    0  1  2  3  4  5  6  7        modulus = 5, depth = 2
        symbol:   3  +  2  *  (  4  -  1  ...
        token:    3  5  2  7  8  4  6  1
        target:   3 -1  0 -1 -1 -1 -1 -1        -1: not asked

    Products come before sums, and brackets before both, as in Python. Which symbol may come next is drawn: a number or
    an opening bracket where a term is due, an operator or a closing bracket behind one. Of the tasks of Deletang et al.
    (2023, arXiv 2207.02098; Grazzi et al. 2024, arXiv 2411.12537) it is modular arithmetic with brackets, but asks
    wherever it can, not once at the end, and limits how deep brackets go, so that a state of one size does for every
    length: unlimited they would take a stack. With depth 0 it is their modular arithmetic without brackets.

    Parameters
    ----------
    modulus : 2 or more; numbers are uniform below it. depth : brackets that may be open at once.
    length : events of an episode. episodes : their number.
    seed : one or more whole numbers >= 0.

    Returns
    -------
    Dataset of whole numbers ``token`` and ``target`` (episode, event). `attrs["settings"]` holds the arguments as JSON.

    Raises
    ------
    InputError
        for a modulus below 2, a depth below 0, a size below 1, or a negative seed.
    """
    modulus, depth = whole("modulus", modulus, low=2), whole("depth", depth, low=0)
    length, episodes = whole("length", length), whole("episodes", episodes)
    check_seed(seed)
    rng = np.random.default_rng(seed)
    bracket, number = rng.random((episodes, length)), rng.integers(modulus, size=(episodes, length))
    operator = rng.integers(3, size=(episodes, length))
    reader = _Reader(modulus, depth, episodes)
    token, target = np.empty((2, episodes, length), dtype=np.int64)
    for event in range(length):
        opens = reader.due & (reader.level < depth) & (bracket[:, event] < OPENS)
        closes = ~reader.due & (reader.level > 0) & (bracket[:, event] < CLOSES)
        symbol = np.where(reader.due, number[:, event], modulus + operator[:, event])
        token[:, event] = np.select([opens, closes], [modulus + 3, modulus + 4], symbol)
        target[:, event] = reader.read(token[:, event])
    arrays = {"token": token, "target": target}
    settings = {"modulus": modulus, "length": length, "episodes": episodes, "depth": depth, "seed": seed}
    return xr.Dataset(
        {name: (("episode", "event"), array, {"units": "1"}) for name, array in arrays.items()},
        attrs={"kind": KIND, "settings": json.dumps({"task": "bracketed_sums", **settings})},
    )


def expression(token: Sequence[int] | NDArray[np.int64], modulus: int) -> str:
    """Tokens as they are written: of `modulus` 10 or less, what Python can evaluate."""
    return "".join(str(each) if each < modulus else SYMBOLS[each - modulus] for each in token)


class _Reader:
    """Expressions read token by token, one per episode: at each level the sum so far, and the product to be added."""

    def __init__(self, modulus: int, depth: int, episodes: int) -> None:
        self.modulus, self.all = modulus, np.arange(episodes)
        self.level, self.due = np.zeros(episodes, dtype=np.int64), np.ones(episodes, dtype=bool)
        self.sum, self.product, self.operator = np.zeros((3, episodes, depth + 1), dtype=np.int64)

    def read(self, token: NDArray[np.int64]) -> NDArray[np.int64]:
        """The values of what has been read, NOT_ASKED where that is no whole expression."""
        kind = np.maximum(token - self.modulus, -1)  # -1: a number
        operates, opens, closes = (kind >= 0) & (kind < 3), kind == 3, kind == 4
        here = (self.all[operates], self.level[operates])
        self.operator[here] = kind[operates]
        self.level[opens] += 1
        fresh = (self.all[opens], self.level[opens])
        for state in (self.sum, self.product, self.operator):
            state[fresh] = 0  # as if "0 +" stood before
        term = np.where(closes, self._value(), token)
        self.level[closes] -= 1
        self._take(term, (kind == -1) | closes)
        self.due = operates | opens
        return np.where(~self.due & (self.level == 0), self._value(), NOT_ASKED)

    def _value(self) -> NDArray[np.int64]:
        value: NDArray[np.int64] = (self.sum + self.product)[self.all, self.level] % self.modulus
        return value

    def _take(self, term: NDArray[np.int64], chosen: NDArray[np.bool_]) -> None:
        """Bring terms into the products or sums of their levels."""
        here = (self.all[chosen], self.level[chosen])
        term, operator, total, product = term[chosen], self.operator[here], self.sum[here], self.product[here]
        times = operator == 2
        self.sum[here] = np.where(times, total, total + product) % self.modulus
        self.product[here] = np.select([times, operator == 1], [product * term, -term], term) % self.modulus
