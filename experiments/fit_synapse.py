"""A synapse model fitted to measurements, and what it then predicts of others.

Parameters are fitted within bounds around their published values, and the fit is scored, as the published parameters
are, on the measurements that it has seen (train) and on those that it has not (test): chi^2 per point, the mean of
((model - mean)/SEM)^2. So that few points do not lead far away, published values count as measurements of the
parameters (`spread`). Beside the fit stand synapses that never change, published sets of the pair rule, the triplet
rule and the voltage-based rule.

Models with a closed form (two calcium thresholds, triplets, voltage) are fitted by it. All others, as Shouval's and
Chindemi's, are simulated: a generation of candidates side by side in the laboratory, again and again
(`neurofwp.calibration.fit_by_simulation`). `neurofwp calibrate measurements` is another name of this experiment.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime import parallel
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.calibration.problem import Predict
    from neurofwp.laboratory import Measurement, Protocol

BASELINES = (
    "pair-hippocampal-culture",
    "triplet-visual-cortex",
    "triplet-hippocampal-culture",
    "clopath-visual-cortex",
)
UNCHANGED = "unchanged"

ENOUGH = 400  # independent draws for percentiles of a posterior

# What series are drawn against, and what tells those of one study apart.
CURVES = (("dt", "frequency"), ("frequency", "dt"), ("interval", "frequency"))

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Settings:
    """What to fit, and to what."""

    train: Path
    """Measurements to fit to: a CSV file with the columns of paired_recordings.csv, or a file that comes along."""
    test: Path | None = None
    """Measurements to predict; of the same form. By default those studies of `train` that are not fitted."""
    studies: tuple[str, ...] = ()
    """Studies of `train` to fit to, by how their names begin; by default all of them."""
    model: Annotated[str, tyro.conf.arg(aliases=("--synapse",))] = "graupner-brunel-cortical-slice"
    """Synapse model: one of `neurofwp list`, or a TOML file."""
    parameters: tuple[str, ...] = ()
    """Parameters to fit; by default what calcium or spikes do to weights (`neurofwp.calibration.published_bounds`)."""
    spread: float | None = field(default=None, metadata={"infinite": True})
    """Standard deviation of fitted parameters about published ones, in the logarithm; inf: the data alone decide."""
    method: Literal["auto", "closed-form", "simulation"] = "auto"
    """How the model predicts during the fit; auto takes the closed form where there is one. What is fitted is scored by
    the closed form where there is one."""
    bootstrap: int = 50
    """Fits to means with new noise of their SEM, for intervals; of simulations, samples about the best fit."""
    population: int = 16
    """Of simulations: candidates in a generation."""
    generations: int = 30
    """Of simulations: generations."""
    repeats: int | None = None
    """Of simulations of a model with noise: how often each protocol is done; by default 100 times."""
    posterior: bool = False
    """Draw from the posterior of the parameters, too; needs neurofwp[posterior]."""
    walkers: int = 32
    """Of the posterior: walkers, at least twice as many as parameters."""
    steps: int = 2000
    """Of the posterior: steps of each walker, of which the first half is left out."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Fit, and predict all points.

    Raises
    ------
    InputError
        for a parameter that cannot be fitted, a closed form that a model does not have, or a file of measurements with
        a mistake or without any SEM.
    """
    model = nf.synapses.load(settings.model)
    split = split_measurements(settings)
    known = {stimulus(each.protocol) for each in split["train"]}
    repeated = sum(stimulus(each.protocol) in known for each in split["test"])
    if repeated:
        log.warning("%d of %d test points have a protocol of the training points", repeated, len(split["test"]))
    started = time.perf_counter()
    parameters = fit(settings, split["train"], seed, folder).assign_attrs(model=model.name)
    log.info("fitted in %.3g min", (time.perf_counter() - started) / 60)
    if loose := parameters["parameter"].values[~parameters["determined"].values].tolist():
        log.warning("the training points say little about %s: other values fit as well", ", ".join(loose))
    points = predict_points(settings, parameters, split, seed, folder).assign_attrs(model=model.name, repeated=repeated)
    groups = {"/parameters": parameters, "/points": points}
    if settings.posterior:
        groups |= sample(settings, parameters, split, seed, folder)
    result = xr.DataTree.from_dict(groups)
    for row in nf.laboratory.studies.chi2_per_point(points, "set"):
        log.info("chi^2 per point, %s: train %.3g, test %.3g", row["source"].item(), *row)
    return result


def split_measurements(settings: Settings) -> dict[str, list[Measurement]]:
    """Those to fit to, "train", and those to predict, "test".

    Raises
    ------
    InputError
        if either is empty.
    """
    read = nf.laboratory.studies.read_scorable
    every = read(settings.train)
    chosen = [each for each in every if not settings.studies or each.study.startswith(settings.studies)]
    if not chosen:
        known = ", ".join(dict.fromkeys(each.study for each in every))
        raise InputError(f"no study of {str(settings.train)!r} begins with {settings.studies[0]!r}; it has {known}")
    test = read(settings.test) if settings.test is not None else [each for each in every if each not in chosen]
    if not test:
        raise InputError("there is nothing to predict: give a file as test, or fewer studies to fit to")
    return {"train": chosen, "test": test}


def by_simulation(settings: Settings) -> bool:
    """Whether the model is simulated."""
    has_form = nf.laboratory.prediction.has_closed_form(nf.synapses.load(settings.model))
    return settings.method == "simulation" or (settings.method == "auto" and not has_form)


def fit(settings: Settings, measured: Sequence[Measurement], seed: int, folder: Path | None) -> xr.Dataset:
    """The fitted parameters."""
    how: dict[str, Any] = {"names": settings.parameters, "spread": settings.spread, "seed": seed}
    if not by_simulation(settings):
        model = nf.synapses.load(settings.model)
        return nf.calibration.fit_parameters(model, measured, bootstrap=settings.bootstrap, **how)
    return nf.calibration.fit_by_simulation(
        settings.model,
        measured,
        population=settings.population,
        generations=settings.generations,
        repeats=settings.repeats,
        samples=settings.bootstrap,
        folder=folder,
        **how,
    )


def stimulus(protocol: Protocol) -> str:
    """What is done to the cells, whatever it is called."""
    return repr(replace(protocol, name="", coordinates={}))


def predict_points(
    settings: Settings,
    parameters: xr.Dataset,
    split: Mapping[str, Sequence[Measurement]],
    seed: int,
    folder: Path | None,
) -> xr.Dataset:
    """All measurements and what each source says of them; for the fit also percentiles over the bootstrap."""
    predict, studies = nf.laboratory.predict, nf.laboratory.studies
    every = [each for measured in split.values() for each in measured]
    protocols = [each.protocol for each in every]
    names = parameters["parameter"].values.tolist()
    sets = np.vstack([parameters["fitted"], parameters["published"], parameters["samples"]])
    forward = predictor(settings, protocols, seed, folder)
    ratios = forward(dict(zip(names, sets.T, strict=True)))
    predicted = {"fitted": ratios[0], "published": ratios[1], UNCHANGED: np.ones(len(every))}
    predicted |= {name: predict(nf.synapses.load(name), protocols) for name in BASELINES if name != settings.model}
    low, high = np.percentile(ratios[2:], nf.calibration.PERCENTILES, axis=0)
    one = {"units": "1"}
    columns = {
        "set": ([name for name, measured in split.items() for _ in measured], {}),
        "protocol": ([protocol.name for protocol in protocols], {}),
        "study": ([each.study for each in every], {}),
        "pathway": ([each.pathway for each in every], {}),
        "measured": ([each.ratio for each in every], one),
        "sem": ([each.sem for each in every], one),
        "n": (studies.counts(every), one),
        "fitted_low": (low, one),
        "fitted_high": (high, one),
        **studies.coordinate_columns(protocols),
    }
    points = xr.Dataset({name: ("point", values, attrs) for name, (values, attrs) in columns.items()})
    return points.assign(predicted=(("source", "point"), list(predicted.values()), one)).assign_coords(
        source=list(predicted)
    )


def predictor(settings: Settings, protocols: Sequence[Protocol], seed: int, folder: Path | None) -> Predict:
    """Ratios (sets, protocols) as a function of numbers (sets,) by name of the parameter."""
    model = nf.synapses.load(settings.model)
    if nf.laboratory.prediction.has_closed_form(model):
        return nf.laboratory.closed_form(model, protocols)
    return nf.laboratory.Simulated(
        settings.model, protocols, repeats=settings.repeats, seed=seed, folder=folder, step=0.1
    )


def sample(
    settings: Settings,
    parameters: xr.Dataset,
    split: Mapping[str, Sequence[Measurement]],
    seed: int,
    folder: Path | None,
) -> dict[str, xr.Dataset]:
    """Groups of draws from the posterior, as ArviZ names them; ``/posterior_summary``, how well they were drawn.

    Raises
    ------
    InputError
        as `sample_posterior`; for a model that is simulated and has noise.
    """
    model = nf.synapses.load(settings.model)
    simulated = not nf.laboratory.prediction.has_closed_form(model)
    if simulated and nf.laboratory.responses.noisy(model):
        raise InputError(f"{model.name} has noise: the posterior of a simulated model needs one without")
    protocols = {name: [each.protocol for each in own] for name, own in split.items()}
    forward, ahead = (predictor(settings, protocols[name], seed, None) for name in ("train", "test"))
    names = tuple(parameters["parameter"].values.tolist())
    chosen = nf.calibration.published_bounds(model, names)
    problem = nf.calibration.pose(forward, chosen, split["train"], float(parameters.attrs["spread"]))
    start = np.array([own.place(x) for own, x in zip(chosen, parameters["fitted"].values, strict=True)])
    mean, sem = (np.array([getattr(each, name) for each in split["test"]]) for name in ("ratio", "sem"))
    with ExitStack() as stack:
        for each in (forward, ahead):
            if isinstance(each, nf.laboratory.Simulated):  # processes that all calls share
                each.executor = stack.enter_context(parallel.open_executor(len(each.groups)))
        drawn = nf.calibration.sample_posterior(
            problem,
            start,
            about=[Path(settings.model), simulated, [stimulus(each) for each in protocols["train"]]],
            walkers=settings.walkers,
            steps=settings.steps,
            draws=8 if simulated else 250,
            seed=seed,
            folder=folder,
        )
        groups = nf.calibration.inference_data(
            problem, drawn, (nf.calibration.predictions(ahead, drawn, list(names)), mean, sem), seed
        )
    if (least := float(drawn["effective"].min())) < ENOUGH:
        log.warning("the posterior has %.0f independent draws: %d take more --steps", least, ENOUGH)
    summary = drawn[["autocorrelation", "effective"]].drop_vars(("chain", "draw"), errors="ignore")
    return {f"/{name}": group for name, group in groups.items()} | {"/posterior_summary": summary}


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """chi^2 per point of the fit (set) and of all sources (source, set); parameters with bounds; every point.

    Intervals ``low`` to ``high`` of parameters and of what the fit predicts are those of fits to means with new noise.
    ``points_with_train_protocol``: test points whose protocol is that of a training point.
    """
    points, parameters = (result[name].to_dataset() for name in ("points", "parameters"))
    one = {"units": "1"}
    chi2 = nf.laboratory.studies.chi2_per_point(points, "set").rename("chi2_per_point")
    fit = xr.Dataset(
        {
            "chi2_per_point": chi2.sel(source="fitted", drop=True),
            "points": ("set", [int((points["set"] == name).sum()) for name in chi2["set"].values], one),
            "points_with_train_protocol": ((), int(points.attrs["repeated"]), one),
            "parameters_fitted": ((), parameters.sizes["parameter"], one),
        }
    )
    shown = ("unit", "published", "fitted", "low", "high", "bound_low", "bound_high", "bound_source")
    fitted = parameters[[*shown, "at_bound", "determined"]]
    predicted = {name: points["predicted"].sel(source=name, drop=True) for name in points["source"].values.tolist()}
    # a terminal has room for the first columns alone
    first = points[["protocol", "set", "measured"]].drop_vars("source", errors="ignore")
    first = first.assign({"measured_sem": points["sem"], **predicted})
    others = points.drop_vars([*first.data_vars, "predicted", "source", "sem"], errors="ignore")
    each = first.assign(others.assign(n=nf.laboratory.studies.whole_numbers(points["n"])).data_vars)
    made = {"summary": fit, "scores": chi2.to_dataset(), "parameters": fitted, "points": each}
    return made | (nf.calibration.summarise(result) if "posterior" in result else {})


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """Measured against predicted; and every measured series as a curve, published beside fitted."""
    points = result["points"].to_dataset()
    drawings = {"measured_against_predicted": partial(nf.plots.predictions_against_measurements, points)}
    if "posterior" in result and len(result["posterior"].data_vars) > 1:
        published = result["parameters"].to_dataset()["published"]
        drawings["posterior"] = partial(nf.plots.posterior_corner, result["posterior"].to_dataset(), published)
    for x, by in CURVES:
        if nf.plots.has_curves(points, x):
            drawings[f"ratio_against_{x}"] = partial(nf.plots.fitted_curves, points, x, by)
    return nf.plots.LazyFigures(drawings)


EXPERIMENT = Experiment(Settings, run, tables, plot)
