"""Hetero-associative pairs of handwritten digits: one image is the key, another is the value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import get_args

import numpy as np
import xarray as xr
from numpy.random import Generator, SeedSequence, default_rng

from neurofwp.errors import InputError, unknown
from neurofwp.tasks.digits import Split, images
from neurofwp.tasks.task import KIND, SCHEMA, check, sign, whole

PROBED = 8  # keys read at each load of a capacity curve


def digit_pairs(
    pairs: int,
    episodes: int,
    *,
    reassign: float = 0.0,
    repeats: int = 1,
    reads: int = 1,
    seed: int,
    read_after: Sequence[int] | None = None,
    split: Split | None = None,
) -> xr.Dataset:
    """Episodes that write pairs of digit images and then ask for each value by its key.

    ::

        event:    w1 w2 ... wn | w3 wn ... w1 | W2 W5 ... | r4 r1 ... rn | r2 rn ... r7
                  all pairs      again, in      some keys   every key,     again, in
                  in order       another order  with a new  in random      another order
                                 (repeats - 1)  value       order          (reads - 1)

    and with ``read_after=(2, 4, ...)``, which draws a capacity curve out of one episode::

        event:    w1 w2 | r2 r1 | w3 w4 | r3 r1 r4 r2 | w5 w6 w7 w8 | r.. r..
        load:      1  2    2  2    3  4    4  4  4  4    5  6  7  8    8   8

    Writes and reads lie at the same events in every episode, so that episodes run as replicas of one
    network; images, reassigned keys and orders differ. Within an episode no image is used twice, neither as
    two keys, nor as two values, nor as a key and a value. An episode depends on `seed` and its own number
    only: more episodes leave the first ones as they are.

    Parameters
    ----------
    pairs : pairs per episode.
    episodes : number of episodes.
    reassign : share of the pairs whose key is written again, once, with a new value; rounded to whole pairs.
    repeats : how often the list of pairs is written before that.
    reads : how often every key is read.
    seed : a whole number >= 0.
    read_after : rising loads, the last of them `pairs`. As soon as that many pairs are written, up to 8 of
        their keys, drawn at random, are read (`reads` times). Replaces the reads at the end, and goes
        with `repeats` 1 and `reassign` 0 only.
    split : draw from the "train" or the "test" images only.

    Returns
    -------
    Task (`neurofwp.tasks.task`): dims (episode, event, pixel), with `pair`, `reassigned` and `load`. `pair`
    counts from 0 in the order of first writing. `content` and `target` are intensity / 8 - 1, where
    intensity is 0 to 16. `attrs["settings"]` holds the arguments as JSON.

    Raises
    ------
    InputError
        for a count below 1, more pairs than there are images, `reassign` outside [0, 1], loads that do not
        rise, `read_after` together with `repeats` or `reassign`, or an unknown split.
    """
    pairs, episodes = whole("pairs", pairs), whole("episodes", episodes)
    repeats, reads = whole("repeats", repeats), whole("reads", reads)
    seed = whole("seed", seed, low=0)
    _check_choices(reassign, split)
    loads = None if read_after is None else _loads(read_after, pairs)
    if loads is not None and (repeats > 1 or reassign > 0):
        raise InputError("read_after reads pairs that were written once: leave repeats at 1 and reassign at 0")
    scripts = []
    for rng in map(default_rng, SeedSequence(seed).spawn(episodes)):
        picture = _draw_images(pairs, round(reassign * pairs), split, rng)
        script = _Script(picture[:pairs], picture[pairs : 2 * pairs].copy())
        if loads is None:
            _write_then_read(script, rng, repeats, picture[2 * pairs :], reads)
        else:
            _read_at_loads(script, rng, loads, reads)
        scripts.append(script)
    settings = {
        "task": "digit_pairs",
        "pairs": pairs,
        "episodes": episodes,
        "reassign": float(reassign),
        "repeats": repeats,
        "reads": reads,
        "seed": seed,
        "read_after": loads,
        "split": split,
    }
    return _task(scripts, settings)


def _check_choices(reassign: float, split: Split | None) -> None:
    if not 0 <= reassign <= 1:
        raise InputError(f"reassign is a share of the pairs and must be in [0, 1], not {reassign}")
    if split not in (None, *get_args(Split)):
        raise unknown("split of the digits", str(split), get_args(Split))


def _draw_images(pairs: int, reassigned: int, split: Split | None, rng: Generator) -> np.ndarray:
    """Different images (image, pixel): those of keys, of values, and the new values of reassigned keys."""
    every, needed = images(split), 2 * pairs + reassigned
    if needed > len(every):
        raise InputError(
            f"{pairs} pairs, {reassigned} of them reassigned, need {needed} different images, "
            f"but there are {len(every)}; ask for fewer pairs"
        )
    return every[rng.permutation(len(every))[:needed]]


@dataclass
class _Script:
    """The events of one episode as they are written down."""

    cues: np.ndarray
    values: np.ndarray
    reassigned: set[int] = field(default_factory=set)
    written: set[int] = field(default_factory=set)
    events: list[dict[str, object]] = field(default_factory=list)

    def write(self, pair: int) -> None:
        self.written.add(pair)
        self._add(pair, write=True, content=sign(self.values[pair]), target=np.full_like(self.cues[pair], np.nan))

    def rewrite(self, pair: int, value: np.ndarray) -> None:
        self.values[pair] = value
        self.reassigned.add(pair)
        self.write(pair)

    def read(self, pair: int) -> None:
        self._add(pair, write=False, content=np.zeros_like(self.cues[pair]), target=sign(self.values[pair]))

    def _add(self, pair: int, *, write: bool, content: np.ndarray, target: np.ndarray) -> None:
        self.events.append(
            {
                "cue": self.cues[pair],
                "content": content,
                "write": write,
                "target": target,
                "pair": pair,
                "reassigned": not write and pair in self.reassigned,
                "load": len(self.written),
            }
        )


def _task(scripts: Sequence[_Script], settings: dict[str, object]) -> xr.Dataset:
    """Episodes as a Task; its settings become an attribute."""
    dims = {name: dims for name, dims in SCHEMA.dims.items() if name in scripts[0].events[0]}
    arrays = {name: np.array([[event[name] for event in script.events] for script in scripts]) for name in dims}
    arrays["load"] = arrays["load"][0]
    task = xr.Dataset({name: (dims[name], array, {"units": "1"}) for name, array in arrays.items()})
    task.attrs = {"kind": KIND, "settings": json.dumps(settings)}
    return check(task)


def _write_then_read(script: _Script, rng: Generator, repeats: int, new_values: np.ndarray, reads: int) -> None:
    pairs = len(script.cues)
    for repeat in range(repeats):
        for pair in range(pairs) if repeat == 0 else rng.permutation(pairs).tolist():
            script.write(pair)
    for pair, value in zip(rng.permutation(pairs).tolist(), new_values, strict=False):
        script.rewrite(pair, value)
    for _ in range(reads):
        for pair in rng.permutation(pairs).tolist():
            script.read(pair)


def _read_at_loads(script: _Script, rng: Generator, loads: list[int], reads: int) -> None:
    for pair in range(len(script.cues)):
        script.write(pair)
        if pair + 1 in loads:
            probed = rng.permutation(pair + 1)[:PROBED]
            for _ in range(reads):
                for chosen in rng.permutation(probed).tolist():
                    script.read(chosen)


def _loads(read_after: Sequence[int], pairs: int) -> list[int]:
    loads = [whole("a load in read_after", load) for load in read_after]
    rising = all(first < second for first, second in pairwise(loads))
    if not loads or not rising or loads[-1] != pairs:
        raise InputError(f"read_after must hold loads that rise to pairs ({pairs}), not {tuple(loads)}")
    return loads
