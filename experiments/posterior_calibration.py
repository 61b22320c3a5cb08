"""Whether posteriors of a synapse model's parameters mean what they say: simulation-based calibration.

Parameters are drawn from what is expected before any measurement, measurements are made with them (protocols and SEMs
of a file, normal noise), and the posterior is drawn given these. If all is right, the rank of the true value among
independent draws from the posterior is any number with the same probability (Talts et al. 2018, arXiv 1804.06788): the
histogram of ranks is flat. A posterior that is too narrow gives a histogram that is high at its ends, one that is too
wide one that is high in its middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from neurofwp.calibration import Problem
    from neurofwp.laboratory import Measurement

DRAWS = 63  # independent ones of each posterior: ranks are 0 to 63
BINS = 8  # of the histogram
BLOCK = 10  # data sets that are kept together


@dataclass(frozen=True)
class Settings:
    """Which posterior to check."""

    model: Annotated[str, tyro.conf.arg(aliases=("--synapse",))] = "clopath-visual-cortex"
    """Synapse model with a closed form: one of `neurofwp list`, or a TOML file."""
    data: Path = Path("sjostrom_2001_visual_cortex")
    """Measurements whose protocols and SEMs are taken."""
    parameters: tuple[str, ...] = ()
    """Parameters to draw; by default those that fits fit."""
    spread: float | None = None
    """Standard deviation of parameters about published ones, in the logarithm; must be finite."""
    datasets: int = 200
    """How many times measurements are made."""
    walkers: int = 16
    """Of each posterior."""
    steps: int = 600
    """Of each walker, of which the first half is left out."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Make data sets, and rank the truth of each; blocks of them are kept in `folder`.

    Raises
    ------
    InputError
        for a model without a closed form, a spread that is not finite, fewer than one data set, and as
        `sample_posterior`.
    """
    if settings.datasets < 1:
        raise InputError(f"datasets must be at least 1, not {settings.datasets}")
    if settings.spread == np.inf:
        raise InputError("true values are drawn about published ones: the spread must be finite")
    measured = nf.laboratory.studies.read_scorable(settings.data)
    cases = {
        f"block-{first}": (settings, measured, [seed, first], min(BLOCK, settings.datasets - first))
        for first in range(0, settings.datasets, BLOCK)
    }
    blocks = parallel_map(rank_block, cases, folder=folder, description="blocks of data sets")
    return xr.DataTree.from_dict({"/ranks": xr.concat(list(blocks.values()), "dataset")})


def rank_block(settings: Settings, measured: Sequence[Measurement], seed: Sequence[int], count: int) -> xr.Dataset:
    """``rank``, ``truth`` (dataset, parameter), and ``effective``, how many independent draws there were."""
    model = nf.synapses.load(settings.model)
    chosen = nf.calibration.published_bounds(model, settings.parameters)
    spread = nf.calibration.default_spread(model) if settings.spread is None else settings.spread
    predict = nf.laboratory.closed_form(model, [each.protocol for each in measured])
    rng = np.random.default_rng(list(seed))
    ranks, truths, effective = [], [], []
    for _ in range(count):
        problem = nf.calibration.pose(predict, chosen, measured, spread)
        truth = draw_truth(problem, rng)
        ratio = predict(problem.numbers(truth[None]))[0] + problem.sem * rng.standard_normal(len(measured))
        made = [each._replace(ratio=float(mean)) for each, mean in zip(measured, ratio, strict=True)]
        drawn = nf.calibration.sample_posterior(
            nf.calibration.pose(predict, chosen, made, spread),
            truth,
            walkers=settings.walkers,
            steps=settings.steps,
            seed=int(rng.integers(2**31)),
            progress=False,
        )
        places = drawn["place"].values.reshape(-1, len(chosen))
        ranks.append((rng.choice(places, DRAWS, replace=False) < truth).sum(0))
        truths.append([float(own.value(x)) for own, x in zip(chosen, truth, strict=True)])
        effective.append(drawn["effective"].values)
    one = {"units": "1"}
    return xr.Dataset(
        {
            "rank": (("dataset", "parameter"), np.array(ranks), one),
            "truth": (("dataset", "parameter"), np.array(truths), {"units": "that of each parameter"}),
            "effective": (("dataset", "parameter"), np.array(effective), one),
        },
        coords={"parameter": [own.name for own in chosen]},
    )


def draw_truth(problem: Problem, rng: np.random.Generator) -> NDArray[np.float64]:
    """A place (parameter,) from what is expected before any measurement: normal, within the bounds."""
    centre, width = problem.published_place, problem.spread / problem.widths
    place = centre + width * rng.standard_normal(len(centre))
    while (outside := (place < 0) | (place > 1)).any():
        place = np.where(outside, centre + width * rng.standard_normal(len(centre)), place)
    return place


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Counts of ranks (parameter, bin), and chi^2 of a flat histogram with its p value (parameter)."""
    from scipy.stats import chisquare

    ranks = result["ranks"].to_dataset()
    own = np.array([np.bincount(each // ((DRAWS + 1) // BINS), minlength=BINS) for each in ranks["rank"].values.T])
    chi2, p = chisquare(own, axis=1)
    one = {"units": "1"}
    flat = {
        "chi2": ("parameter", chi2, one),
        "degrees_of_freedom": ((), BINS - 1, one),
        "p": ("parameter", p, one),
        "mean_rank": ("parameter", ranks["rank"].values.mean(0) / DRAWS, one),
        "least_effective": ("parameter", ranks["effective"].values.min(0), one),
    }
    names = ranks["parameter"].values
    return {
        "flatness": xr.Dataset(flat, {"parameter": names}),
        "histogram": xr.Dataset({"datasets": (("parameter", "bin"), own, one)}, {"parameter": names}).assign_coords(
            bin=np.arange(BINS)
        ),
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """A histogram for each parameter."""
    return {"ranks": nf.plots.rank_histograms(tables(result)["histogram"]["datasets"])}


EXPERIMENT = Experiment(Settings, run, tables, plot)
