"""Fits as a Dataset, and the verdict that it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from neurofwp.identification import scores
from neurofwp.identification.competing import free_parameters
from neurofwp.identification.decision import Verdict, decide
from neurofwp.identification.fit_rule import Fit
from neurofwp.identification.models import reference_of
from neurofwp.identification.preparation import DRIVES
from neurofwp.identification.products import Products
from neurofwp.identification.records import Records
from neurofwp.identification.splits import Split
from neurofwp.identification.uncertainty import uncertainty
from neurofwp.rules import Rule

KIND = "neurofwp.fits"
UNKNOWN = "unknown"
UNDERFITTED = 0.005  # of u, by which a rule may beat a reference that takes its signals


def tabulate(
    fits: Sequence[Fit],
    products: xr.DataArray,
    halves: Split,
    nested: Sequence[tuple[str, str]],
    *,
    adequacy: str,
    units: str,
    drive: str,
    seed: int,
) -> xr.Dataset:
    """Scores, parameters and verdict.

    Returns
    -------
    fits, a Dataset:

    - unexplained, unexplained_low, unexplained_high (measure, model): u and its 95 % interval for new episodes, on
      increments (which decide), on increments of active synapses, and on weights; or on reads alone, where these were
      seen in place of weights, and "increments" below are answers. Models are rules, nulls and references.
      Without a repeat or a stated noise, noise is part of u.
    - feve, low, high (rule): 1 - u on increments; NaN without a repeat or a stated noise.
    - r2 (rule): 1 - RSS/TSS of the run's increments, noise included.
    - lack (rule): u less that of the flexible reference that takes the rule's signals: what a rule of that locality
      could explain besides. NaN without a reference, or where the rule beats it by more than .005: it is underfitted.
    - best (rule): the rules that are not worse than the best one; distance (rule, other): D_rs.
    - parameter_value, parameter_low, parameter_high (rule, parameter), with 95 % limits, in powers of the weights'
      unit, NaN where a rule has none of that name; parameter_correlation (rule, parameter, other_parameter);
      n_parameters; train_r2.
    - noise_ceiling and noise_ceiling_sem (scalars): the share of the increments' variance that repeats.
    - products (measure, unit, series, other): what all of these follow from.
    - verdict and sentence (scalars): what `neurofwp.identification.decision` says, and in words.
    - attributes: adequacy ("a repeat", "a stated noise" or "unknown"), and nested, pairs of rules.
    """
    repeated = adequacy != UNKNOWN
    rules = [fit.rule.id for fit in fits]
    decisive = Products.of(products, repeated=repeated)
    decided = decide(decisive, rules, nested, seed)
    result = scores.tabulate(products, repeated, units)
    result = result.assign_coords(unit=halves.numbers * (products.sizes["unit"] // len(halves.numbers)))
    result = result.assign(_of_rules(fits, decisive, result) | _parameters(fits, halves.trained, seed))
    result = result.assign(
        best=("rule", np.isin(rules, decided.rules)), verdict=((), decided.kind), sentence=((), decided.sentence)
    )
    for name in result.variables:
        result[name].attrs.setdefault("units", "1")
    for name in ("parameter_value", "parameter_low", "parameter_high"):
        result[name].attrs["units"] = f"powers of {units}"
    return result.assign_attrs(
        kind=KIND, drive=drive, driven_by=DRIVES[drive], unit=halves.unit, adequacy=adequacy,
        nested=" ".join(f"{outer}>{inner}" for outer, inner in nested), verdict_seed=seed,
    )  # fmt: skip


def _of_rules(fits: Sequence[Fit], decisive: Products, table: xr.Dataset) -> dict[str, Any]:
    """Scores of the rules on increments, which are the first models of the table."""
    rules = [fit.rule.id for fit in fits]
    own = slice(len(fits))
    value, low, high = (table[f"unexplained{end}"].isel(measure=0).values for end in ("", "_low", "_high"))
    known = np.where(decisive.repeated, 1.0, np.nan)
    return {
        "rule": rules,
        "other_rule": rules,
        "feve": ("rule", known * (1 - value[own])),
        "low": ("rule", known * (1 - high[own])),
        "high": ("rule", known * (1 - low[own])),
        "r2": ("rule", scores.r2(decisive)[own]),
        "lack": ("rule", known * _lack([fit.rule for fit in fits], decisive.models, value)),
        "distance": (("rule", "other_rule"), scores.distance(decisive)[own, own]),
        "train_r2": ("rule", [fit.r2 for fit in fits]),
        "n_parameters": ("rule", [len(free_parameters(fit.rule)) for fit in fits]),
    }


def _parameters(fits: Sequence[Fit], trained: Records, seed: int) -> dict[str, Any]:
    """Values, limits and correlations of the parameters of all rules."""
    names = list(dict.fromkeys(parameter for fit in fits for parameter in fit.parameters))
    shape = (len(fits), len(names))
    value, low, high = (np.full(shape, np.nan) for _ in range(3))
    correlation = np.full((*shape, len(names)), np.nan)
    for row, fit in enumerate(fits):
        found = uncertainty(fit, trained, seed)
        at = [names.index(name) for name in found.names]
        value[row, at] = [fit.parameters[name] for name in found.names]
        low[row, at], high[row, at] = found.low, found.high
        correlation[row][np.ix_(at, at)] = found.correlation
    dims = ("rule", "parameter")
    return {
        "parameter": names,
        "other_parameter": names,
        "parameter_value": (dims, value),
        "parameter_low": (dims, low),
        "parameter_high": (dims, high),
        "parameter_correlation": ((*dims, "other_parameter"), correlation),
    }


def _lack(rules: Sequence[Rule], models: Sequence[str], value: np.ndarray) -> np.ndarray:
    found = np.full(len(rules), np.nan)
    for row, rule in enumerate(rules):
        name = reference_of(rule, models)
        if name is not None:
            lack = value[row] - value[models.index(name)]
            found[row] = lack if lack >= -UNDERFITTED else np.nan
    return found


def verdict(fits: xr.Dataset) -> Verdict:
    """The verdict, from saved fits."""
    pairs = [(outer, inner) for outer, _, inner in (each.partition(">") for each in fits.attrs["nested"].split())]
    products = Products.of(fits["products"], repeated=fits.attrs["adequacy"] != UNKNOWN)
    return decide(products, [str(rule) for rule in fits["rule"].values], pairs, int(fits.attrs["verdict_seed"]))
