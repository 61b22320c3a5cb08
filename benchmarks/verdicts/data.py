"""The data sets on which verdicts are counted: pairs of digits under keys that overlap, disturbed as spikes do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

import neurofwp as nf
from neurofwp.identification.recovery import disturb

EPISODES = 16  # half of them are fitted, half of them judge
PIXELS = 8


def program(
    seed: int, *, pairs: int = 8, overlap: float = 0.2, episodes: int = EPISODES, encoder: int | None = None
) -> xr.Dataset:
    """Pairs of digits for 200 key cells, 20 of them in a key; another seed has other pairs and, without an encoder's
    own, other keys."""
    task = nf.tasks.digit_pairs(pairs, episodes, reassign=0.5, seed=seed)
    cells = nf.slownet.FixedEncoder(pre=200, active=20, seed=seed if encoder is None else encoder, overlap=overlap)
    return nf.transforms.selection.keep_most_varied(cells(task), PIXELS)


def conditions(seed: int) -> Mapping[str, xr.Dataset]:
    """Programs without noise on which a named rule must predict what the truth does."""
    made = {
        "other keys": program(seed, episodes=3),
        "twice the pairs": program(seed, pairs=16, episodes=3),
        "half of the pairs": program(seed, pairs=4, episodes=3),
        "overlap .4": program(seed, overlap=0.4, episodes=3),
    }
    return {name: disturb(each, 0.0, np.random.default_rng(0)) for name, each in made.items()}
