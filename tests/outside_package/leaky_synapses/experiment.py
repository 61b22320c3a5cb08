"""Leak: a rate network runs the leaky rule, and a fit finds how much it leaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Settings:
    """What to run."""

    leak: float = 0.8
    """Share of a weight that survives an event."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Run a random Program, and fit the rule to the weights."""
    rng = np.random.default_rng(seed)
    key = (rng.random((2, 6, 8)) < 0.3).astype(float)
    program = nf.program.from_arrays(key, rng.uniform(-1, 1, (2, 6, 3)), query=key, write_gate=1.0)
    network = nf.RateNetwork(
        "leaky", parameters={"leak": settings.leak}, on_off=True, bounds=(0, np.inf), device=device
    )
    trace = network.run(program, seed=seed)
    fits = nf.identify(program, trace, ["hebbian", "leaky"], restarts=1, seed=seed, progress=False)
    return xr.DataTree.from_dict({"/program": program, "/rate": trace, "/fits": fits})


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """The leak that was found, and how well each rule predicts."""
    fits = result["fits"].to_dataset()
    found = fits["parameter_value"].sel(rule="leaky", parameter="leak", drop=True).assign_attrs(units="1")
    return {"leak": xr.Dataset({"found": found}), "rules": fits[["r2"]]}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """No figures."""
    return {}


EXPERIMENT = Experiment(Settings, run, tables, plot, name="leak")
