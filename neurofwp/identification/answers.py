"""What is seen where weights are latent: the answers W q to the Program's queries."""

from __future__ import annotations

import numpy as np
import xarray as xr

from neurofwp import errors
from neurofwp.errors import InputError

OBSERVED = ("weights", "reads")


def asked(program: xr.Dataset) -> np.ndarray:
    """Which events (episode, event) are read."""
    found: np.ndarray = (program["query"].values != 0).any(-1)
    return found


def answers(
    program: xr.Dataset, trace: xr.Dataset, observed: str, initial: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The answers (episode, event, 1, post, 1), 0 where nothing was asked, in place of weights; every event and synapse
    counts as seen. None where weights are observed.

    Raises
    ------
    InputError
        for an unknown observation, a Program that reads nothing, initial weights that are to be taken from weights, or
        answers that are not finite or do not vary.
    """
    if observed not in OBSERVED:
        raise errors.unknown("observed", observed, OBSERVED)
    if observed == "weights":
        return None
    if initial == "first":
        raise InputError("initial weights cannot be taken from the first observation where weights are latent")
    read = asked(program)
    if not read.any():
        raise InputError("the Program reads nothing: its query is 0 everywhere, so that nothing is seen of the weights")
    found = np.where(read[..., None], trace["recall"].transpose("episode", "event", "post").values, 0.0)
    if not np.isfinite(found).all():
        raise InputError("recall of the Trace must be finite wherever the Program reads")
    if np.ptp(found[read]) == 0:
        raise InputError(f"recall of the Trace is {found[read].flat[0]:g} everywhere: nothing was learned")
    return found[:, :, None, :, None], np.ones(read.shape[1], dtype=bool), np.ones((1, 1, 1, 1), dtype=bool)


def queries(program: xr.Dataset, unit_keys: bool) -> np.ndarray:
    """(episode, event, pre), divided by their norms where keys are."""
    query = program["query"].values
    norm = np.linalg.norm(query, axis=-1, keepdims=True)
    return np.asarray(query / np.where(norm > 0, norm, 1.0)) if unit_keys else query
