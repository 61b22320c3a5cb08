"""Every synapse model on every study: chi^2 per point, with published parameters and fitted to each study in turn.

chi^2 per point is the mean of ((model - mean)/SEM)^2. Models that respond to spikes and whose synapses have a weight
before the protocol are scored: in closed form where there is one (then the bistable term, if any, acts after protocols
only), else simulated in the laboratory. Models with a closed form are also fitted to every study that has more points
than there are parameters to fit, since a fit to fewer says nothing, and predict the others. Beside them stand synapses
that never change. A study that comes in two digitisations is fitted once and not said to predict itself.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import NDArray

from neurofwp.calibration import best_parameters, published_bounds
from neurofwp.errors import InputError
from neurofwp.laboratory import measurements, responses
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import family, predict, replace_values
from neurofwp.laboratory.side_by_side import changes
from neurofwp.plots.synapse_models import summary_sheet
from neurofwp.runtime.parallel import parallel_map
from neurofwp.synapses.model import SynapseModel, load

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
    spread: float | None = None
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
    studies = _studies(settings.data)
    every = [each for measured in studies.values() for each in measured]
    models = {name: load(name) for name in settings.models or suited()}
    fits = [
        Fit(name, study, settings.spread, seed)
        for name, model in models.items()
        if settings.fit and _closed(model)
        for study in _once(studies)
        if len(studies[study]) > len(published_bounds(model))
    ]
    cases = {fit: (fit, studies[fit.study]) for fit in fits}
    numbers = list(parallel_map(_fit, cases, folder=folder, description="fitting").values())
    rows: dict[tuple[str, str], Floats] = {(UNCHANGED, PUBLISHED): np.ones(len(every))}
    for name, model in models.items():
        rows[model.name, PUBLISHED] = _published(name, model, every, settings, seed, folder)
    for fit, found in zip(fits, numbers, strict=True):
        model = replace_values(models[fit.model], found)
        rows[model.name, fit.study] = predict(model, [each.protocol for each in every])
    points = _points(rows, studies)
    tree = {"/points": points, "/scores": _scores(points)}
    if fits:
        tree["/parameters"] = _parameters(fits, numbers, models)
    return xr.DataTree.from_dict(tree)


def suited() -> list[str]:
    """Models that come along, respond to spikes of both cells, and have a weight before anything is done to them."""
    folder = resources.files("neurofwp.models") / "synapses"
    names = sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return [name for name in names if _suited(load(name))]


def _suited(model: SynapseModel) -> bool:
    weight = sum(float(weight) * share for weight, share in model.population)
    return weight > 0 and "spike-timing" in responses.suitable_kinds(model)


def _closed(model: SynapseModel) -> bool:
    try:
        return bool(family(model))
    except InputError:
        return False


def _studies(paths: Sequence[Path]) -> dict[str, list[Measurement]]:
    """Measurements with a SEM by study; a study that another file has already, under a name with the file's."""
    studies: dict[str, list[Measurement]] = {}
    for path in paths:
        known = {_folded(study) for study in studies}
        for each in measurements.read(path):
            if each.sem > 0:
                name = f"{each.study} ({path.stem})" if _folded(each.study) in known else each.study
                studies.setdefault(name, []).append(each)
    if not studies:
        raise InputError(f"no measurement of {', '.join(map(str, paths))} has a SEM, without which there is no chi^2")
    return studies


def _folded(study: str) -> str:
    """A study's name without accents and file, so that one study is known under two spellings."""
    plain_letters = unicodedata.normalize("NFKD", study.split(" (")[0])
    return "".join(letter for letter in plain_letters if not unicodedata.combining(letter)).casefold()


def _once(studies: Mapping[str, Sequence[Measurement]]) -> list[str]:
    """Studies, each in its first digitisation alone."""
    first: dict[str, str] = {}
    for study in studies:
        first.setdefault(_folded(study), study)
    return list(first.values())


def _published(
    name: str,
    model: SynapseModel,
    every: Sequence[Measurement],
    settings: Settings,
    seed: int,
    folder: Path | None,
) -> Floats:
    if _closed(model):
        return predict(model, [each.protocol for each in every])
    log.info("%s has no closed form and is simulated", model.name)
    # files may hold different protocols of the same name
    protocols = [replace(each.protocol, name=f"{index}") for index, each in enumerate(every)]
    return changes(name, protocols, repeats=settings.repeats, seed=seed, folder=folder)["ratio"].values


def _fit(fit: Fit, measured: Sequence[Measurement]) -> Numbers:
    return dict(best_parameters(load(fit.model), measured, spread=fit.spread, seed=fit.seed))


