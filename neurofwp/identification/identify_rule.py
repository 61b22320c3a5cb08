"""Which rule did these synapses run? Every rule fitted to one Trace, judged on episodes that the fits did not see."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofwp.errors import InputError
from neurofwp.identification.fit_rule import Fit, fit_records, free_parameters, squares, weights
from neurofwp.identification.held_out import HeldOut
from neurofwp.identification.noise_ceiling import effective_number, noise_ceiling
from neurofwp.identification.ranking import choose, embed, nests, support
from neurofwp.identification.records import DRIVES, Records, observed_weights, prepare
from neurofwp.metrics.broadcasting import broadcast
from neurofwp.rules import REGISTRY, Rule, get
from neurofwp.runtime import provenance
from neurofwp.runtime.progress import progress_bar

KIND = "neurofwp.fits"

ROUNDING = 1e-14  # of a square, where numbers have single precision


def candidates() -> tuple[Rule, ...]:
    """The rules that can be fitted, those from outside included."""
    return tuple(rule for rule in REGISTRY.all() if rule.fittable)


@broadcast
def identify(
    program: xr.Dataset,
    trace: xr.Dataset,
    rules: Sequence[str | Rule] | None = None,
    *,
    repeat: xr.Dataset | None = None,
    train_episodes: Sequence[int] | None = None,
    drive: str = "nominal",
    restarts: int = 8,
    seed: int = 0,
    nonnegative: bool = True,
    device: str = "cpu",
    progress: bool = True,
) -> xr.Dataset:
    """Fit every rule to a Trace and rank them on held-out episodes.

    Parameters
    ----------
    program : the Program that was run. trace : what a network did with it. Of several conditions, each is fitted as if
        it were alone, and fits have a dimension ``condition`` in front.
    rules : ids or Rules that have parameters and that a Program drives; by default all `candidates`.
    repeat : an independent run of the same Program on the same network: gives the noise ceiling.
    train_episodes : indices of the episodes to fit on, by default the first half; the others judge.
    drive : keys and values as the Program says ("nominal"), keys as the presynaptic cells fired ("measured"), or, as
        well, values as the dendrites were depolarised ("measured-both"); see `neurofwp.identification.records.prepare`.
    restarts : random starts for each rule, besides its defaults and the optima of rules that it nests.
    nonnegative : predicted conductances are clamped at 0. Signed weights never are.

    Returns
    -------
    fits, a Dataset over `rule`:

    - r2: 1 - RSS/TSS of the held-out weights, TSS about their mean, both summed over held-out episodes.
    - feve = r2 / noise_ceiling, the fraction of explainable variance explained; low, high: its 95 % interval over 2000
      resamples of the held-out episodes, of the ceiling and all rules together. NaN without a repeat.
    - bic = n ln(RSS/N) + p ln n on the training episodes, N their number of weights, p = n_parameters. An RSS that
      single precision would not tell from zero counts as the smallest that it would.
      n, in `effective_n`, is the number of independent weights (`effective_number`): of the noise (the difference to
      the repeat, over sqrt 2) or of the best rule's residual, whichever is smaller, since a misfit that many weights
      share is no more evidence than noise that they share. Without a repeat, of the residual.
    - train_r2; n_parameters; parameter_value (rule, parameter), in powers of the weights' unit, NaN where a rule has
      none of that name; episode_r2 (rule, episode), about each held-out episode's own mean.
    - best: what `neurofwp.identification.ranking.choose` leaves standing. More than one: undecided.
    - support: what `neurofwp.identification.ranking.support` says: how the resamples vote, on held-out prediction
      alone.
    - noise_ceiling and noise_ceiling_sem (scalars), of the held-out episodes.

    Raises
    ------
    InputError
        for an unknown rule, one that cannot be fitted, train_episodes that leave nothing to judge, a repeat that does
        not match, or input that `neurofwp.identification.records.prepare` refuses.
    """
    chosen = [get(rule) for rule in rules] if rules is not None else list(candidates())
    if not chosen or len({rule.id for rule in chosen}) < len(chosen):
        raise InputError("rules must name one or more rules, each once")
    for rule in chosen:
        if not rule.fittable:
            raise InputError(
                f"rule {rule.id!r} cannot be fitted: it has no parameters, remembers more than weights, or takes more "
                f"than a Program has; these can: {', '.join(each.id for each in candidates())}"
            )
    records = prepare(program, trace, drive=drive, nonnegative=nonnegative, device=device)
    train, held_out = _split(len(records.key), train_episodes)
    again = None
    if repeat is not None:
        noise_ceiling(trace, repeat)  # for its checks: same dims, not the same run
        again = prepare(program, repeat, nonnegative=nonnegative, device=device).weight
    trained, judged = records.episodes(train), records.episodes(held_out)
    fits = fit_all(chosen, trained, restarts=restarts, seed=seed, progress=progress)

    score = HeldOut.of(
        np.stack([squares(fit.rule, judged, fit.parameters) for fit in fits]),
        _flat(judged.weight),
        None if again is None else _flat(again[held_out]),
    )
    n = _effective_number(fits, trained, None if again is None else again[train])
    p = np.array([len(free_parameters(fit.rule)) for fit in fits])
    exact = ROUNDING * float(trained.weight.square().sum())  # residuals below that are all the same
    bic = n * np.log([max(fit.rss, exact) / trained.weight.numel() for fit in fits]) + p * np.log(n)
    draws = score.resamples(seed)
    low, high = np.percentile(score.share(draws), [2.5, 97.5], axis=0)
    ranked = score.r2 if again is None else score.share
    names = list(dict.fromkeys(parameter for fit in fits for parameter in fit.parameters))

    parameters = np.array([[fit.parameters.get(name, np.nan) for name in names] for fit in fits])
    result = xr.Dataset(
        {
            "r2": ("rule", score.r2(score.all)),
            "feve": ("rule", score.share(score.all)),
            "low": ("rule", low),
            "high": ("rule", high),
            "bic": ("rule", bic),
            "train_r2": ("rule", [fit.r2 for fit in fits]),
            "n_parameters": ("rule", p),
            "best": ("rule", choose(chosen, ranked(score.all), ranked(draws), bic, records)),
            "support": ("rule", support(chosen, ranked(draws), records)),
            "episode_r2": (("rule", "episode"), score.r2(np.eye(len(held_out))).T),
            "parameter_value": (("rule", "parameter"), parameters),
            "noise_ceiling": score.ceiling(score.all),
            "noise_ceiling_sem": score.ceiling_sem(),
            "effective_n": n,
        },
        coords={"rule": [rule.id for rule in chosen], "episode": held_out, "parameter": names},
        attrs={"kind": KIND, "drive": drive, "driven_by": DRIVES[drive]},
    )
    for name in result.variables:
        result[name].attrs["units"] = "1"
    result["parameter_value"].attrs["units"] = f"powers of {observed_weights(trace).attrs['units']}"
    config = {
        "rules": [rule.id for rule in chosen],
        "train_episodes": train,
        "drive": drive,
        "restarts": restarts,
        "nonnegative": nonnegative,
        "device": device,
        "trace": json.loads(trace.attrs["config"]),
    }
    return provenance.stamp(result, config=config, seed=seed)


def fit_all(rules: Sequence[Rule], records: Records, *, restarts: int, seed: int, progress: bool) -> list[Fit]:
    """Every rule fitted to all episodes of `records`, nested rules before those that nest them; in the order given."""
    done: dict[str, Fit] = {}
    with progress_bar(total=len(rules), desc="fitting rules", disable=not progress) as bar:
        for rule in sorted(rules, key=lambda each: len(each.nests)):
            inner = [done[each.id] for each in rules if each.id in done and nests(rule, each, records)]
            starts = [embed(rule, each.rule, each.parameters) for each in inner]
            done[rule.id] = fit_records(rule, records, restarts=restarts, seed=seed, nested=starts)
            for each in inner:
                assert done[rule.id].rss <= each.rss * (1 + 1e-9) + 1e-300, f"{rule.id} fits worse than {each.rule.id}"
            bar.update()
    return [done[rule.id] for rule in rules]


def _split(episodes: int, train: Sequence[int] | None) -> tuple[list[int], list[int]]:
    chosen = list(range(episodes // 2)) if train is None else sorted({int(each) for each in train})
    rest = [each for each in range(episodes) if each not in chosen]
    if not chosen or not rest or not set(chosen) <= set(range(episodes)):
        raise InputError(
            f"train_episodes must name some of the episodes 0 to {episodes - 1} and leave others, not {chosen}"
        )
    return chosen, rest


def _effective_number(fits: Sequence[Fit], records: Records, again: Tensor | None) -> float:
    best = min(fits, key=lambda fit: fit.rss)
    point = {name: records.key.new_full((1, 1), number) for name, number in best.parameters.items()}
    with torch.no_grad():
        noises = [weights(best.rule, records, point) - records.weight]
    if again is not None:
        noises.append((again - records.weight) / 2**0.5)
    by_cell = (noise.permute(0, 4, 1, 2, 3).flatten(0, 1).flatten(1).cpu().numpy() for noise in noises)
    return min(effective_number(noise) for noise in by_cell)


def _flat(weight: Tensor) -> np.ndarray:
    return np.asarray(weight.flatten(1).cpu().numpy())
