"""When can a bounded synapse run the delta rule? Recall of the last value as keys come to share synapses.

Every key is written twice, under a new value the second time. Keys are active in one cell of 64 (one-hot) up to all of
them. The delta rule with weights that cannot be negative is compared with the delta rule itself, and with what each
synapse can do alone: overwrite itself (outstar), or do so between bounds (soft_bound). Each rule is run twice: with
one plain setting for all keys, and tuned, with the best of a grid for each kind of key, chosen on other keys and
values than those reported, so that no rule loses by its settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment, check_counts
from neurofwp.runtime.lazy import np, torch, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

NONNEGATIVE = "delta_nonnegative"  # the delta rule, with weights clamped at 0 after every event
ALONE = ("outstar", "soft_bound")  # what a synapse can do with its own signals
PLAIN = {  # full writes; decay and soft_bound in the middle of what they are given
    "hebbian": {"rate": 1.0},
    "fixed_decay": {"decay": 0.9},
    "delta": {"rate": 1.0},
    NONNEGATIVE: {"rate": 1.0},
    "outstar": {"rate": 1.0},
    "soft_bound": {"g_plus": 0.5, "g_minus": 0.5},
}
BOUNDS = {NONNEGATIVE: (0.0, inf), "soft_bound": (0.0, 1.0)}


@dataclass(frozen=True)
class Settings:
    """What to run. Keys have norm one, values are uniform in [0, 1]."""

    key_cells: int = 64
    """Presynaptic cells."""
    value_cells: int = 64
    """Postsynaptic cells."""
    keys: int = 32
    """Keys, each written twice."""
    active: tuple[int, ...] = (1, 3, 8, 16, 32, 64)
    """Active cells of a key."""
    draws: int = 20
    """Independent draws of keys and values that are reported."""
    tuning_draws: int = 10
    """Further draws, on which the settings of every rule are chosen."""
    rates: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
    """Write speeds tried for delta and outstar."""
    decays: tuple[float, ...] = (0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99)
    """Decays tried for fixed_decay."""
    potentiations: tuple[float, ...] = (0.05, 0.2, 0.5, 1.0)
    """Speeds of potentiation tried for soft_bound; its largest weight is 1."""
    depressions: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 4.0)
    """Speeds of depression tried for soft_bound."""


def candidates(settings: Settings) -> dict[str, dict[str, tuple[float, ...]]]:
    """Parameters of every rule to choose from, as columns of one length."""
    potentiations, depressions = zip(*product(settings.potentiations, settings.depressions), strict=True)
    return {
        "hebbian": {"rate": (1.0,)},  # a factor on all weights changes no correlation
        "fixed_decay": {"decay": settings.decays},
        "delta": {"rate": settings.rates},
        NONNEGATIVE: {"rate": settings.rates},
        "outstar": {"rate": settings.rates},
        "soft_bound": {"g_plus": potentiations, "g_minus": depressions},
    }


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Choose every rule's settings on some draws, and measure its recall on others.

    Raises
    ------
    InputError
        if keys cannot have that many active cells, nothing is given to choose from, or there are too few keys, draws
        or value cells for an overlap, a standard error or a correlation.
    """
    _check(settings)
    place = nf.rate.choose_device(device)
    seeds = np.random.SeedSequence(seed).spawn(len(settings.active))
    parts = [_measure(settings, active, child, place) for active, child in zip(settings.active, seeds, strict=True)]
    recall = xr.concat(parts, dim=xr.DataArray(list(settings.active), dims="active", name="active"))
    return xr.DataTree.from_dict({"/recall": recall.assign_attrs(key_cells=settings.key_cells)})


def _check(settings: Settings) -> None:
    for name in ("keys", "draws", "value_cells"):
        if getattr(settings, name) < 2:
            raise InputError(f"{name} must be 2 or more, but is {getattr(settings, name)}")
    check_counts(settings, "tuning_draws")
    for name in ("active", "rates", "decays", "potentiations", "depressions"):
        if not getattr(settings, name):
            raise InputError(f"{name} must have at least one number, but is empty")
    for active in settings.active:
        if not 1 <= active <= settings.key_cells:
            raise InputError(f"active must be between 1 and key_cells = {settings.key_cells}, but has {active}")
    if 1 in settings.active and settings.keys > settings.key_cells:
        raise InputError(
            f"{settings.keys} keys of one cell each need as many key_cells, but there are {settings.key_cells}"
        )


