"""A trained slow net: saved with all that it takes to use it, and called with a Task, as any slow net is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from neurofwp import program
from neurofwp.errors import InputError, unknown
from neurofwp.runtime import provenance
from neurofwp.slownet.episode_tensors import episodes
from neurofwp.slownet.programmer import Programmer, Shape
from neurofwp.slownet.slow_net import CARRIED
from neurofwp.slownet.training import checkpoint
from neurofwp.tasks import task as tasks

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class TrainedSlowNet:
    """A slow net that was meta-trained (`neurofwp train`), or will be.

    Parameters
    ----------
    model : what was trained. family : name of the tasks that it was trained on.
    about : how: settings, seed, versions, commit and what was measured, as JSON.
    duration : of every phase of its Programs, ms.
    """

    model: Programmer
    family: str
    about: Mapping[str, Any] = field(default_factory=dict)
    duration: float = 500.0

    def __call__(self, task: xr.Dataset) -> xr.Dataset:
        """Return the Program of a Task; its targets are values, as the fast weights hold them.

        A recurrent slow net reads fast weights of its own while it writes the Program.

        Raises
        ------
        InputError
            if this is no Task, or its sizes are not those that the slow net was made for.
        """
        tasks.check(task)
        first = next(self.model.parameters())
        events = episodes(task, first.device, first.dtype)
        with torch.no_grad():
            _, signals = self.model(events)
            target = self.model.value(events.target).where(events.asked[..., None], torch.nan)
        arrays = {name: np.asarray(tensor.cpu(), dtype=np.float64) for name, tensor in vars(signals).items()}
        made = program.from_arrays(
            arrays["key"],
            _unround(arrays["value"]),
            query=arrays["query"],
            write_gate=arrays["gate"],
            retention=arrays["retention"],
            duration=self.duration,
            target=_unround(np.asarray(target.cpu(), dtype=np.float64)),
        )
        for name in CARRIED:
            if name in task:
                made[name] = task[name].variable.copy()
        made.attrs |= {
            "task": task.attrs.get("settings", "{}"),
            "slow_net": json.dumps({"slow_net": type(self).__name__, "family": self.family, **self.model.numbers()}),
        }
        return made

    def save(self, path: str | Path) -> Path:
        """Write it as safetensors, its shape and `about` beside the weights."""
        if Path(path).suffix != SUFFIX:
            raise InputError(f"the name of a slow net's file must end in {SUFFIX}, not {str(path)!r}")
        config = {
            "family": self.family,
            "shape": self.model.numbers(),
            "about": dict(self.about),
            "duration": self.duration,
            "versions": provenance.versions(),
            "commit": provenance.commit(),
        }
        return checkpoint.save(path, self.model.state_dict(), config)


def _unround(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values that single precision took beyond [-1, 1] by a rounding, at the bound; others are left, to be refused."""
    beyond = (np.abs(values) > 1) & (np.abs(values) < 1 + 1e-6)
    return np.where(beyond, np.sign(values), values)


def shipped_names() -> dict[str, Path]:
    """The slow nets that come with the package, by name."""
    folder = Path(str(resources.files("neurofwp.models"))) / "slownets"
    return {file.name.removesuffix(SUFFIX): file for file in sorted(folder.glob(f"*{SUFFIX}"))}


def _check_sizes(shape: Shape, tensors: Mapping[str, torch.Tensor]) -> None:
    """
    Raises
    ------
    InputError
        for sizes of which the file cannot hold the weights: before memory for these is asked for.
    """
    needed = max(shape.cue * shape.pre, shape.hidden * (shape.cue + shape.content + shape.context))
    held = sum(tensor.numel() for tensor in tensors.values())
    if needed > held:
        raise InputError(f"its sizes need {needed} numbers or more, and it holds {held}")


def load(name: str | Path) -> TrainedSlowNet:
    """A shipped slow net by its name, or one that was saved, by its path.

    Raises
    ------
    InputError
        for a name that is not known, or a file that is missing, truncated, of another kind or of another architecture.
    """
    path = Path(name)
    if path.suffix != SUFFIX:
        known = shipped_names()
        if str(name) not in known:
            raise unknown("slow net", str(name), known)
        path = known[str(name)]
    tensors, config = checkpoint.load(path)
    try:
        shape = Shape(**config["shape"])
        family, about, duration = config["family"], config["about"], config["duration"]
        _check_sizes(shape, tensors)
        model = Programmer(shape, generator=torch.Generator().manual_seed(0))  # whatever is drawn is replaced
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{str(path)!r} holds no slow net that this version knows: {error}") from error
    checkpoint.fill(model, tensors, source=str(path))
    return TrainedSlowNet(model, family, about, duration)
