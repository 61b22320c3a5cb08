"""Which rule did these synapses run? Every rule fitted to one Trace, judged on what the fits did not see."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.identification.competing import candidates, reason
from neurofwp.identification.fit_rule import Fit, fit_records
from neurofwp.identification.models import models
from neurofwp.identification.nesting import embed, nests
from neurofwp.identification.noise_ceiling import two_runs
from neurofwp.identification.preparation import prepare, unit_of
from neurofwp.identification.products import measure
from neurofwp.identification.records import Records
from neurofwp.identification.report import UNKNOWN, tabulate
from neurofwp.identification.splits import split
from neurofwp.metrics.broadcasting import broadcast
from neurofwp.rules import Rule, get
from neurofwp.runtime import provenance
from neurofwp.runtime.progress import progress_bar


@broadcast
def identify(
    program: xr.Dataset,
    trace: xr.Dataset,
    rules: Sequence[str | Rule] | None = None,
    *,
    repeat: xr.Dataset | None = None,
    noise: float | None = None,
    split_by: str = "episode",
    train: Sequence[int] | None = None,
    drive: str = "nominal",
    observed: str = "weights",
    unit_keys: bool | None = None,
    initial: str = "given",
    references: bool = True,
    restarts: int = 8,
    seed: int = 0,
    nonnegative: bool = True,
    device: str = "cpu",
    progress: bool = True,
) -> xr.Dataset:
    """Fit every rule to a Trace, score what each predicts for what it was not fitted to, and give a verdict.

    Rules run freely, from the initial weights on weights that they have predicted themselves, and the increments of
    the weights are fitted and scored.

    Parameters
    ----------
    program : the Program that was run. trace : what a network did with it, or measured weights. Of several conditions,
        each is fitted as if it were alone, and fits have a dimension ``condition`` in front.
    rules : ids or Rules that a Program drives; by default all `candidates`.
    repeat : an independent run of the same Program on the same network, which says how much repeats.
    noise : without a repeat, the standard deviation of each weight's own measurement error, in the weights' unit.
        Without either, how much a rule could explain is unknown, and so is whether one is adequate.
    split_by : what is fitted and what judges, other "episode"s, other "post"synaptic cells, or a later "time".
    train : indices of the episodes or cells that are fitted, by default the first half; the others judge.
    drive, observed, unit_keys, initial, nonnegative : as of `neurofwp.identification.preparation.prepare`.
    references : whether flexible rules are fitted beside the named ones, to say what a rule of their signals could
        explain; takes as long as several rules. Only where something says how much repeats.
    restarts : random starts for each rule, besides its defaults and the optima of rules that it nests.

    Returns
    -------
    fits, a Dataset: see `neurofwp.identification.report.tabulate`.

    Raises
    ------
    InputError
        for an unknown rule, one that cannot be fitted, a split that leaves nothing to judge, a repeat that does not
        match, noise that is no positive number, or input that `neurofwp.identification.preparation.prepare` refuses.
    """
    chosen = select_rules(rules)
    adequacy = _adequacy(repeat, noise)
    records = prepare(
        program, trace, drive=drive, observed=observed, unit_keys=unit_keys, initial=initial, nonnegative=nonnegative,
        device=device,
    )  # fmt: skip
    again = repeat_weights(program, trace, repeat, records, observed=observed, initial=initial, device=device)
    halves = split(records, again, split_by, train, chosen)
    fits = fit_all(chosen, halves.trained, restarts=restarts, seed=seed, progress=progress)
    predictions = models(fits, halves, references=references and adequacy != UNKNOWN, seed=seed)
    where: dict[str, Any] = {"unit": halves.unit, "first": halves.first, "noise": noise or 0.0}
    products = measure(halves.judged, halves.again, predictions, **where)
    nested = [(one.id, other.id) for one in chosen for other in chosen if nests(one, other, records)]
    config: dict[str, Any] = {
        "rules": [rule.id for rule in chosen], "train": train, "split_by": split_by, "drive": drive,
        "observed": observed, "initial": initial, "unit_keys": records.unit_keys, "restarts": restarts,
        "nonnegative": nonnegative, "noise": noise, "device": device, "trace": json.loads(trace.attrs["config"]),
    }  # fmt: skip
    how: dict[str, Any] = {"adequacy": adequacy, "units": unit_of(trace, observed), "drive": drive, "seed": seed}
    return provenance.stamp(tabulate(fits, products, halves, nested, **how), config=config, seed=seed)


def fit_all(rules: Sequence[Rule], records: Records, *, restarts: int, seed: int, progress: bool) -> list[Fit]:
    """Every rule fitted to all episodes of `records`, nested rules before those that nest them; in the order given."""
    done: dict[str, Fit] = {}
    with progress_bar(total=len(rules), desc="fitting rules", disable=not progress) as bar:
        for rule in sorted(rules, key=lambda each: len(each.nests)):
            inner = [done[each.id] for each in rules if each.id in done and nests(rule, each, records)]
            starts = [embed(rule, each.rule, each.parameters) for each in inner]
            done[rule.id] = fit_records(rule, records, restarts=restarts, seed=seed, nested=starts)
            bar.update()
    return [done[rule.id] for rule in rules]


def _adequacy(repeat: xr.Dataset | None, noise: float | None) -> str:
    """What says how much a rule could explain."""
    if noise is not None and not noise > 0:
        raise InputError(f"noise must be above 0, in the weights' unit, not {noise:g}")
    return "a repeat" if repeat is not None else "a stated noise" if noise else UNKNOWN


def select_rules(rules: Sequence[str | Rule] | None) -> list[Rule]:
    """The Rules that are named, or all candidates; InputError for one that cannot be fitted."""
    chosen = [get(rule) for rule in rules] if rules is not None else list(candidates())
    if not chosen or len({rule.id for rule in chosen}) < len(chosen):
        raise InputError("rules must name one or more rules, each once")
    for rule in chosen:
        if not rule.fittable:
            raise InputError(
                f"rule {rule.id!r} cannot be fitted: {reason(rule)}; "
                f"these can: {', '.join(each.id for each in candidates())}"
            )
    return chosen


def repeat_weights(
    program: xr.Dataset,
    trace: xr.Dataset,
    repeat: xr.Dataset | None,
    records: Records,
    *,
    initial: str,
    device: str,
    observed: str = "weights",
) -> Tensor | None:
    """What was seen of the repeat, in place of the weights of `records`, those of the Trace.

    Raises
    ------
    InputError
        for a repeat that does not match, or of which something else was seen.
    """
    if repeat is None:
        return None
    two_runs(trace, repeat, observed)
    again = prepare(
        program, repeat, observed=observed, unit_keys=records.unit_keys, initial=initial, device=device
    )  # fmt: skip
    if not (torch.equal(again.observed, records.observed) and torch.equal(again.synapses, records.synapses)):
        raise InputError(
            "other events or synapses were seen of the repeat than of the Trace: put NaN wherever one of them lacks a "
            "weight"
        )
    return again.weight
