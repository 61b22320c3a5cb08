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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.laboratory import Measurement, Protocol
    from neurofwp.synapses import SynapseModel

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
    spread: float | None = field(default=None, metadata={"infinite": True})
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
    model = nf.synapses.load(settings.model)
    read = nf.laboratory.studies.read_scorable
    split = {"train": read(settings.train), "test": read(settings.test)}
    known = {stimulus(each.protocol) for each in split["train"]}
    repeated = sum(stimulus(each.protocol) in known for each in split["test"])
    if repeated:
        log.warning("%d of %d test points have a protocol of the training points", repeated, len(split["test"]))
    parameters = nf.calibration.fit_parameters(
        model,
        split["train"],
        names=settings.parameters,
        spread=settings.spread,
        bootstrap=settings.bootstrap,
        seed=seed,
    ).assign_attrs(model=model.name)
    if loose := parameters["parameter"].values[~parameters["determined"].values].tolist():
        log.warning("the training points say little about %s: other values fit as well", ", ".join(loose))
    points = predict_points(model, parameters, split).assign_attrs(model=model.name, repeated=repeated)
    result = xr.DataTree.from_dict({"/parameters": parameters, "/points": points})
    for row in nf.laboratory.studies.chi2_per_point(points, "set"):
        log.info("chi^2 per point, %s: train %.3g, test %.3g", row["source"].item(), *row)
    return result


def stimulus(protocol: Protocol) -> str:
    """What is done to the cells, whatever it is called."""
    return repr(replace(protocol, name="", coordinates={}))


def predict_points(
    model: SynapseModel, parameters: xr.Dataset, split: Mapping[str, Sequence[Measurement]]
) -> xr.Dataset:
    """All measurements and what each source says of them; for the fit also percentiles over the bootstrap."""
    predict, studies = nf.laboratory.predict, nf.laboratory.studies
    every = [each for measured in split.values() for each in measured]
    protocols = [each.protocol for each in every]
    names = parameters["parameter"].values.tolist()
    numbers = dict(zip(names, parameters["fitted"].values.tolist(), strict=True))
    fitted = nf.laboratory.prediction.replace_values(model, numbers)
    predicted = {"fitted": predict(fitted, protocols), "published": predict(model, protocols)}
    predicted[UNCHANGED] = np.ones(len(every))
    predicted |= {name: predict(nf.synapses.load(name), protocols) for name in BASELINES if name != model.name}
    samples = {name: parameters["samples"].sel(parameter=name) for name in names}
    ratios = nf.laboratory.closed_form(model, protocols)(samples)
    low, high = np.percentile(ratios, nf.calibration.PERCENTILES, axis=0)
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
    each = points.drop_vars(["predicted", "source", "sem"]).assign(
        measured_sem=points["sem"], n=nf.laboratory.studies.whole_numbers(points["n"])
    )
    predicted = {name: points["predicted"].sel(source=name, drop=True) for name in points["source"].values.tolist()}
    return {"summary": fit, "scores": chi2.to_dataset(), "parameters": fitted, "points": each.assign(predicted)}


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Measured against predicted; and every measured series as a curve, published beside fitted."""
    points = result["points"].to_dataset()
    figures = {"measured_against_predicted": nf.plots.predictions_against_measurements(points)}
    for x, by in CURVES:
        if (drawn := nf.plots.fitted_curves(points, x, by)) is not None:
            figures[f"ratio_against_{x}"] = drawn
    return figures


EXPERIMENT = Experiment(Settings, run, tables, plot)
