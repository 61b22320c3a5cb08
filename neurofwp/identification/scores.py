"""The unexplained share of what repeats, with its interval.

    u_r = sum_E (a - y_r)(b - y_r) / sum_E (a - m)(b - m),    FEVE_r = 1 - u_r

with two runs a and b of the same Programs whose randomness is independent, m their common mean, and y_r what rule r
predicts, fitted on other episodes. Noise of a and of b is independent, so that its products vanish on average: the
numerator estimates sum (E[a] - y)^2 without bias, the denominator the variance of E[a] (Schoppe et al. 2016, Front
Comput Neurosci 10:10, for responses of neurons). Without a repeat b is a, and u holds the noise too.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import stats

from neurofwp.identification.products import Products
from neurofwp.metrics import jackknife_error

LEVEL = 0.95


def unexplained(products: Products) -> np.ndarray:
    """u of every model (model,), the episodes taken together."""
    share: np.ndarray = products.misfit().sum(0) / products.repeatable().sum()
    return share


def influence(products: Products) -> np.ndarray:
    """What each episode adds to u, (episode, model): (N_e - u D_e) / mean D, the linear terms of the ratio N / D.

    Their mean is 0, and u varies over samples of n episodes as the mean of n such terms (Cochran 1977, Sampling
    Techniques, section 6.3).
    """
    repeatable = products.repeatable()
    terms: np.ndarray = products.misfit() - unexplained(products) * repeatable[:, None]
    terms /= repeatable.mean()
    return terms


def interval(products: Products) -> tuple[np.ndarray, np.ndarray]:
    """95 % confidence limits of u (model,) for new episodes; NaN with fewer than two."""
    value, half = unexplained(products), margin(influence(products))
    return value - half, value + half


def margin(terms: np.ndarray) -> np.ndarray:
    """Half the 95 % interval of a mean, by Student's t, of terms (episode, ...); NaN of fewer than two episodes."""
    count = len(terms)
    if count < 2:
        return np.full(terms.shape[1:], np.nan)
    half: np.ndarray = stats.t.ppf((1 + LEVEL) / 2, count - 1) * (terms.std(axis=0, ddof=1) / np.sqrt(count))
    return half


def r2(products: Products) -> np.ndarray:
    """1 - RSS/TSS of the run alone (model,), its noise included, TSS about the mean."""
    own = products.alone()
    share: np.ndarray = 1 - own.misfit().sum(0) / own.repeatable().sum()
    return share


def distance(products: Products) -> np.ndarray:
    """D_rs = sum_E (y_r - y_s)^2 / sum_E (a - m)(b - m), (model, model)."""
    share: np.ndarray = products.distance().sum(0) / products.repeatable().sum()
    return share


def noise_ceiling(products: Products) -> tuple[float, float]:
    """The share of variance that repeats, and its jackknife standard error; NaN without a repeat."""
    if not products.repeated:
        return np.nan, np.nan
    sums = products.ceiling()
    total = sums.sum(0)
    without = (total - sums)[:, 0] / (total - sums)[:, 1] if len(sums) > 1 else np.full(1, np.nan)
    return float(total[0] / total[1]), jackknife_error(without)


def tabulate(products: xr.DataArray, repeated: bool, units: str) -> xr.Dataset:
    """What follows for every model from the products of all measures.

    Parameters
    ----------
    repeated : whether there was a repeat, or a stated noise. units : of the weights.

    Returns
    -------
    unexplained, unexplained_low, unexplained_high (measure, model); noise_ceiling and noise_ceiling_sem (scalars), of
    increments; products.
    """
    measures = [str(each) for each in products["measure"].values]
    every = [Products.of(products, on, repeated=repeated) for on in measures]
    low, high = np.stack([interval(each) for each in every]).transpose(1, 0, 2)
    ceiling, error = noise_ceiling(every[0])
    dims = ("measure", "model")
    result = xr.Dataset(
        {
            "unexplained": (dims, np.stack([unexplained(each) for each in every])),
            "unexplained_low": (dims, low),
            "unexplained_high": (dims, high),
            "noise_ceiling": ((), ceiling),
            "noise_ceiling_sem": ((), error),
            "products": products,
        },
        coords={"measure": measures, "model": list(every[0].models)},
    )
    for name in result.variables:
        result[name].attrs["units"] = "1"
    result["products"].attrs["units"] = f"{units}^2"
    return result
