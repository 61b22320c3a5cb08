"""What every slow net is, whether fixed or trained."""

from __future__ import annotations

from typing import Protocol

import xarray as xr

CARRIED = ("write", "pair", "reassigned", "load", "stored", "shot")  # of a Task, into its Program


class SlowNet(Protocol):
    """Writes programs: decides for every event of a Task what is written, when, and what is asked."""

    def __call__(self, task: xr.Dataset) -> xr.Dataset:
        """The Program (`neurofwp.program`) for a Task (`neurofwp.tasks.task`), with the same episodes and events.

        The Program also carries what it needs to be judged: `target`, and the Task's `write`, `pair`,
        `reassigned`, `load`, `stored` and `shot` where it has them.
        """
        ...
