"""Recall of a ring of items, each the key of the next one: from every key, or with every answer as the next key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.metrics.broadcasting import broadcast
from neurofwp.metrics.recall import decode

if TYPE_CHECKING:
    from neurofwp.slownet.encoder import FixedEncoder

Floats = NDArray[np.float64]
MODES = ("stepwise", "cleaned", "direct")


@broadcast
def ring_recall(program: xr.Dataset, trace: xr.Dataset, encoder: FixedEncoder) -> xr.Dataset:
    """Which items a network comes to, from the first key alone.

    Three ways, step t = 1 .. items, at which item t (from 0; of the ring) is to be recalled:

    - *stepwise*: every read has the true key. What is recalled is the stored value that is nearest to the read.
    - *cleaned*: the next key is that of the value that is nearest to the read. Reading does not erase, so what a
      network answers to a key in the loop is what it answered to it in the Program: the loop walks through its reads.
    - *direct*: the answer itself is encoded as the next key. Its keys are in no Program, so the weights after the last
      write are read linearly, without the cells and their noise.

    Parameters
    ----------
    program : Program that writes the items in their order and reads each from its whole key where ``cue``
        (episode, event) is 0; ``pair`` (episode, event) is the item's number. 64 pixels as values.
    trace : with ``recall`` and ``weight``.
    encoder : of the keys.

    Returns
    -------
    Dataset: ``right`` (mode, step, episode), 1 where the right item is recalled; overlap (share of active cells) of an
    answer, encoded, with the true key: ``direct_overlap`` (step, episode) in the direct loop and ``one_overlap`` of
    answers of the network itself to true keys; ``answer`` (mode, step, post), of the first episode, ``cleaned`` after
    cleaning; ``target`` (step, post).
    """
    whole = program.assign(target=program["target"].where(program["cue"] == 0))
    decoded = decode(whole, trace).values
    pair = program["pair"].values
    items = int(pair.max()) + 1
    keys, values = program["key"].values[:, :items], program["value"].values[:, :items]  # (episode, item, .)
    weight = trace["weight"].values[:, items - 1].astype(float)
    linear = keys @ weight.swapaxes(1, 2)
    scale = np.polyfit(linear.ravel(), values.ravel(), 1)
    walks = []
    for episode in range(len(pair)):
        events = np.flatnonzero(program["cue"].values[episode] == 0)
        reads = decoded[episode, events[np.argsort(pair[episode, events])]]  # of item 0, 1, ...
        walks.append(_walk(keys[episode], values[episode], reads, weight[episode], scale, encoder))
    right, overlap = (np.stack([walk[i] for walk in walks], axis=-1) for i in range(2))
    steps = {"step": np.arange(1, items + 1), "mode": list(MODES)}
    made = xr.Dataset(
        {
            "right": (("mode", "step", "episode"), right),
            "one_overlap": (("step", "episode"), overlap[0]),
            "direct_overlap": (("step", "episode"), overlap[1]),
            "answer": (("mode", "step", "post"), walks[0][2]),
            "target": (("step", "post"), values[0]),
        },
        coords=steps,
    )
    for name in made.data_vars:
        made[name].attrs["units"] = "1"
    return made


def _walk(
    keys: Floats, values: Floats, reads: Floats, weight: Floats, scale: Floats, encoder: FixedEncoder
) -> tuple[Floats, Floats, Floats]:
    """The ring of one episode, from its first key on.

    Parameters
    ----------
    keys (item, pre), values and reads (item, post), weight (post, pre). scale : slope and offset that make values of
        linear reads.

    Returns
    -------
    whether the right item is recalled (mode, step); overlap with the true key of answers to true keys, and of those in
    the direct loop (2, step); answers (mode, step, post).
    """
    items, (slope, offset) = len(keys), scale

    def next_item(answer: Floats) -> int:
        return (_nearest(values, answer) + 1) % items

    def encode(value: Floats) -> Floats:
        return encoder.encode(np.clip((value + 1) / 2, 0, 1))

    right, overlap = np.empty((len(MODES), items)), np.empty((2, items))
    answers = np.empty((len(MODES), items, values.shape[1]))
    cleaned, query = 0, keys[0]
    for step in range(items):
        truth = (step + 1) % items
        came, cleaned = next_item(reads[step]), next_item(reads[cleaned])
        answer = slope * (weight @ query) + offset
        query = encode(answer)
        right[:, step] = [came == truth, cleaned == truth, next_item(answer) == truth]
        overlap[:, step] = [each @ keys[truth] / encoder.active for each in (encode(reads[step]), query)]
        answers[:, step] = reads[step], values[cleaned - 1], answer
    return right, overlap, answers


def _nearest(stored: Floats, answer: Floats) -> int:
    """Number of the stored value (item, post) that is nearest to an answer."""
    return int(np.linalg.norm(stored - answer, axis=-1).argmin())
