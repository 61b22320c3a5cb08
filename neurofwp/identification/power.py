"""Before a simulation: can a Program, at some noise, tell rules apart?

For a truth r and a rival s, the rival is fitted to the noiseless weights of r. With y the predictions of both and a, b
two noisy runs of r (`neurofwp.identification.recovery.disturb`),

    D_rs = sum_E (y_r - y_s)^2 / sum_E (a - m)(b - m),        d_e = [(a - y_s)(b - y_s) - (a - y_r)(b - y_r)]_e

with d_e the difference of misfits in episode e, over the mean of the denominator. Over n held-out episodes the paired
t of d has a noncentral t distribution with n - 1 degrees of freedom and noncentrality sqrt(n) mean(d) / sd(d). The
power is the probability that it lies above the critical value, which is that of the largest t of s against all its
rivals (max-T), and above the smallest difference that `neurofwp.identification.confidence_set` takes for one. Episodes
count as independent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr
from scipy import stats

from neurofwp.errors import InputError
from neurofwp.identification import scores
from neurofwp.identification.competing import VALUE_OFFSET
from neurofwp.identification.confidence_set import FEW, RESOLUTION
from neurofwp.identification.fit_rule import Fit, fit_records, predict
from neurofwp.identification.preparation import prepare
from neurofwp.identification.products import Products, measure
from neurofwp.identification.records import Records
from neurofwp.identification.recovery import complete, disturb, network_of
from neurofwp.rules import get

DRAWS = 20_000  # of the largest t
ROUNDING = 1e-9  # of an episode's influence on u: differences below that are of arithmetic, or of where a fit ended


def power(
    program: xr.Dataset,
    rules: Mapping[str, Mapping[str, float]],
    noise: float,
    episodes: int,
    seed: int = 0,
    *,
    runs: int = 4,
    restarts: int = 2,
) -> xr.Dataset:
    """Which rules a Program can tell apart.

    Parameters
    ----------
    program : its episodes are those that rivals are fitted to, and those of the noisy runs.
    rules : true parameters of each rule, by its id; what is not named has its default. All are fitted to each other.
    noise : as of `neurofwp.identification.recovery.disturb`. episodes : how many will judge.
    runs : pairs of noisy runs.

    Returns
    -------
    Dataset over (truth, rival): ``distance`` D_rs, ``difference`` u_s - u_r expected, ``power``. On the diagonal the
    distance is 0, and the power the probability that luck alone separates a rule from an equal.

    Raises
    ------
    InputError
        for fewer than two rules, episodes to judge, or episodes of the Program; no runs; no noise; unknown rules.
    """
    if min(len(rules), episodes, program.sizes["episode"]) < 2 or runs < 1:
        raise InputError("power needs 2 rules, 2 episodes to judge, a Program of 2 episodes and 1 run, or more of each")
    if not noise > 0:
        raise InputError(f"noise must be above 0, not {noise:g}: without it, rules that differ at all are told apart")
    rng = np.random.default_rng(seed)
    ids = [get(rule).id for rule in rules]
    found = [_of_truth(program, ids, rule, rules[rule], noise, runs, restarts, rng) for rule in ids]
    table = [_separation(products, index, episodes, rng) for index, products in enumerate(found)]
    distance = np.stack([scores.distance(products)[index] for index, products in enumerate(found)])
    data = {
        "distance": (("truth", "rival"), distance),
        "difference": (("truth", "rival"), np.stack([difference for difference, _ in table])),
        "power": (("truth", "rival"), np.stack([share for _, share in table])),
    }
    result = xr.Dataset(data, coords={"truth": ids, "rival": ids}, attrs={"noise": noise, "episodes": episodes})
    for name in result.variables:
        result[name].attrs["units"] = "1"
    return result


def _of_truth(
    program: xr.Dataset,
    ids: list[str],
    truth: str,
    parameters: Mapping[str, float],
    noise: float,
    runs: int,
    restarts: int,
    rng: np.random.Generator,
) -> Products:
    """Products of noisy increments of one truth with the predictions of all rules, over the episodes of all runs."""
    network = network_of(truth, parameters)

    def records(level: float) -> Records:
        return prepare(program, network.run(disturb(program, level, rng)), unit_keys=True)  # `disturb` makes them so

    clean = records(0.0)
    seeds = rng.integers(2**31, size=len(ids))
    fits = [_fit(rule, clean, truth, parameters, restarts, int(own)) for rule, own in zip(ids, seeds, strict=True)]
    models = {fit.rule.id: partial(predict, fit) for fit in fits}
    pairs = [(records(noise), records(noise)) for _ in range(runs)]
    values = [Products.of(measure(one, other.weight, models)).values for one, other in pairs]
    return Products(tuple(ids), np.concatenate(values))


def _fit(rule: str, clean: Records, truth: str, parameters: Mapping[str, float], restarts: int, seed: int) -> Fit:
    """The truth as it is, and a rival as it describes the truth best."""
    if rule == truth:
        return Fit(get(rule), complete(rule, parameters) | {VALUE_OFFSET.name: 0.0}, 0.0, 1.0)
    return fit_records(get(rule), clean, restarts=restarts, seed=seed)


def _separation(
    products: Products, truth: int, episodes: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Expected differences of u to the truth (rival,), and the power to see them with that many episodes."""
    value, terms = scores.unexplained(products), scores.influence(products)
    difference = value - value[truth]
    share = np.empty(len(value))
    for rival in range(len(value)):
        apart = terms[:, [rival]] - terms
        critical = critical_value(np.delete(apart, rival, axis=1), episodes, rng)
        error = apart[:, truth].std(ddof=1) / np.sqrt(episodes)
        if error <= ROUNDING * max(1.0, float(np.abs(terms).max())):  # the rival predicts the same: luck alone
            share[rival] = separation(0.0, critical, episodes)
        else:
            share[rival] = separation(difference[rival] / error, max(critical, RESOLUTION / error), episodes)
    return difference, share


def separation(noncentrality: float, critical: float, episodes: int) -> float:
    """P(t > critical) of a noncentral t of `episodes` differences."""
    return float(stats.nct.sf(critical, episodes - 1, noncentrality))


def critical_value(differences: np.ndarray, episodes: int, rng: np.random.Generator) -> float:
    """The 95 % quantile of the largest of several t, with the correlations of `differences` (episode, rival).

    Rivals whose difference does not vary take no part. Of few episodes, that of t with 5 % divided by the rivals.
    """
    spread = differences.std(axis=0, ddof=1)
    varied = differences[:, spread > ROUNDING * max(1.0, float(np.abs(differences).max()))]
    if varied.shape[1] < 2 or episodes < FEW:
        return float(stats.t.ppf(1 - (1 - scores.LEVEL) / max(1, varied.shape[1]), episodes - 1))
    unit = (varied - varied.mean(axis=0)) / varied.std(axis=0, ddof=1) / np.sqrt(len(varied) - 1)
    normal = rng.standard_normal((DRAWS, len(unit))) @ unit
    chi = np.sqrt(rng.chisquare(episodes - 1, DRAWS) / (episodes - 1))
    return float(np.quantile(normal.max(axis=1) / chi, scores.LEVEL))
