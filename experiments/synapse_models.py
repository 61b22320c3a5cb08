"""Every synapse model on every study: chi^2 per point, with published parameters and fitted to each study in turn.

chi^2 per point is the mean of ((model - mean)/SEM)^2. Models that respond to spikes and whose synapses have a weight
before the protocol are scored: in closed form where there is one (then the bistable term, if any, acts after protocols
only), else simulated in the laboratory. Models with a closed form are also fitted to every study that has more points
than there are parameters to fit, since a fit to fewer says nothing, and predict the others. Beside them stand synapses
that never change. A study that comes in two digitisations is fitted once and not said to predict itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import neurofwp as nf
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from neurofwp.laboratory import Measurement
    from neurofwp.synapses import SynapseModel

    Floats = NDArray[np.float64]

Numbers = Mapping[str, float]

UNCHANGED = "unchanged"
PUBLISHED = ""  # in place of the study that a model was fitted to
TRAIN, SAME, TEST = "train", "same study", "test"

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Settings:
    """What to score."""

    models: tuple[str, ...] = ()
    """Synapse models, of `neurofwp list`, or TOML files; by default all that respond to spikes and have a weight."""
    data: tuple[Path, ...] = (
        Path("sjostrom_2001_visual_cortex"),
        Path("wang_2005_hippocampal_culture"),
        Path("paired_recordings"),
    )
    """Measurements: CSV files with the columns of paired_recordings.csv, or names of files that come along."""
    fit: bool = True
    """Fit models with a closed form to each study in turn."""
    spread: float | None = field(default=None, metadata={"infinite": True})
    """Standard deviation of fitted parameters about published ones, in the logarithm; inf: the data alone decide."""
    repeats: int = 1
    """How often protocols are simulated where there is no closed form; no such model that comes along has noise."""


class Fit(NamedTuple):
    """What is fitted to what."""

    model: str
    study: str
    spread: float | None
    seed: int


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Score all models; simulations and fits are kept in `folder` as soon as they are done.

    Raises
    ------
    InputError
        for an unknown model, one whose synapses have no weight to begin with, a file of measurements with a mistake, or
        files without any SEM.
    """
    studies = nf.laboratory.studies.read_studies(settings.data)
    every = [each for measured in studies.values() for each in measured]
    models = {name: nf.synapses.load(name) for name in settings.models or scorable_models()}
    fits = [
        Fit(name, study, settings.spread, seed)
        for name, model in models.items()
        if settings.fit and nf.laboratory.prediction.has_closed_form(model)
        for study in nf.laboratory.studies.first_digitisations(studies)
        if len(studies[study]) > len(nf.calibration.published_bounds(model))
    ]
    cases = {fit: (fit, studies[fit.study]) for fit in fits}
    numbers = list(parallel_map(_fit, cases, folder=folder, description="fitting").values())
    rows: dict[tuple[str, str], Floats] = {(UNCHANGED, PUBLISHED): np.ones(len(every))}
    for name, model in models.items():
        rows[model.name, PUBLISHED] = predict_published(name, model, every, settings, seed, folder)
    for fit, found in zip(fits, numbers, strict=True):
        model = nf.laboratory.prediction.replace_values(models[fit.model], found)
        rows[model.name, fit.study] = nf.laboratory.predict(model, [each.protocol for each in every])
    points = describe_points(rows, studies)
    tree = {"/points": points, "/scores": score(points)}
    if fits:
        tree["/parameters"] = describe_parameters(fits, numbers, models)
    return xr.DataTree.from_dict(tree)


def scorable_models() -> list[str]:
    """Shipped models that respond to spikes of both cells, and have a weight before anything is done to them."""
    folder = resources.files("neurofwp.models") / "synapses"
    names = sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return [name for name in names if is_scorable(nf.synapses.load(name))]


def is_scorable(model: SynapseModel) -> bool:
    """Whether a change by spikes, relative to the weight before, is defined for a model."""
    return nf.laboratory.mean_weight(model) > 0 and "spike-timing" in nf.laboratory.responses.suitable_kinds(model)


def predict_published(
    name: str,
    model: SynapseModel,
    every: Sequence[Measurement],
    settings: Settings,
    seed: int,
    folder: Path | None,
) -> Floats:
    """Ratios (point,) by published parameters, in closed form or simulated."""
    if nf.laboratory.prediction.has_closed_form(model):
        return nf.laboratory.predict(model, [each.protocol for each in every])
    log.info("%s has no closed form and is simulated", model.name)
    # files may hold different protocols of the same name
    protocols = [replace(each.protocol, name=f"{index}") for index, each in enumerate(every)]
    changed = nf.laboratory.changes(name, protocols, repeats=settings.repeats, seed=seed, folder=folder)
    return changed["ratio"].values


def _fit(fit: Fit, measured: Sequence[Measurement]) -> Numbers:
    model = nf.synapses.load(fit.model)
    return dict(nf.calibration.best_parameters(model, measured, spread=fit.spread, seed=fit.seed))


