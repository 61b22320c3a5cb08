"""A synapse model fitted to measurements, and what it then predicts of others.

Parameters are fitted within bounds around their published values, and the fit is scored, as the published parameters
are, on the measurements that it has seen (train) and on those that it has not (test): chi^2 per point, the mean of
((model - mean)/SEM)^2. So that few points do not lead far away, published values count as measurements of the
parameters (`spread`). Beside the fit stand synapses that never change, the published sets of the triplet rule and the
voltage-based rule. Models that would have to be simulated for every try (Shouval's and Chindemi's, and those with
receptors) cannot be fitted in this version; `neurofwp run plasticity-protocols` scores them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.calibration import PERCENTILES, fit_parameters
from neurofwp.errors import InputError
from neurofwp.laboratory import kinds, measurements
from neurofwp.laboratory.measurements import Measurement
from neurofwp.laboratory.prediction import closed_form, predict, replace_values
from neurofwp.laboratory.protocol import Protocol
from neurofwp.plots.synapse_fits import fitted_curves, measured_against_predicted
from neurofwp.synapses.model import SynapseModel, load

BASELINES = ("triplet-visual-cortex", "triplet-hippocampal-culture", "clopath-visual-cortex")
UNCHANGED = "unchanged"

# What series are drawn against, and what tells those of one study apart.
CURVES = (("dt", "frequency"), ("frequency", "dt"), ("interval", "frequency"))

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Settings:
    """What to fit, and to what."""

    train: Path
    """Measurements to fit to: a CSV file with the columns of paired_recordings.csv, or a file that comes along."""
    test: Path
    """Measurements to predict; of the same form."""
    model: str = "graupner-brunel-cortical-slice"
    """Synapse model with a closed form: one of `neurofwp list`, or a TOML file."""
    parameters: tuple[str, ...] = ()
    """Parameters to fit; by default calcium, rates and noise, or amplitudes (and slow traces of the triplet rule)."""
    spread: float | None = None
    """Standard deviation of fitted parameters about published ones, in the logarithm; inf: the data alone decide."""
    bootstrap: int = 50
    """Fits to means with new noise of their SEM, for intervals."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Fit, and predict all points.

    Raises
    ------
    InputError
        for a model without a closed form, a parameter that cannot be fitted, or a file of measurements with a mistake
        or without any SEM.
    """
    model = load(settings.model)
    split = {"train": _scorable(settings.train), "test": _scorable(settings.test)}
    known = {_stimulus(each.protocol) for each in split["train"]}
    repeated = sum(_stimulus(each.protocol) in known for each in split["test"])
    if repeated:
        log.warning("%d of %d test points have a protocol of the training points", repeated, len(split["test"]))
    parameters = fit_parameters(
        model,
        split["train"],
        names=settings.parameters,
        spread=settings.spread,
        bootstrap=settings.bootstrap,
        seed=seed,
    ).assign_attrs(model=model.name)
    if loose := parameters["parameter"].values[~parameters["determined"].values].tolist():
        log.warning("the training points say little about %s: other values fit as well", ", ".join(loose))
    points = _points(model, parameters, split).assign_attrs(model=model.name, repeated=repeated)
    result = xr.DataTree.from_dict({"/parameters": parameters, "/points": points})
    for source, row in _scores(points).iterrows():
        log.info("chi^2 per point, %s: train %.3g, test %.3g", source, row["train"], row["test"])
    return result


def _scorable(path: Path) -> list[Measurement]:
    """Measurements that have a SEM."""
    every = measurements.read(path)
    scorable = [each for each in every if each.sem > 0]
    if not scorable:
        raise InputError(f"no measurement of {str(path)!r} has a SEM, without which there is no chi^2")
    if len(scorable) < len(every):
        log.warning("%s: %d points without a SEM are left out", path, len(every) - len(scorable))
    return scorable


def _stimulus(protocol: Protocol) -> str:
    """What is done to the cells, whatever it is called."""
    return repr(replace(protocol, name="", coordinates={}))


def _points(model: SynapseModel, parameters: xr.Dataset, split: Mapping[str, Sequence[Measurement]]) -> xr.Dataset:
    """All measurements and what each source says of them; for the fit also percentiles over the bootstrap."""
    every = [each for measured in split.values() for each in measured]
    protocols = [each.protocol for each in every]
    names = parameters["parameter"].values.tolist()
    fitted = replace_values(model, dict(zip(names, parameters["fitted"].values.tolist(), strict=True)))
    predicted = {"fitted": predict(fitted, protocols), "published": predict(model, protocols)}
    predicted[UNCHANGED] = np.ones(len(every))
    predicted |= {name: predict(load(name), protocols) for name in BASELINES if name != model.name}
    samples = closed_form(model, protocols)({name: parameters["samples"].sel(parameter=name) for name in names})
    low, high = np.percentile(samples, PERCENTILES, axis=0)
    one = {"units": "1"}
    columns = {
        "set": ([name for name, measured in split.items() for _ in measured], {}),
        "protocol": ([protocol.name for protocol in protocols], {}),
        "study": ([each.study for each in every], {}),
        "pathway": ([each.pathway for each in every], {}),
        "measured": ([each.ratio for each in every], one),
        "sem": ([each.sem for each in every], one),
        "n": ([np.nan if each.n is None else float(each.n) for each in every], one),
        "fitted_low": (low, one),
        "fitted_high": (high, one),
    }
    for name in dict.fromkeys(name for protocol in protocols for name in protocol.coordinates):
        meaning, unit = kinds.COORDINATES[name]
        values = [float(protocol.coordinates.get(name, np.nan)) for protocol in protocols]
        columns[name] = (values, {"long_name": meaning, "units": unit})
    made = xr.Dataset({name: ("point", values, attrs) for name, (values, attrs) in columns.items()})
    return made.assign(predicted=(("source", "point"), list(predicted.values()), one)).assign_coords(
        source=list(predicted)
    )


def _scores(points: xr.Dataset) -> pd.DataFrame:
    """chi^2 per point of each source on each set."""
    square = ((points["predicted"] - points["measured"]) / points["sem"]) ** 2
    table = square.groupby(points["set"]).mean().transpose("source", "set").sel(set=["train", "test"])
    return pd.DataFrame(table.values, index=points["source"].values.tolist(), columns=table["set"].values.tolist())


def summary(result: xr.DataTree) -> dict[str, Any]:
    """chi^2 per point of the fit, of the published parameters and of the baselines; points; parameters."""
    points, parameters = (result[name].to_dataset() for name in ("points", "parameters"))
    numbers: dict[str, Any] = {}
    for source, row in _scores(points).iterrows():
        before = {"fitted": "", "published": "published."}.get(str(source), f"baseline.{source}.")
        numbers |= {f"{before}{which}.chi2_per_point": float(row[which]) for which in ("train", "test")}
    numbers |= {f"points.{which}": int((points["set"] == which).sum()) for which in ("train", "test")}
    numbers["points.test_with_train_protocol"] = int(points.attrs["repeated"])
    numbers["parameters_fitted"] = parameters.sizes["parameter"]
    for name in parameters["parameter"].values.tolist():
        own = parameters.sel(parameter=name)
        numbers |= {f"parameters.{name}.{key}": float(own[key]) for key in ("fitted", "low", "high", "published")}
    return numbers


def tables(result: xr.DataTree) -> dict[str, pd.DataFrame]:
    """Parameters with intervals and bounds; chi^2 per point of each source; each point with every prediction."""
    points, parameters = (result[name].to_dataset() for name in ("points", "parameters"))
    fitted = parameters.drop_vars("samples").to_dataframe().reset_index()
    columns = ("set", "protocol", "study", "measured", "sem", "n", "fitted_low", "fitted_high")
    table = pd.DataFrame({name: points[name].values for name in columns})
    for source in points["source"].values.tolist():
        table[source] = points["predicted"].sel(source=source).values
    return {"parameters": fitted, "scores": _scores(points).rename_axis("source").reset_index(), "points": table}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Measured against predicted; and every measured series as a curve, published beside fitted."""
    points = result["points"].to_dataset()
    figures = {"measured_against_predicted": measured_against_predicted(points)}
    for x, by in CURVES:
        if (drawn := fitted_curves(points, x, by)) is not None:
            figures[f"ratio_against_{x}"] = drawn
    return figures
