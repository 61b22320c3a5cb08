"""Draws from a posterior as ArviZ has them: groups of parameters, of predictions, and of what was observed."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.calibration.problem import PERCENTILES, Predict, Problem

Floats = NDArray[np.float64]

BATCH = 256  # sets of which predictions are made at once


def inference_data(
    problem: Problem, posterior: xr.Dataset, held_out: tuple[Floats, Floats, Floats], seed: int
) -> dict[str, xr.Dataset]:
    """The groups that ArviZ knows, by name: what `arviz.from_netcdf` finds in a file of them.

    Parameters
    ----------
    posterior : as of `sample_posterior`. held_out : what the draws predict of points that were not fitted (chain, draw,
        point), and mean and SEM of these (point,).

    Returns
    -------
    posterior, sample_stats, observed_data and constant_data (mean ``ratio`` and ``sem`` of fitted points),
    posterior_predictive (their ``ratio`` with new noise of the SEM), and predictions and predictions_constant_data, the
    same of points that were held out.
    """
    rng = np.random.default_rng(seed)
    one = {"units": "1"}
    names = [own.name for own in problem.parameters]
    fitted = predictions(problem.predict, posterior, names)
    noisy = fitted + problem.sem * rng.standard_normal(fitted.shape)
    ratios, mean, sem = held_out
    dims = ("chain", "draw", "point")
    coords = {"chain": posterior["chain"].values, "draw": posterior["draw"].values}
    new = ratios + sem * rng.standard_normal(ratios.shape)
    draws = posterior[names].drop_vars("parameter", errors="ignore")
    return {
        "posterior": draws,
        "sample_stats": posterior[["log_density"]].rename(log_density="lp"),
        "observed_data": xr.Dataset({"ratio": ("point", problem.ratio, one)}),
        "constant_data": xr.Dataset({"sem": ("point", problem.sem, one)}),
        "posterior_predictive": xr.Dataset({"ratio": (dims, noisy, one)}, coords),
        "predictions": xr.Dataset({"ratio": (dims, new, one)}, coords),
        "predictions_constant_data": xr.Dataset({"ratio": ("point", mean, one), "sem": ("point", sem, one)}),
    }


def predictions(predict: Predict, posterior: xr.Dataset, names: list[str]) -> Floats:
    """Ratios (chain, draw, point) of every draw."""
    shape = posterior[names[0]].shape
    numbers = {name: posterior[name].values.ravel() for name in names}
    starts = range(0, posterior[names[0]].size, BATCH)
    made = [predict({name: each[first : first + BATCH] for name, each in numbers.items()}) for first in starts]
    return np.asarray(np.concatenate(made).reshape(*shape, -1))


def summarise(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Tables of groups as of `inference_data` and of ``posterior_summary``, how independent draws are.

    Returns
    -------
    ``posterior``: median and percentiles of each parameter; ``correlations``: of ranks; ``predictive``: the share of
    points, fitted (set: train) and held out (test), that lie within the central 95 % of what draws predict.
    """
    drawn = result["posterior"].to_dataset()
    names = [str(name) for name in drawn.data_vars]
    values = np.array([drawn[name].values.ravel() for name in names])
    low, median, high = np.percentile(values, [PERCENTILES[0], 50, PERCENTILES[1]], axis=1)
    ranks = np.corrcoef([each.argsort().argsort() for each in values])
    own = result["posterior_summary"].to_dataset()
    own = own.assign({name: ("parameter", each) for name, each in (("median", median), ("low", low), ("high", high))})
    between = xr.Dataset(
        {"rank_correlation": (("parameter", "other"), ranks, {"units": "1"})}, {"parameter": names, "other": names}
    )
    within = []
    for predicted, known in (("posterior_predictive", "observed_data"), ("predictions", "predictions_constant_data")):
        ratios, mean = (result[name].to_dataset()["ratio"] for name in (predicted, known))
        ends = np.percentile(ratios, PERCENTILES, axis=(0, 1))
        within.append(float(((ends[0] <= mean) & (mean <= ends[1])).mean()))
    share = xr.Dataset({"share_within_95": ("set", within, {"units": "1"})}, {"set": ["train", "test"]})
    return {"posterior": own, "correlations": between, "predictive": share}
