"""A fixed slow net: digit images become sparse keys, and the gate opens on writes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp import program
from neurofwp.errors import InputError
from neurofwp.slownet.slow_net import CARRIED
from neurofwp.slownet.whitening import whitening
from neurofwp.tasks import task as tasks
from neurofwp.tasks.digits import images


@dataclass(frozen=True)
class FixedEncoder:
    """Encode the cue of every event as a sparse binary key, the same for the same image always.

    Three stages, each linear in the image but for the last:

    1. *Decorrelation.* Pixels are centred and whitened (ZCA) with the mean and covariance of all 1797
       digits, as the retina decorrelates natural images (Atick & Redlich 1992). A ridge on the variances keeps
       pixels that hardly ever vary from being blown up.
    2. *Expansion* by a random Gaussian matrix onto `pre` cells, each scaled to unit variance over the digits,
       so that all cells are used about equally. Random expansion into many cells, of which few fire, is
       the code of cerebellar granule cells, the dentate gyrus and the mushroom body (Marr 1969, Albus
       1971, Litwin-Kumar et al. 2017).
    3. *Competition.* The `active` cells with most input fire at peak rate (1), the others not at all (0).

    Values are the content as it is, the write gate is 1 on writes and 0 on reads, retention is 1.

    Parameters
    ----------
    pre : number of presynaptic cells.
    active : number of cells that fire in a key.
    seed : of the random expansion, >= 0.
    duration : of every phase, ms.
    overlap : share of its active cells that a key has in common with another one, on average. Left out,
        all cells compete, which gives about active / pre; to get more, only active / overlap of the cells
        (rounded; drawn once, by `seed`, for all images) compete and the rest stay silent.

    Raises
    ------
    InputError
        for sizes that do not fit each other, an overlap that cannot be had, or (when called) a Task whose
        images are not 8 x 8.
    """

    pre: int = 400
    active: int = 20
    seed: int = 0
    duration: float = 500.0
    overlap: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.active <= self.pre:
            raise InputError(f"active must be between 1 and pre ({self.pre}), not {self.active}")
        if self.seed < 0:
            raise InputError(f"seed must be at least 0, not {self.seed}")
        if self.overlap is not None and not self.active / self.pre <= self.overlap <= 1:
            raise InputError(
                f"overlap must be between active / pre ({self.active / self.pre:g}) and 1, not {self.overlap:g}"
            )

    def __call__(self, task: xr.Dataset) -> xr.Dataset:
        """Return the Program of a Task."""
        tasks.check(task)
        write = task["write"].values
        code = self.encode(task["cue"].values)
        made = program.from_arrays(
            np.where(write[..., np.newaxis], code, 0.0),
            task["content"].values,
            query=np.where(write[..., np.newaxis], 0.0, code),
            write_gate=write,
            duration=self.duration,
            target=task["target"].values,
        )
        for name in CARRIED:
            if name in task:
                made[name] = task[name].variable.copy()
        made.attrs |= {
            "task": task.attrs.get("settings", "{}"),
            "slow_net": json.dumps({"slow_net": type(self).__name__, **asdict(self)}),
        }
        return made

    def encode(self, cue: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sparse binary keys (..., pre) of images (..., pixel) with intensity in [0, 1]."""
        mean, expansion, cells = self._stages
        if cue.shape[-1] != len(mean):
            raise InputError(f"FixedEncoder reads 8 x 8 images of {len(mean)} pixels, but the cue has {cue.shape[-1]}")
        drive = (cue - mean) @ expansion
        winners = np.argpartition(-drive, self.active - 1, axis=-1)[..., : self.active]
        code = np.zeros((*cue.shape[:-1], self.pre))
        np.put_along_axis(code, cells[winners], 1.0, axis=-1)
        return code

    @cached_property
    def _stages(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
        """Mean image (pixel,), whitening and expansion in one matrix (pixel, competing), and the competing cells."""
        mean, decorrelate = whitening(images())
        rng = np.random.default_rng(self.seed)
        expansion = decorrelate @ rng.standard_normal((len(mean), self.pre))
        competing = self.pre if self.overlap is None else round(self.active / self.overlap)
        cells = np.sort(rng.permutation(self.pre)[:competing])
        expansion = expansion[:, cells]
        return mean, expansion / ((images() - mean) @ expansion).std(axis=0), cells
