"""Intervals and correlations of fitted parameters.

The estimate of least squares varies as H^-1 M H^-1 with H = sum J'J over all increments and M the covariance of J'r.
Increments are far from independent: all targets of a key cell share the noise of its spikes, and all weights of a value
cell that of its teaching. M is therefore summed over two kinds of clusters, presynaptic and postsynaptic cells of an
episode, less what both count (Cameron, Gelbach & Miller 2011, J Bus Econ Stat 29:238), and no negative variance of it
is taken. Along a direction of which J'J knows nothing, nothing is known of the parameters that have a part in it. A
parameter at a bound of the fit has no interval, and the others have theirs with it held there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from neurofwp.identification.competing import free_parameters
from neurofwp.identification.fit_rule import Bounds, Fit, polish_subset, residuals
from neurofwp.identification.levenberg_marquardt import differences
from neurofwp.identification.records import Records
from neurofwp.identification.scores import LEVEL

FLAT = 1e-10  # of the largest eigenvalue of J'J of scaled parameters: below it a direction is not known
PART = 1e-4  # of a parameter in such a direction, from which on it is not known either


@dataclass(frozen=True)
class Uncertainty:
    """low, high (parameter,): 95 % limits. correlation (parameter, parameter). NaN where there is none."""

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    correlation: np.ndarray


def uncertainty(fit: Fit, records: Records, seed: int = 0) -> Uncertainty:
    """Of all parameters of a fit to these Records, from the part of them that it rests on; `seed` as of the fit."""
    bounds = Bounds(free_parameters(fit.rule), records)
    names = tuple(parameter.name for parameter in bounds.parameters)
    point = bounds.shares([bounds.complete(fit.parameters)])
    records = polish_subset(fit.rule, records, seed)
    curvature = torch.zeros(len(names), len(names), dtype=torch.float64)
    spread = curvature.clone()
    for episode in range(len(records.key)):
        one = records.episodes([episode])
        jacobian, miss = _linearise(fit, one, bounds, point)
        rows = jacobian.flatten(1)
        curvature += rows @ rows.T
        scores = (jacobian * miss).sum(dim=3)  # (parameter, episode, pool, post, pre), the events of a synapse together
        of_pre, of_post = scores.sum(dim=(2, 3)).flatten(1), scores.sum(dim=4).flatten(1)
        both = scores.flatten(1)
        spread += of_pre @ of_pre.T + of_post @ of_post.T - both @ both.T
    between = ((point > 0) & (point < 1))[0].cpu().numpy()
    clusters = len(records.key) * records.observation.shape[-1]
    return _limits(fit, names, curvature.numpy(), spread.numpy(), between, clusters)


def _linearise(fit: Fit, records: Records, bounds: Bounds, point: Tensor) -> tuple[Tensor, Tensor]:
    """Derivatives of the misses (parameter, episode, pool, event, post, pre), and the misses."""
    miss, slope = differences(residuals(fit.rule.draft(), records, bounds), point, low=0, high=1)
    shape = records.observation.shape
    slope = slope[0] / (bounds.high - bounds.low)[:, None]
    return slope.unflatten(1, shape).cpu(), miss[0].unflatten(0, shape).cpu()


def _limits(
    fit: Fit, names: tuple[str, ...], curvature: np.ndarray, spread: np.ndarray, between: np.ndarray, clusters: int
) -> Uncertainty:
    scale = np.sqrt(np.diag(curvature))
    moves = (scale > 0) & between  # a parameter without an effect has no interval
    correlation = np.full(curvature.shape, np.nan)
    error = np.full(len(names), np.nan)
    if moves.any():
        unit = np.outer(scale, scale)[np.ix_(moves, moves)]
        inverse, unknown = _invert(curvature[np.ix_(moves, moves)] / unit)
        value, direction = np.linalg.eigh(spread[np.ix_(moves, moves)] / unit)
        covariance = inverse @ (direction * np.maximum(value, 0)) @ direction.T @ inverse
        own = np.sqrt(np.diag(covariance))
        own[unknown] = np.nan
        error[moves] = own / scale[moves]
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation[np.ix_(moves, moves)] = covariance / np.outer(own, own)
    margin = stats.t.ppf((1 + LEVEL) / 2, max(clusters - 1, 1)) * error
    value = np.array([fit.parameters[name] for name in names])
    return Uncertainty(names, value - margin, value + margin, correlation)


def _invert(curvature: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse, of the directions that are known, and which parameters have a part in others."""
    value, direction = np.linalg.eigh(curvature)
    flat = value < FLAT * value.max()
    inverse = (direction[:, ~flat] / value[~flat]) @ direction[:, ~flat].T
    return inverse, (np.abs(direction[:, flat]) > PART).any(axis=1)