def describe_points(rows: Mapping[tuple[str, str], Floats], studies: Mapping[str, Sequence[Measurement]]) -> xr.Dataset:
    """All measurements, and what each model says of them."""
    every = [each for measured in studies.values() for each in measured]
    one = {"units": "1"}
    columns = {
        "study": ([study for study, measured in studies.items() for _ in measured], {}),
        "protocol": ([each.protocol.name for each in every], {}),
        "measured": ([each.ratio for each in every], one),
        "sem": ([each.sem for each in every], one),
        "n": (nf.laboratory.studies.counts(every), one),
    }
    points = xr.Dataset({name: ("point", values, attrs) for name, (values, attrs) in columns.items()})
    return points.assign(predicted=(("row", "point"), np.array(list(rows.values())), one)).assign_coords(
        model=("row", [model for model, _ in rows]), fitted_to=("row", [study for _, study in rows])
    )


def score(points: xr.Dataset) -> xr.Dataset:
    """``chi2`` (row, study), how many ``points`` a study has, and the ``role`` it has for a row.

    ``train`` and ``test`` (row) are chi^2 per point over the study that was fitted and over all others.
    """
    square = ((points["predicted"] - points["measured"]) / points["sem"]) ** 2
    chi2 = nf.laboratory.studies.chi2_per_point(points, "study")
    studies = chi2["study"].values.tolist()
    role = np.array([[study_role(to, study) for study in studies] for to in points["fitted_to"].values.tolist()])
    of_points = role[:, [studies.index(study) for study in points["study"].values.tolist()]]
    scores = xr.Dataset(
        {
            "chi2": chi2,
            "points": ("study", [int((points["study"] == study).sum()) for study in studies]),
            "role": (("row", "study"), role),
            "train": square.where(of_points == TRAIN).mean("point"),
            "test": square.where(of_points == TEST).mean("point"),
        }
    )
    for name in ("chi2", "points", "train", "test"):
        scores[name].attrs["units"] = "1"
    return scores


def study_role(fitted_to: str, study: str) -> str:
    """What a study is for parameters that were fitted to another, or to the same; nothing for published ones."""
    if fitted_to == PUBLISHED:
        return ""
    key = nf.laboratory.studies.study_key
    return TRAIN if study == fitted_to else SAME if key(study) == key(fitted_to) else TEST


def describe_parameters(
    fits: Sequence[Fit], numbers: Sequence[Numbers], models: Mapping[str, SynapseModel]
) -> xr.Dataset:
    """One entry for every parameter of every fit, in declared units."""
    entries = [
        (models[fit.model].name, fit.study, own.name, own.unit, own.published, found[own.name])
        for fit, found in zip(fits, numbers, strict=True)
        for own in nf.calibration.published_bounds(models[fit.model])
    ]
    names = ("model", "fitted_to", "parameter", "unit", "published", "fitted")
    return xr.Dataset(
        {name: ("entry", list(column)) for name, column in zip(names, zip(*entries, strict=True), strict=True)}
    )


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """chi^2 per point of published parameters (model, study) and of fits (model, fitted_to, study); parameters; points.

    ``fits``: chi^2 per point over the study that was fitted (set: train) and over all that were not (test). NaN where a
    model was not fitted to a study.
    """
    scores, points = (result[name].to_dataset() for name in ("scores", "points"))
    fitted = scores["fitted_to"].values != PUBLISHED
    published = scores["chi2"].isel(row=np.flatnonzero(~fitted)).drop_vars("fitted_to").swap_dims(row="model")
    made = {
        "studies": scores["points"].to_dataset(),
        "published": published.rename("chi2_per_point").to_dataset(),
    }
    if fitted.any():
        fits = scores.isel(row=np.flatnonzero(fitted))
        made["fitted"] = by_fit(fits["chi2"])
        made["fits"] = by_fit(xr.concat([fits[TRAIN], fits[TEST]], xr.DataArray([TRAIN, TEST], dims="set", name="set")))
        made["parameters"] = result["parameters"].to_dataset()
    each = points[["study", "protocol", "measured", "n"]].drop_vars(["model", "fitted_to"], errors="ignore")
    each = each.assign(measured_sem=points["sem"], n=nf.laboratory.studies.whole_numbers(points["n"]))
    for row in points["predicted"]:
        model, fitted_to = str(row["model"].item()), str(row["fitted_to"].item())
        each[f"{model}, fitted to {fitted_to}" if fitted_to else model] = row.drop_vars(["model", "fitted_to"])
    return made | {"points": each}


def by_fit(scores: xr.DataArray) -> xr.Dataset:
    """chi^2 per point of rows of fits by the model and by the study to which it was fitted, in their order."""
    order = {name: list(dict.fromkeys(scores[name].values.tolist())) for name in ("model", "fitted_to")}
    table = scores.set_index(row=["model", "fitted_to"]).unstack("row").reindex(order).transpose(*order, ...)
    return table.rename("chi2_per_point").assign_attrs(units="1").to_dataset()


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """The summary sheet of published parameters, and that of fits."""
    scores = result["scores"].to_dataset()
    fitted = scores["fitted_to"].values != PUBLISHED
    drawings = {"published": partial(nf.plots.summary_sheet, scores.isel(row=np.flatnonzero(~fitted)))}
    if fitted.any():
        drawings["fitted"] = partial(nf.plots.summary_sheet, scores.isel(row=np.flatnonzero(fitted)))
    return nf.plots.LazyFigures(drawings)


EXPERIMENT = Experiment(Settings, run, tables, plot)