def _measure(settings: Settings, active: int, seed: np.random.SeedSequence, device: torch.device) -> xr.Dataset:
    """Recall with keys of `active` cells: correlation (rule, setting, draw), the tuned settings, overlap (draw)."""
    of_tuning, of_test = (np.random.default_rng(child) for child in seed.spawn(2))
    tuning = _draw(settings, active, settings.tuning_draws, of_tuning, device)
    key, value = _draw(settings, active, settings.draws, of_test, device)
    scores, tuned = [], []
    for rule, columns in candidates(settings).items():
        winner = int(correlations(rule, columns, *tuning).mean(1).argmax())
        best = {name: column[winner] for name, column in columns.items()}
        both = {name: (PLAIN[rule][name], best[name]) for name in best}
        scores.append(correlations(rule, both, key, value))
        tuned.append(", ".join(f"{name} {number:g}" for name, number in best.items()))
    return xr.Dataset(
        {
            "correlation": (("rule", "setting", "draw"), np.stack(scores), {"units": "1"}),
            "tuned": ("rule", tuned),
            "overlap": ("draw", _mean_overlap(key), {"units": "1"}),
        },
        coords={"rule": list(PLAIN), "setting": ["plain", "tuned"]},
    )


def _draw(
    settings: Settings, active: int, draws: int, rng: np.random.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Keys (draw, key, pre) of norm one, and values (draw, 2 keys, post): first values, then last values.

    Active cells are drawn at random, and fire uniformly in [0, 1]; keys of a single cell have one each.
    """
    if active == 1:
        order = np.stack([rng.permutation(settings.key_cells)[: settings.keys, np.newaxis] for _ in range(draws)])
    else:
        order = rng.random((draws, settings.keys, settings.key_cells)).argsort(-1)[..., :active]
    key = np.zeros((draws, settings.keys, settings.key_cells))
    np.put_along_axis(key, order, rng.uniform(size=order.shape), -1)
    value = rng.uniform(size=(draws, 2 * settings.keys, settings.value_cells))
    return nf.rate.unit(torch.as_tensor(key, device=device)), torch.as_tensor(value, device=device)


def correlations(rule: str, columns: Mapping[str, tuple[float, ...]], key: Tensor, value: Tensor) -> np.ndarray:
    """Correlation of a key's read with its last value over the value cells, mean over keys: (candidate, draw).

    All keys are written once, then all again in the same order; `columns` holds every candidate's parameters. Outstar
    sees activity relative to the most active cell, so that its rate 1 overwrites that cell's synapses completely.
    """
    if rule == "outstar":
        key = key / key.amax(-1, keepdim=True)
    count = len(next(iter(columns.values())))
    written = torch.cat([key, key], dim=1)[:, :, None].expand(-1, -1, count, -1)
    _, weight = nf.rate.run(
        "delta" if rule == NONNEGATIVE else rule,
        query=written,
        key=written,
        value=value[:, :, None].expand(-1, -1, count, -1),
        parameters={name: key.new_tensor(column) for name, column in columns.items()},
        bounds=BOUNDS.get(rule),
    )
    read = key[:, None] @ weight.mT  # (draw, candidate, key, post)
    read, last = (each - each.mean(-1, keepdim=True) for each in (read, value[:, None, key.shape[1] :]))
    size = torch.linalg.vector_norm(read, dim=-1) * torch.linalg.vector_norm(last, dim=-1)
    # a read that is the same in all cells has nothing of the value
    correlation = torch.where(size > 0, (read * last).sum(-1) / torch.where(size > 0, size, 1.0), 0.0)
    return correlation.mean(-1).T.cpu().numpy()


def _mean_overlap(key: Tensor) -> np.ndarray:
    """Mean cosine of two keys of norm one, (draw,)."""
    count = key.shape[1]
    total = (key @ key.mT).sum((1, 2)) - count
    return (total / (count * (count - 1))).cpu().numpy()


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Recall over (setting, rule, active); what a bound costs and what a prediction gains over (active).

    ``order`` lists the rules from the best to the worst. ``bound_cost``: delta minus delta with W >= 0;
    ``prediction_gain``: the latter minus the better of the rules that a synapse can run alone; both tuned, as means of
    differences within draws, with SEM.
    """
    recall = result["recall"].to_dataset()
    correlation = recall["correlation"].transpose("setting", "rule", "active", "draw")
    tuned = correlation.sel(setting="tuned", drop=True)
    bounded = tuned.sel(rule=NONNEGATIVE, drop=True)
    alone = tuned.sel(rule=tuned.mean("draw").sel(rule=list(ALONE)).idxmax("rule"))
    cost = tuned.sel(rule="delta", drop=True) - bounded
    keys = xr.Dataset(
        {"overlap": recall["overlap"].mean("draw")}
        | nf.metrics.mean_and_sem("bound_cost", cost, "draw")
        | nf.metrics.mean_and_sem("prediction_gain", (bounded - alone).drop_vars("rule"), "draw")
    )
    # rounded: rules that tie stay in the order of the table
    order = np.argsort(-correlation.mean("draw").transpose(..., "rule").values.round(6), kind="stable")
    ranked = (("setting", "active", "rank"), correlation["rule"].values[order], {"units": "1"})
    return {
        "recall": xr.Dataset(nf.metrics.mean_and_sem("correlation", correlation, "draw")),
        "order": xr.Dataset({"rules": ranked}, coords={name: recall[name] for name in ("setting", "active")}),
        "keys": keys,
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Correlation of the read with the last value against the mean overlap of two keys."""
    return {"key_overlap": nf.plots.key_overlap(result["recall"].to_dataset())}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=_check)