def _points(rows: Mapping[tuple[str, str], Floats], studies: Mapping[str, Sequence[Measurement]]) -> xr.Dataset:
    """All measurements, and what each model says of them."""
    every = [each for measured in studies.values() for each in measured]
    one = {"units": "1"}
    columns = {
        "study": [study for study, measured in studies.items() for _ in measured],
        "protocol": [each.protocol.name for each in every],
        "measured": [each.ratio for each in every],
        "sem": [each.sem for each in every],
        "n": [np.nan if each.n is None else float(each.n) for each in every],
    }
    made = xr.Dataset(
        {name: ("point", values, one if name in ("measured", "sem", "n") else {}) for name, values in columns.items()}
    )
    return made.assign(predicted=(("row", "point"), np.array(list(rows.values())), one)).assign_coords(
        model=("row", [model for model, _ in rows]), fitted_to=("row", [study for _, study in rows])
    )


def _scores(points: xr.Dataset) -> xr.Dataset:
    """``chi2`` (row, study), how many ``points`` a study has, and the ``role`` it has for a row.

    ``train`` and ``test`` (row) are chi^2 per point over the study that was fitted and over all others.
    """
    square = ((points["predicted"] - points["measured"]) / points["sem"]) ** 2
    studies = list(dict.fromkeys(points["study"].values.tolist()))
    role = np.array([[_role(to, study) for study in studies] for to in points["fitted_to"].values.tolist()])
    of_points = role[:, [studies.index(study) for study in points["study"].values.tolist()]]
    made = xr.Dataset(
        {
            "chi2": square.groupby(points["study"]).mean().transpose("row", "study").sel(study=studies),
            "points": ("study", [int((points["study"] == study).sum()) for study in studies]),
            "role": (("row", "study"), role),
            "train": square.where(of_points == TRAIN).mean("point"),
            "test": square.where(of_points == TEST).mean("point"),
        }
    )
    for name in ("chi2", "points", "train", "test"):
        made[name].attrs["units"] = "1"
    return made


def _role(fitted_to: str, study: str) -> str:
    if fitted_to == PUBLISHED:
        return ""
    return TRAIN if study == fitted_to else SAME if _folded(study) == _folded(fitted_to) else TEST


def _parameters(fits: Sequence[Fit], numbers: Sequence[Numbers], models: Mapping[str, SynapseModel]) -> xr.Dataset:
    """One entry for every parameter of every fit, in declared units."""
    entries = [
        (models[fit.model].name, fit.study, own.name, own.unit, own.published, found[own.name])
        for fit, found in zip(fits, numbers, strict=True)
        for own in published_bounds(models[fit.model])
    ]
    names = ("model", "fitted_to", "parameter", "unit", "published", "fitted")
    return xr.Dataset(
        {name: ("entry", list(column)) for name, column in zip(names, zip(*entries, strict=True), strict=True)}
    )


def summary(result: xr.DataTree) -> dict[str, Any]:
    """chi^2 per point of each row on each study; of fits, also on what was fitted and on all else."""
    scores = result["scores"].to_dataset()
    numbers: dict[str, Any] = {f"points.{study}": int(n) for study, n in _column(scores["points"])}
    for index in range(scores.sizes["row"]):
        row = scores.isel(row=index)
        model, fitted_to = str(row["model"].item()), str(row["fitted_to"].item())
        before = f"{model}.fitted to {fitted_to}" if fitted_to else f"{model}.published"
        numbers |= {f"{before}.{study}.chi2_per_point": float(chi2) for study, chi2 in _column(row["chi2"])}
        if fitted_to:
            numbers |= {f"{before}.{which}.chi2_per_point": float(row[which]) for which in (TRAIN, TEST)}
    return numbers


def _column(values: xr.DataArray) -> list[tuple[str, Any]]:
    return list(zip(values["study"].values.tolist(), values.values.tolist(), strict=True))


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """chi^2 per point of models on studies, fitted parameters, and every point with every prediction."""
    scores, points = (result[name].to_dataset() for name in ("scores", "points"))
    table = pd.DataFrame({"model": scores["model"].values, "fitted_to": scores["fitted_to"].values})
    for study, n in _column(scores["points"]):
        table[f"{study}, n = {n}"] = scores["chi2"].sel(study=study).values
    table[[TRAIN, TEST]] = np.stack([scores[TRAIN], scores[TEST]], axis=1)
    made = {"scores": table}
    if "parameters" in result.children:
        made["parameters"] = result["parameters"].to_dataset().to_dataframe()
    each = pd.DataFrame({name: points[name].values for name in ("study", "protocol", "measured", "sem", "n")})
    predicted = {
        f"{model}, fitted to {to}" if to else model: values
        for model, to, values in zip(
            points["model"].values, points["fitted_to"].values, points["predicted"].values, strict=True
        )
    }
    return made | {"points": pd.concat([each, pd.DataFrame(predicted)], axis=1)}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """The summary sheet of published parameters, and that of fits."""
    scores = result["scores"].to_dataset()
    fitted = scores["fitted_to"].values != PUBLISHED
    figures = {"published": summary_sheet(scores.isel(row=np.flatnonzero(~fitted)))}
    if fitted.any():
        figures["fitted"] = summary_sheet(scores.isel(row=np.flatnonzero(fitted)))
    return figures
