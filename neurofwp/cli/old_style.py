"""Experiments that are modules still: `Settings`, `run`, `summary`, `plot`, and perhaps `tables` and `run_together`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from neurofwp.runtime.experiment import Experiment


class _OldStyle(Experiment):
    def summary(self, result: Any) -> dict[str, Any]:
        numbers: dict[str, Any] = sys.modules[self.module].summary(result)
        return numbers


def experiment(module: ModuleType) -> Experiment:
    """The experiment that such a module is; its tables are DataFrames."""
    return _OldStyle(
        module.Settings,
        module.run,
        getattr(module, "tables", lambda result: {}),
        module.plot,
        getattr(module, "run_together", None),
    )
