"""Which rule do synapses of place cells run? The published map of place-field changes, one bin left out at a time.

Plateau potentials move the place fields of CA1 cells. The map of Milstein et al. 2021 (eLife 10:e73046) gives the mean
change of the ramp of depolarisation at a place by the time that lies between it and the plateau, and by the ramp that
was there before: 27 bins, without standard errors. Each bin is taken for one synapse of an input that fires at that
place, with the initial ramp for its initial weight, in mV; the plateau is the value, and opens the write gate.
Every rule is fitted to 26 bins and predicts the other one.

The input fires as a Gaussian of time: place fields of 90 cm, which hold 99.7 % of their firing, at 25 cm/s, as in that
paper's model, so that even a rule without traces of its own reaches places before and after the plateau. A bin is a
mean over places of several cells, and its ramp comes from many synapses: no rule can be established by such data, only
be told from others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, torch, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.identification.records import Records

REACH = 3.0  # standard deviations of an input's firing that are run before the first place and after the last
SETTLE = 5.0  # s after that in which traces of a rule decay


@dataclass(frozen=True)
class Settings:
    """What to run."""

    rules: tuple[str, ...] = ()
    """Rules; by default all that can be fitted."""
    ramps: tuple[float, float, float] = (1.0, 4.0, 8.0)
    """Initial ramps that stand for the classes <2, 2-6 and >6 mV, mV."""
    field: float = 0.85
    """Standard deviation of an input's firing in time, s."""
    plateau: float = 0.3
    """Duration of the plateau, s."""
    step: float = 0.25
    """Duration of an event before and after the plateau, s."""
    restarts: int = 4
    """Random starts of each fit."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Fit and predict.

    Raises
    ------
    InputError
        for durations that are not above 0, ramps that do not rise, or rules that cannot be fitted.
    """
    check(settings)
    published = nf.laboratory.measurements.btsp_map()
    change = published["change"]
    program, trace = write_program(settings, published)
    nulls = Nulls(tuple(change.values.ravel().tolist()), change.sizes["ramp"])
    found = nf.identification.leave_one_out(
        program, trace, settings.rules or None, others=nulls, unit_keys=False, restarts=settings.restarts,
        seed=seed, folder=folder,
    )  # fmt: skip
    bins = found["predicted"].values.reshape(-1, *change.shape)
    published["predicted"] = xr.DataArray(bins, dims=("model", *change.dims), attrs={"units": "mV"})
    return xr.DataTree.from_dict(
        {"/fits": found.drop_vars("predicted"), "/map": published.assign_coords(model=found["model"])}
    )


def check(settings: Settings) -> None:
    """Refuse what cannot be run."""
    for name in ("field", "plateau", "step"):
        if not getattr(settings, name) > 0:
            raise InputError(f"{name} must be above 0 s, not {getattr(settings, name):g}")
    if not 0 <= settings.ramps[0] < settings.ramps[1] < settings.ramps[2]:
        raise InputError(f"ramps must be three rising numbers from 0 mV on, not {settings.ramps}")


def write_program(settings: Settings, published: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """A Program and a Trace with an episode for each bin (delay, ramp), in the order of the map, of one synapse.

    The key of an event is the mean of the input's firing over it, relative to its peak. Only the weight after the last
    event was seen.
    """
    delay, ramp = (each.ravel() for each in np.meshgrid(published["delay"], settings.ramps, indexing="ij"))
    reach = np.abs(delay).max() + REACH * settings.field
    before = settings.step * np.arange(-np.ceil(reach / settings.step), 1)
    after = settings.plateau + settings.step * np.arange(np.ceil((reach + SETTLE) / settings.step) + 1)
    edges = np.concatenate([before, after])
    duration = np.diff(edges)
    plateau = (edges[:-1] == 0).astype(float)
    key = gaussian_mean(edges, delay[:, None], settings.field)
    program = nf.program.from_arrays(
        key[:, :, None],
        np.broadcast_to(plateau[:, None], (len(delay), len(plateau), 1)),
        write_gate=np.broadcast_to(plateau, key.shape),
        duration=np.broadcast_to(1000 * duration, key.shape),
    )
    weight = np.full((len(delay), len(duration), 1, 1), np.nan)
    weight[:, -1, 0, 0] = ramp + published["change"].values.ravel()
    return program, nf.trace.from_weights(weight, units="mV", initial_weight=ramp[:, None, None])


def gaussian_mean(edges: np.ndarray, centre: np.ndarray, width: float) -> np.ndarray:
    """Means of exp(-(t - centre)^2 / (2 width^2)) between edges (edge,): (..., edge - 1)."""
    from scipy.special import ndtr

    area = np.diff(ndtr((edges - centre) / width), axis=-1)
    mean: np.ndarray = np.sqrt(2 * np.pi) * width * area / np.diff(edges)
    return mean


@dataclass(frozen=True)
class Nulls:
    """What the other bins say of one without any rule: their mean; and delay and initial ramp, each adding its own.

    changes : of all bins, mV, in the order of the map; ramps : how many there are of each delay.
    """

    changes: tuple[float, ...]
    ramps: int

    def __call__(self, known: Sequence[int], out: int) -> Mapping[str, Any]:
        seen = np.full(len(self.changes), np.nan)
        seen[list(known)] = np.array(self.changes)[list(known)]
        table = seen.reshape(-1, self.ramps)
        return {
            "null: mean": partial(weights_after, change=float(np.nanmean(table))),
            "null: additive": partial(weights_after, change=additive(table, *divmod(out, self.ramps))),
        }


def additive(table: np.ndarray, row: int, column: int) -> float:
    """The entry of a table (row, column) that one effect of each row and column, added, predicts by least squares."""
    rows, columns = np.nonzero(np.isfinite(table))
    design = np.zeros((len(rows), sum(table.shape)))
    design[np.arange(len(rows)), rows] = 1
    design[np.arange(len(rows)), table.shape[0] + columns] = 1
    effect = np.linalg.lstsq(design, table[rows, columns], rcond=None)[0]
    return float(effect[row] + effect[table.shape[0] + column])


def weights_after(records: Records, change: float) -> torch.Tensor:
    """Weights that have changed by so much at the end."""
    after: torch.Tensor = (records.initial[:, :, None] + change).expand(records.shape)
    return after


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """``summary``: verdict and sentence. ``models``: R^2 of bins left out, of rules and nulls, and which rules are not
    worse than the best one; ``parameters`` of these, with jackknife standard errors.
    ``map`` and ``predicted``: the change of the ramp (delay, ramp), mV, and what each model says of it."""
    fits, published = result["fits"].to_dataset(), result["map"].to_dataset()
    best = [rule for rule in fits["rule"].values if bool(fits["best"].sel(model=rule))]
    named = fits[["parameter_value", "parameter_sem"]].sel(rule=best).dropna("parameter", how="all")
    order = np.argsort(-fits["r2"].values, kind="stable")
    return {
        "summary": fits[["verdict", "sentence"]],
        "models": fits[["r2", "best"]].isel(model=order),
        "parameters": named.rename(parameter_value="value", parameter_sem="sem"),
        "map": published[["change"]],
        "predicted": published[["predicted"]],
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """The map with the best rule's predictions, and what every model explains of it."""
    return {"place_fields": nf.plots.place_fields(result["map"].to_dataset(), result["fits"].to_dataset())}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
