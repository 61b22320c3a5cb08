"""Few measurements and nothing that repeats: every rule fitted to all of them but one, which it then predicts.

Each episode is one measurement. Nothing says how much of it is noise, so that no rule is adequate or inadequate; which
rules predict better than others can be said, by paired differences over episodes
(`neurofwp.identification.confidence_set`). These count as independent, though any two fits share most of their data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.identification import scores
from neurofwp.identification.decision import decide
from neurofwp.identification.fit_rule import Fit, predict
from neurofwp.identification.identify_rule import fit_all, select_rules
from neurofwp.identification.nesting import nests
from neurofwp.identification.preparation import prepare, unit_of
from neurofwp.identification.products import Prediction, Products, measure
from neurofwp.identification.records import Records
from neurofwp.metrics import jackknife_error
from neurofwp.rules import Rule
from neurofwp.runtime.parallel import parallel_map

Others = Callable[[Sequence[int], int], Mapping[str, Prediction]]


def leave_one_out(
    program: xr.Dataset,
    trace: xr.Dataset,
    rules: Sequence[str | Rule] | None = None,
    *,
    others: Others | None = None,
    unit_keys: bool | None = None,
    restarts: int = 4,
    seed: int = 0,
    folder: Path | None = None,
    workers: int | None = None,
) -> xr.Dataset:
    """Fit every rule to all episodes but one, for each of them, and score what it predicts for that one.

    Parameters
    ----------
    program, trace, rules, unit_keys, restarts : as of `neurofwp.identification.identify`.
    others : what else predicts weights, by name, given the numbers of the episodes that are known and that of the one
        that is not: null models of these data. Pickled, where work is done in other processes.
    folder, workers : as of `neurofwp.runtime.parallel.start`.

    Returns
    -------
    Dataset with ``r2`` (model), 1 - sum (a - y)^2 / sum (a - m)^2 of what was left out, a the increments that were seen
    and m their mean; ``best`` (model), the rules that are not worse than the best; ``predicted`` (model, episode), the
    sum of increments that is predicted where the episode was left out; ``parameter_value`` (rule, parameter) of all
    episodes, and jackknife standard errors ``parameter_sem``, in powers of the weights' unit; ``verdict`` and
    ``sentence``. Models are rules and others.

    Raises
    ------
    InputError
        for fewer than three episodes, or as `neurofwp.identification.identify`.
    """
    count = program.sizes["episode"]
    if count < 3:
        raise InputError(f"to leave one out and fit the rest needs 3 episodes or more, not {count}")
    ids = [rule.id for rule in select_rules(rules)]
    how: dict[str, Any] = {"unit_keys": unit_keys, "restarts": restarts, "seed": seed, "others": others}
    cases = {str(number): (program, trace, ids, number, how) for number in range(count)}
    folds = parallel_map(fold, cases, folder=folder, description="leaving one out", workers=workers)
    records = prepare(program, trace, unit_keys=unit_keys)
    fits = fit_all(select_rules(ids), records, restarts=restarts, seed=seed, progress=False)
    return _tabulate(list(folds.values()), fits, records, unit_of(trace, "weights"), seed)


def fold(program: xr.Dataset, trace: xr.Dataset, ids: Sequence[str], out: int, how: Mapping[str, Any]) -> xr.Dataset:
    """Products of the episode that was left out, what is predicted for it, and parameters of the other episodes."""
    records = prepare(program, trace, unit_keys=how["unit_keys"])
    known = [number for number in range(program.sizes["episode"]) if number != out]
    trained, left = records.episodes(known), records.episodes([out])
    fits = fit_all(select_rules(ids), trained, restarts=how["restarts"], seed=how["seed"], progress=False)
    models: dict[str, Prediction] = {fit.rule.id: partial(predict, fit) for fit in fits}
    models |= how["others"](known, out) if how["others"] else {}
    changes = [float(left.increments(model(left)).sum()) for model in models.values()]
    names = list(dict.fromkeys(name for fit in fits for name in fit.parameters))
    values = [[fit.parameters.get(name, np.nan) for name in names] for fit in fits]
    products = measure(left, None, models).isel(measure=0, drop=True)
    return xr.Dataset(
        {"products": products, "predicted": ("model", changes), "value": (("rule", "parameter"), values)},
        coords={"model": list(models), "rule": ids, "parameter": names},
    )


def _tabulate(folds: Sequence[xr.Dataset], fits: Sequence[Fit], records: Records, units: str, seed: int) -> xr.Dataset:
    rules = [fit.rule for fit in fits]
    products = xr.concat([each["products"] for each in folds], "unit").expand_dims("measure")
    found = Products.of(products, repeated=False)
    nested = [(one.id, other.id) for one in rules for other in rules if nests(one, other, records)]
    said = decide(found, [rule.id for rule in rules], nested, seed)
    without = np.stack([each["value"].values for each in folds])
    names = [str(name) for name in folds[0]["parameter"].values]
    result = xr.Dataset(
        {
            "r2": ("model", 1 - scores.unexplained(found)),
            "best": ("model", np.isin(found.models, said.rules)),
            "predicted": (("model", "episode"), np.stack([each["predicted"].values for each in folds], axis=1)),
            "parameter_value": (
                ("rule", "parameter"), [[fit.parameters.get(name, np.nan) for name in names] for fit in fits]
            ),
            "parameter_sem": (("rule", "parameter"), np.apply_along_axis(jackknife_error, 0, without)),
            "verdict": ((), said.kind),
            "sentence": ((), said.sentence),
        },
        coords={"model": list(found.models), "rule": [rule.id for rule in rules], "parameter": names},
    )  # fmt: skip
    for name in result.variables:
        result[name].attrs["units"] = "1"
    result["predicted"].attrs["units"] = units
    for name in ("parameter_value", "parameter_sem"):
        result[name].attrs["units"] = f"powers of {units}"
    return result
