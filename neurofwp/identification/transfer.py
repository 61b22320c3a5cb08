"""Parameters fitted under one condition predict another: the strongest evidence for a rule.

Nothing is fitted again. Fit and judgement within one condition share load, overlap, timing and encoder, so that a
flexible enough description of that one condition does well; a rule that synapses run has the same parameters
everywhere. The score is u of `neurofwp.identification.scores`, on the other condition's own repeats.

Signals of events do not know how long these last. Two assumptions can be made (`BETA`):

- per event: beta is what the Program says. Writes of any duration are then of one size, so that a transfer between
  durations must fail for a synapse that integrates over time.
- per time: beta is multiplied by the duration of the event over that of the events that were fitted. It does not
  saturate, and a decay per event stays one. Rules that integrate over the duration of an event themselves
  (`Rule.timed_by`) see beta as it is.

Where weights are those of a known network without noise, u is D(rule, truth) = sum_E (y_r - y)^2 / sum_E (y - m)^2,
and a rule is right only if that is small in every condition (`right`).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor

from neurofwp import errors, rules
from neurofwp.errors import InputError
from neurofwp.identification import scores
from neurofwp.identification.fit_rule import Fit, predict
from neurofwp.identification.identify_rule import repeat_weights
from neurofwp.identification.models import models
from neurofwp.identification.preparation import observed_weights, prepare
from neurofwp.identification.products import Prediction, measure
from neurofwp.identification.records import Records
from neurofwp.identification.splits import split
from neurofwp.runtime.progress import progress_bar

KIND = "neurofwp.transfer"
BETA = ("per event", "per time")
SCORED = ("unexplained", "unexplained_low", "unexplained_high", "feve", "noise_ceiling", "noise_ceiling_sem")
RIGHT = 0.02  # of D(rule, truth), up to which a rule predicts what synapses do
Fits = xr.Dataset | Sequence[Fit] | Mapping[str, Prediction]


def transfer(
    fits: Fits,
    program: xr.Dataset,
    trace: xr.Dataset,
    repeat: xr.Dataset | None = None,
    *,
    noise: float | None = None,
    judge: Sequence[int] | None = None,
    beta: str = "per event",
    fitted_duration: float | None = None,
    drive: str | None = None,
    unit_keys: bool | None = None,
    initial: str = "given",
    device: str = "cpu",
) -> xr.Dataset:
    """Score fitted parameters on another condition's data.

    Parameters
    ----------
    fits : of `neurofwp.identify`; or Fits; or whatever predicts weights, by name, as `predictors` gives it.
    program, trace, repeat : the other condition, and an independent run of it.
    noise : without a repeat, the standard deviation of each weight's own measurement error, in the weights' unit; 0
        for a Trace without any noise. Without either, nothing says how much could be explained.
    judge : episodes that are scored, by default all: none that was fitted should be among them.
    beta : one of `BETA`. fitted_duration : of the events that were fitted, ms, where beta is per time.
    drive, unit_keys, initial : as of `neurofwp.identification.preparation.prepare`; by default as `fits` had the first
        two.

    Returns
    -------
    Dataset with ``unexplained``, ``unexplained_low`` and ``unexplained_high`` (measure, model), u and its 95 % interval
    for new episodes; ``feve``, 1 - u (measure, model), NaN without a repeat or a stated noise; ``noise_ceiling`` and
    ``noise_ceiling_sem``; ``products``, from which all follow. Attributes say which ``beta`` is assumed.

    Raises
    ------
    InputError
        for an unknown beta, one per time without a duration, negative noise, episodes that are not there, parameters
        in another unit than that of the Trace, or input that `neurofwp.identification.preparation.prepare` refuses.
    """
    _check(fits, trace, noise, beta, fitted_duration)
    given = json.loads(fits.attrs["config"]) if isinstance(fits, xr.Dataset) else {}
    unit_keys = given.get("unit_keys") if unit_keys is None else unit_keys
    drive = drive or given.get("drive", "nominal")
    records = prepare(
        program, trace, drive=drive, unit_keys=unit_keys, initial=initial, device=device,
        nonnegative=given.get("nonnegative", True),
    )  # fmt: skip
    again = repeat_weights(program, trace, repeat, records, initial=initial, device=device)
    count = len(records.key)
    chosen = list(range(count)) if judge is None else [int(each) for each in judge]
    if not chosen or not set(chosen) <= set(range(count)):
        raise InputError(f"judge must name some of the episodes 0 to {count - 1}, not {chosen}")
    every = _predictions(fits)
    if beta == "per time":
        assert fitted_duration is not None
        every = {name: _per_time(name, each, fitted_duration / 1000) for name, each in every.items()}
    products = measure(
        records.episodes(chosen), None if again is None else again[chosen], every, noise=noise or 0.0
    )  # fmt: skip
    adequate = repeat is not None or noise is not None
    result = scores.tabulate(products, adequate, observed_weights(trace).attrs["units"])
    unknown = xr.full_like(result["unexplained"], np.nan)
    feve = (1 - result["unexplained"] if adequate else unknown).assign_attrs(units="1")
    return result.assign(feve=feve).assign_coords(unit=chosen).assign_attrs(kind=KIND, beta=beta, drive=drive)


def matrix(
    fitted: Mapping[str, Fits],
    conditions: Mapping[str, tuple[xr.Dataset, xr.Dataset, xr.Dataset]],
    *,
    judge: Sequence[int],
    progress: bool = True,
    **how: Any,
) -> xr.Dataset:
    """Every condition's fits predict every condition, under both assumptions about beta.

    Parameters
    ----------
    fitted : what predicts weights, by the condition that it was fitted under. conditions : Program, Trace and repeat.
    judge : the episodes of each that are scored. how : further arguments of `transfer`.

    Returns
    -------
    What `transfer` returns but ``products``, over (beta, train, test, ...); noise ceilings are of (test,).
    """
    times = {name: np.unique(program["duration"].values) for name, (program, *_) in conditions.items()}
    cells: dict[tuple[str, str, str], xr.Dataset] = {}
    with progress_bar(total=len(fitted) * len(conditions), desc="predicting conditions", disable=not progress) as bar:
        for train, test in itertools.product(fitted, conditions):
            score = partial(transfer, fitted[train], *conditions[test], judge=judge, **how)
            cells["per event", train, test] = cells["per time", train, test] = score().drop_attrs(deep=False)
            if not np.array_equal(times[train], times[test]):
                own = score(beta="per time", fitted_duration=_only(times[train], train))
                cells["per time", train, test] = own.drop_attrs(deep=False)
            bar.update()
    nested = [[[cells[beta, train, test][list(SCORED)] for test in conditions] for train in fitted] for beta in BETA]
    joined = xr.combine_nested(nested, concat_dim=["beta", "train", "test"]).transpose("beta", "train", "test", ...)
    ceiling = {name: joined[name].isel(beta=0, train=0) for name in ("noise_ceiling", "noise_ceiling_sem")}
    result = joined.assign(ceiling).assign_coords(beta=list(BETA), train=list(fitted), test=list(conditions))
    for name in result.variables:
        result[name].attrs["units"] = "1"
    return result


def _only(durations: np.ndarray, name: str) -> float:
    if len(durations) > 1:
        raise InputError(f"a beta per time needs fitted events of one duration, but those of {name} have {durations}")
    return float(durations[0])


def predictors(
    fits: xr.Dataset, program: xr.Dataset, trace: xr.Dataset, *, references: bool = True, seed: int = 0
) -> dict[str, Prediction]:
    """All that predicts weights after a fit: its rules, and nulls and references fitted to the same episodes.

    Parameters
    ----------
    fits : of `neurofwp.identify`, split by episode. program, trace : what they were fitted to.
    references : whether to fit the flexible ones, which takes as long as several rules.

    Raises
    ------
    InputError
        for fits that were split otherwise.
    """
    config = json.loads(fits.attrs["config"])
    if config["split_by"] != "episode":
        raise InputError(f"fits must be split by episode, not by {config['split_by']}, to be taken to other conditions")
    own = {name: config[name] for name in ("drive", "unit_keys", "initial", "nonnegative", "device")}
    records = prepare(program, trace, **own)
    halves = split(records, None, "episode", config["train"], ())
    return models(saved_fits(fits), halves, references=references, seed=seed)


def saved_fits(fits: xr.Dataset) -> list[Fit]:
    """The Fits of a Dataset of fits; residual sums of squares are shares of the total one."""
    found = []
    for rule in fits["rule"].values:
        one = fits.sel(rule=rule)
        value = one["parameter_value"].dropna("parameter")
        parameters = {str(name): float(value.sel(parameter=name)) for name in value["parameter"].values}
        found.append(Fit(rules.get(str(rule)), parameters, 1 - float(one["train_r2"]), float(one["train_r2"])))
    return found


def distance_to_truth(fits: Fits, truth: Mapping[str, tuple[xr.Dataset, xr.Dataset]], **how: Any) -> xr.DataArray:
    """D(model, truth) of every model in every condition, (condition, model), on increments.

    Parameters
    ----------
    truth : Program and noiseless Trace by condition. how : further arguments of `transfer`.
    """
    found = [
        transfer(fits, *each, noise=0.0, **how)["unexplained"].sel(measure="increments") for each in truth.values()
    ]
    joined: xr.DataArray = xr.concat(found, xr.DataArray(list(truth), dims="condition", name="condition"))
    return joined.drop_vars("measure")


def right(distance: xr.DataArray, limit: float = RIGHT) -> xr.DataArray:
    """Whether each model (model,) predicts the truth in every condition, from what `distance_to_truth` gives."""
    return (distance <= limit).all("condition")


def _check(fits: Fits, trace: xr.Dataset, noise: float | None, beta: str, fitted_duration: float | None) -> None:
    if beta not in BETA:
        raise errors.unknown("beta", beta, BETA)
    if beta == "per time" and not (fitted_duration or 0) > 0:
        raise InputError("a beta per time needs fitted_duration, that of the events that were fitted, above 0 ms")
    if noise is not None and not noise >= 0:
        raise InputError(f"noise must be 0 or more, in the weights' unit, not {noise:g}")
    if isinstance(fits, xr.Dataset):
        unit, own = (each.attrs["units"] for each in (fits["parameter_value"], observed_weights(trace)))
        if unit != f"powers of {own}":
            raise InputError(f"parameters were fitted in {unit}, but this Trace is in {own}: they cannot predict it")


def _predictions(fits: Fits) -> dict[str, Prediction]:
    if isinstance(fits, Mapping) and not isinstance(fits, xr.Dataset):
        return dict(fits)
    return {fit.rule.id: partial(predict, fit) for fit in (saved_fits(fits) if isinstance(fits, xr.Dataset) else fits)}


def _per_time(name: str, prediction: Prediction, duration: float) -> Prediction:
    """The same with beta in proportion to the duration of an event, 1 for that of the fit, s."""
    known = name in {rule.id for rule in rules.REGISTRY.all()} and bool(rules.get(name).timed_by)
    return prediction if known else partial(_scaled, prediction, duration)


def _scaled(prediction: Prediction, duration: float, records: Records) -> Tensor:
    return prediction(replace(records, gate=records.gate * records.duration / duration))
