"""One set of images bound in three ways: to other images, to themselves, and each to the next one."""

from __future__ import annotations

import json
from typing import Literal, get_args

import numpy as np
import xarray as xr

from neurofwp.errors import InputError, unknown
from neurofwp.tasks.digits import images
from neurofwp.tasks.task import KIND, check, sign, whole

Association = Literal["hetero", "auto", "sequence"]
ASSOCIATIONS: tuple[Association, ...] = get_args(Association)


def associations(association: Association, items: int, episodes: int, *, reads: int = 1, seed: int) -> xr.Dataset:
    """Episodes that write every item once and then read every item, in an order drawn anew for each pass.

    Item i has the image A_i for its key. Its value is another image B_i ("hetero"), A_i itself ("auto"), or A_(i+1)
    ("sequence", a ring: the last item is followed by the first). No image is drawn twice in an episode. Images and
    orders depend on `seed` and the number of the episode only, so that the three associations differ in nothing but
    their values.

    Parameters
    ----------
    items : images that are keys, per episode.
    episodes : number of episodes.
    reads : passes over all items.
    seed : a whole number >= 0.

    Returns
    -------
    Task (`neurofwp.tasks.task`): dims (episode, event, pixel), with `pair`, the number of the item.

    Raises
    ------
    InputError
        for an unknown association, a count below 1 (items: 2), or more items than there are images.
    """
    if association not in ASSOCIATIONS:
        raise unknown("association", str(association), ASSOCIATIONS)
    items, episodes, reads = whole("items", items, low=2), whole("episodes", episodes), whole("reads", reads)
    seed = whole("seed", seed, low=0)
    if 2 * items > len(images()):
        raise InputError(f"{items} items need {2 * items} different images, but there are {len(images())}")
    pair = np.empty((episodes, items * (1 + reads)), dtype=int)
    key, value = np.empty((2, episodes, items, images().shape[1]))
    for episode, child in enumerate(np.random.SeedSequence(seed).spawn(episodes)):
        rng = np.random.default_rng(child)
        drawn = images()[rng.permutation(len(images()))[: 2 * items]]
        key[episode], others = drawn[:items], drawn[items:]
        value[episode] = {"hetero": others, "auto": key[episode], "sequence": np.roll(key[episode], -1, axis=0)}[
            association
        ]
        pair[episode] = np.concatenate([np.arange(items), *(rng.permutation(items) for _ in range(reads))])
    write = np.broadcast_to(np.arange(pair.shape[1]) < items, pair.shape)
    cue, bound = (np.take_along_axis(each, pair[..., np.newaxis], axis=1) for each in (key, sign(value)))
    pixels, events = ("episode", "event", "pixel"), ("episode", "event")
    unit = {"units": "1"}
    task = xr.Dataset(
        {
            "cue": (pixels, cue, unit),
            "content": (pixels, np.where(write[..., np.newaxis], bound, 0.0), unit),
            "write": (events, write.copy(), unit),
            "target": (pixels, np.where(write[..., np.newaxis], np.nan, bound), unit),
            "pair": (events, pair, unit),
        }
    )
    settings = {
        "task": "associations", "association": association, "items": items, "episodes": episodes, "reads": reads,
        "seed": seed,
    }  # fmt: skip
    task.attrs = {"kind": KIND, "settings": json.dumps(settings)}
    return check(task)
