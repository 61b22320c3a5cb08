"""Synapse models fitted to all studies but one, and what they predict of that one, beside synapses that never change.

Every model is asked three times: with its published parameters; fitted to the other studies with the same parameters
for all; and fitted with one or two local parameters that differ between preparations
(`neurofwp.calibration.fit_shared`), of which the study that was left out is given the mean. chi^2 per point of the
study that was left out stands beside that of "no change", a ratio of 1: a model that does not come below it predicts
nothing of new preparations.

Models without a closed form are simulated: sets of parameters are drawn about the published ones, and in every further
round about the best of each fold; all are simulated for all studies side by side, and each fold takes the one that fits
the other studies best. They have no local parameters.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.parallel import parallel_map
from neurofwp.runtime.progress import progress_bar

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from neurofwp.laboratory import Measurement

    Floats = NDArray[np.float64]

PUBLISHED, SAME, LOCAL = "published", "one set for all", "local parameters"
FITS = (PUBLISHED, SAME, LOCAL)

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Settings:
    """What to fit."""

    models: tuple[str, ...] = (
        *("graupner-brunel-cortical-slice", "graupner-brunel-hippocampal-culture"),
        *("triplet-visual-cortex", "triplet-hippocampal-culture", "clopath-visual-cortex"),
        *("shouval-2002", "chindemi-2022", "omega"),
    )
    """Synapse models, of `neurofwp list`, or TOML files."""
    data: tuple[Path, ...] = (
        Path("sjostrom_2001_visual_cortex"),
        Path("wang_2005_hippocampal_culture"),
        Path("paired_recordings"),
    )
    """Measurements: CSV files with the columns of paired_recordings.csv, or names of files that come along."""
    local_spread: float = 0.3
    """Standard deviation of local parameters between preparations, in the logarithm."""
    draws: int = 100
    """Of models that are simulated: sets of parameters in each round."""
    rounds: int = 3
    """Of models that are simulated: rounds."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Leave out each study in turn; fits and simulations are kept in `folder` as soon as they are done.

    Raises
    ------
    InputError
        for an unknown model, a file of measurements with a mistake, or fewer than two studies.
    """
    every = nf.laboratory.studies.read_studies(settings.data)
    studies = {name: every[name] for name in nf.laboratory.studies.first_digitisations(every)}
    if len(studies) < 2:
        raise InputError(f"leaving one study out needs two or more, but there is only {next(iter(studies))!r}")
    has_form = nf.laboratory.prediction.has_closed_form
    closed = [name for name in settings.models if has_form(nf.synapses.load(name))]
    cases = {
        (name, left_out, fit): (name, [each for study, own in studies.items() if study != left_out for each in own],
                                fit == LOCAL, settings.local_spread, seed)
        for name in closed for left_out in studies for fit in (SAME, LOCAL)
    }  # fmt: skip
    found = parallel_map(fit_closed_form, cases, folder=folder, description="fitting")
    rows = [predict_closed_form(name, studies, found) for name in closed]
    names = list(closed)
    for name in settings.models:
        if name not in closed:
            rows.append(predict_simulated(name, studies, settings, seed, folder))
            names.append(name)
    return xr.DataTree.from_dict({"/points": describe_points(names, rows, studies)})


def fit_closed_form(
    name: str, measured: Sequence[Measurement], local: bool, local_spread: float, seed: int
) -> dict[str, float]:
    """Shared parameters by name."""
    return nf.calibration.fit_shared(
        nf.synapses.load(name), measured, local=None if local else (), local_spread=local_spread, seed=seed
    )


def predict_closed_form(
    name: str, studies: Mapping[str, Sequence[Measurement]], found: Mapping[tuple[str, str, str], Mapping[str, float]]
) -> Floats:
    """Ratios (fit, point) of each study by fits to the others."""
    model, parts = nf.synapses.load(name), []
    for study, own in studies.items():
        protocols = [each.protocol for each in own]
        sets = [{}, found[name, study, SAME], found[name, study, LOCAL]]
        made = [nf.laboratory.prediction.replace_values(model, numbers) for numbers in sets]
        parts.append(np.array([nf.laboratory.predict(each, protocols) for each in made]))
    return np.concatenate(parts, axis=1)


def predict_simulated(
    name: str, studies: Mapping[str, Sequence[Measurement]], settings: Settings, seed: int, folder: Path | None
) -> Floats:
    """The same of a model that is simulated; NaN with local parameters."""
    every = [each for own in studies.values() for each in own]
    study = np.repeat(np.arange(len(studies)), [len(own) for own in studies.values()])
    chosen = nf.calibration.published_bounds(nf.synapses.load(name))
    forward = nf.laboratory.Simulated(name, [each.protocol for each in every], seed=seed, folder=folder)
    problem = nf.calibration.pose(forward, chosen, every, nf.calibration.default_spread(nf.synapses.load(name)))
    rng = np.random.default_rng(seed)
    centres = problem.published_place[None]
    places, ratios = np.empty((0, len(chosen))), np.empty((0, len(every)))
    with progress_bar(total=settings.rounds, desc=f"rounds of {name}") as bar:
        for number in range(settings.rounds):
            width = problem.spread / problem.widths / 2.0**number
            drawn = centres[np.arange(settings.draws) % len(centres)]
            drawn = (drawn + width * rng.standard_normal(drawn.shape)).clip(0, 1)
            if number == 0:
                drawn[0] = problem.published_place
            places, ratios = np.vstack([places, drawn]), np.vstack([ratios, forward(problem.numbers(drawn))])
            square = ((ratios - problem.ratio) / problem.sem) ** 2
            expected = (((places - problem.published_place) * problem.widths / problem.spread) ** 2).sum(1)
            best = [int((square[:, study != fold].sum(1) + expected).argmin()) for fold in range(len(studies))]
            centres = places[best]
            bar.update()
    fitted = ratios[np.array(best)[study], np.arange(len(every))]
    return np.array([ratios[0], fitted, np.full(len(every), np.nan)])


def describe_points(
    names: Sequence[str], rows: Sequence[Floats], studies: Mapping[str, Sequence[Measurement]]
) -> xr.Dataset:
    """All measurements, and what each model says of them."""
    every = [each for own in studies.values() for each in own]
    one = {"units": "1"}
    columns = {
        "study": ([study for study, own in studies.items() for _ in own], {}),
        "protocol": ([each.protocol.name for each in every], {}),
        "measured": ([each.ratio for each in every], one),
        "sem": ([each.sem for each in every], one),
    }
    points = xr.Dataset({name: ("point", values, attrs) for name, (values, attrs) in columns.items()})
    return points.assign(predicted=(("model", "fit", "point"), np.array(rows), one)).assign_coords(
        model=list(names), fit=list(FITS)
    )


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """chi^2 per point of studies that were left out (model, fit, study), of "no change" (study), and over all studies.

    ``beats_no_change``: of how many studies chi^2 per point is below that of no change.
    """
    points = result["points"].to_dataset()
    square = ((points["predicted"] - points["measured"]) / points["sem"]) ** 2
    still = ((1 - points["measured"]) / points["sem"]) ** 2
    order = list(dict.fromkeys(points["study"].values.tolist()))
    own, unchanged = (each.groupby(points["study"]).mean().sel(study=order) for each in (square, still))
    one = {"units": "1"}
    overall = xr.Dataset(
        {
            "all_points": square.mean("point").assign_attrs(one),
            "mean_of_studies": own.mean("study").assign_attrs(one),
            "beats_no_change": (own < unchanged).sum("study").where(own.notnull().all("study")).assign_attrs(one),
        }
    )
    baseline = xr.Dataset(
        {
            "chi2_per_point": unchanged.assign_attrs(one),
            "points": ("study", [int((points["study"] == name).sum()) for name in order], one),
        }
    )
    total = xr.Dataset(
        {"all_points": still.mean().assign_attrs(one), "mean_of_studies": unchanged.mean("study").assign_attrs(one)}
    )
    return {
        "no_change": baseline,
        "no_change_overall": total,
        "overall": overall,
        "left_out": own.rename("chi2_per_point").assign_attrs(one).to_dataset(),
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """chi^2 per point of every study that was left out, over that of no change."""
    made = tables(result)
    ratio = made["left_out"]["chi2_per_point"] / made["no_change"]["chi2_per_point"]
    return {"left_out": nf.plots.left_out(ratio.assign_attrs(units="1"))}


EXPERIMENT = Experiment(Settings, run, tables, plot)
