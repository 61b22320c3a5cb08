"""Model recovery: can the fits tell rules apart that are known to differ, and find their parameters again?

A rate network of a known rule, with parameters that are drawn, runs a Program whose keys and values are disturbed anew
at every event, as spikes disturb them; `identify` is given the Program without the disturbance, as for spiking
synapses. No claim about a synapse should rest on rules that are not identified here (Wilson & Collins 2019, eLife
8:e49547).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.identification.competing import candidates
from neurofwp.identification.decision import Verdict
from neurofwp.identification.identify_rule import identify
from neurofwp.identification.noise_ceiling import noise_ceiling
from neurofwp.identification.report import verdict
from neurofwp.program import on_off, typical_key
from neurofwp.rate import RateNetwork
from neurofwp.rules import Rule, get
from neurofwp.runtime.parallel import parallel_map

TYPICAL_KEY = 10**-0.5  # of one active cell, of a key of norm one in which ten are

# Where true parameters are drawn: away from values at which one rule is another, and not at a bound of the fits. For
# values and keys of norm one and active cells of TYPICAL_KEY; a rule that is not here has its defaults.
TRUE: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "hebbian": {"rate": (0.4, 0.8)},
    "fixed_decay": {"rate": (0.4, 0.8), "decay": (0.75, 0.95)},
    "scalar_decay": {"rate": (0.4, 0.8), "decay_open": (0.7, 0.85), "decay_closed": (0.95, 0.99)},
    "delta": {"rate": (0.5, 0.8), "prediction_gain": (0.9, 1.4), "prediction_threshold": (0.05, 0.15)},
    "gated_delta": {
        "rate": (0.5, 0.8),
        "prediction_gain": (0.9, 1.4),
        "prediction_threshold": (0.05, 0.15),
        "decay": (0.8, 0.93),
    },
    "soft_bound": {"g_plus": (1.0, 1.5), "g_minus": (1.2, 1.8), "w_max": (0.6, 1.0)},
    "outstar": {"rate": (1.0, 1.8), "scale": (0.5, 0.9)},
    "calcium_threshold": {
        "rate_p": (1.2, 1.7),
        "rate_d": (1.0, 1.5),
        "theta_p": (0.45, 0.55),
        "theta_d": (0.2, 0.3),
        "slope": (0.03, 0.05),
        "drive_offset": (0.6, 0.8),
        "w_max": (0.7, 1.0),
    },
    "oja": {"rate": (0.2, 0.4), "scale": (1.2, 1.6)},
    "interpolating": {"rate": (0.2, 0.4), "weight_scale": (0.8, 1.4)},
    "key_decay": {"weight_scale": (0.4, 0.8), "key_fading": (0.4, 0.8)},
    "key_gated_delta": {"rate": (0.5, 0.8), "weight_scale": (0.8, 1.2), "key_fading": (0.3, 0.6)},
    "implicit_delta": {"rate": (1.0, 3.0), "weight_scale": (0.8, 1.2)},
    "momentum": {
        "rate": (0.3, 0.5),
        "weight_scale": (0.8, 1.2),
        "decay": (0.9, 0.97),
        "momentum": (0.3, 0.5),
    },
    "mesa": {"weight_scale": (0.8, 1.2), "decay": (0.85, 0.95), "ridge": (0.2, 0.6)},
    "bcm": {"threshold": (0.2, 0.5), "memory": (3.0, 8.0), "weight_scale": (0.8, 1.4)},
    "nearest_pair": {
        "g_plus": (0.6, 0.9),
        "g_minus": (0.9, 1.4),
        "saturation_pre": (1.0, 2.0),
        "saturation_post": (2.0, 4.0),
    },
    "btsp": {"tau_e": (1.0, 2.0), "tau_i": (0.4, 0.8), "k_plus": (0.8, 1.4), "w_max": (1.0, 2.0)},
    "gated_oja": {"rate": (0.2, 0.4), "weight_scale": (1.2, 1.6), "decay": (0.85, 0.95)},
    "ode_oja": {"rate": (0.2, 0.4), "weight_scale": (1.2, 1.6)},
    "ode_delta": {"rate": (0.8, 2.0), "weight_scale": (0.8, 1.2)},
}


def truth(rule: str | Rule, rng: np.random.Generator, program: xr.Dataset | None = None) -> dict[str, float]:
    """Parameters drawn for a rule, uniformly where `TRUE` says.

    Parameters
    ----------
    program : whose keys the parameters are for: those that go with the size of an active cell, as thresholds on its
        calcium do, are scaled to them. By default ten cells are active in a key.
    """
    made = get(rule)
    size = 1.0 if program is None else typical_key(program, unit_keys=True) / TYPICAL_KEY
    powers = {each.name: each.key_power for each in (*made.parameters, *made.fitted_with)}
    spans = TRUE.get(made.id, {})
    return complete(made, {name: float(rng.uniform(*span)) * size ** powers[name] for name, span in spans.items()})


def complete(rule: str | Rule, parameters: Mapping[str, float]) -> dict[str, float]:
    """All that a fit of the rule adjusts but the shared read-in: what is not given has its default."""
    made = get(rule)
    every = {each.name: each.default for each in (*made.parameters, *made.fitted_with) if each.name != made.timed_by}
    return every | dict(parameters)


def network_of(rule: str | Rule, parameters: Mapping[str, float]) -> RateNetwork:
    """The rate network of a known rule, for Programs that `disturb` has made: conductances of two pools, or signed
    weights where a rule cannot clamp them."""
    pools = get(rule).clampable
    return RateNetwork(
        rule, parameters=parameters, on_off=pools, bounds=(0, np.inf) if pools else None, unit_keys=False
    )


def disturb(program: xr.Dataset, noise: float, rng: np.random.Generator) -> xr.Dataset:
    """The Program as cells carry it out: each active key cell and each taught dimension differs at every event.

    Parameters
    ----------
    noise : coefficient of variation of a key cell's activity (gamma distributed, its mean unchanged), and standard
        deviation of a value as a share of the root mean square of the pools' teaching signals. Values stay in [-1, 1].

    Returns
    -------
    Program whose keys have been divided by the norm of the undisturbed key.
    """
    if noise < 0:
        raise InputError(f"noise must be 0 or more, not {noise:g}")
    norm = np.linalg.norm(program["key"].values, axis=-1, keepdims=True)
    key = program["key"].values / np.where(norm > 0, norm, 1)
    value = program["value"].values
    if noise > 0:
        key = key * rng.gamma(noise**-2, noise**2, key.shape)
        size = float(np.sqrt((on_off(program).values ** 2).mean()))
        value = np.clip(value + noise * size * rng.standard_normal(value.shape), -1, 1)
    made = program.copy()
    made["key"] = program["key"].copy(data=key)
    made["value"] = program["value"].copy(data=value)
    return made


def recover(
    program: xr.Dataset,
    rules: Sequence[str | Rule] | None = None,
    *,
    noises: Sequence[float] = (0.1, 0.2, 0.4),
    draws: int = 3,
    restarts: int = 4,
    seed: int = 0,
    folder: Path | None = None,
    workers: int | None = None,
) -> xr.Dataset:
    """Traces of every rule at every noise, given to `identify`.

    Parameters
    ----------
    rules : by default all that can be fitted.
    draws : of true parameters, for each rule and noise. folder, workers : as of `neurofwp.runtime.parallel.start`.

    Returns
    -------
    Dataset with ``chosen`` (noise, truth, draw, rule), 1/n for each of the n rules that are not worse than the best;
    ``outcome`` (noise, truth, draw): see `outcome`; ``noise_ceiling`` and ``feve``, of the true rule (noise,
    truth, draw); ``true_parameter`` and ``found_parameter`` (noise, truth, draw, parameter), NaN where a rule has none
    of that name.

    Raises
    ------
    InputError
        as `identify`; for noise below 0.
    """
    ids = [get(rule).id for rule in (candidates() if rules is None else rules)]
    known = [(noise, rule, draw) for noise in noises for rule in ids for draw in range(draws)]
    children = np.random.SeedSequence(seed).spawn(len(known))
    cases = {
        f"{rule}-noise-{noise:g}-draw-{draw}": (program, ids, rule, noise, restarts, child)
        for (noise, rule, draw), child in zip(known, children, strict=True)
    }
    each = parallel_map(recover_one, cases, folder=folder, description="recovering rules", workers=workers)
    index = pd.MultiIndex.from_tuples(known, names=("noise", "truth", "draw"))
    along = xr.Coordinates.from_pandas_multiindex(index, "case")
    made = xr.concat(each.values(), "case").drop_vars("case", errors="ignore").assign_coords(along).unstack("case")
    every = [str(rule) for rule in each[next(iter(each))]["rule"].values]
    made = made.sel(noise=list(noises), truth=ids, rule=every).transpose("noise", "truth", "draw", ...)
    return made.drop_vars("draw")


def classes(chosen: xr.DataArray, limit: float = 0.05) -> list[list[str]]:
    """Rules that are taken for each other, directly or by way of others, in more than `limit` of the verdicts.

    Parameters
    ----------
    chosen : (truth, rule, ...), shares of verdicts.

    Returns
    -------
    Lists of rules in their order, each rule in one of them.
    """
    confusion = chosen.mean([dim for dim in chosen.dims if dim not in ("truth", "rule")]).transpose("truth", "rule")
    ids = [str(rule) for rule in confusion["rule"].values]
    linked = confusion.values > limit
    linked = linked | linked.T | np.eye(len(ids), dtype=bool)
    for _ in ids:
        linked = linked @ linked
    found = dict.fromkeys(tuple(np.flatnonzero(row)) for row in linked)
    return [[ids[index] for index in members] for members in found]


def diagonal(chosen: xr.DataArray, members: Sequence[Sequence[str]]) -> xr.DataArray:
    """Share of verdicts that fall on the true rule's own class (..., truth)."""
    of = {rule: index for index, group in enumerate(members) for rule in group}
    same = [[of[str(truth)] == of[str(rule)] for rule in chosen["rule"].values] for truth in chosen["truth"].values]
    return (chosen * xr.DataArray(same, dims=("truth", "rule"))).sum("rule")


def parameter_error(recover_one: xr.Dataset) -> xr.DataArray:
    """|found - true| / |true| of every parameter (noise, truth, draw, parameter) of a result of `recover`."""
    true = recover_one["true_parameter"]
    return abs(recover_one["found_parameter"] - true) / abs(true)


def outcome(truth: str, said: Verdict) -> str:
    """Whether a verdict is "right" (it names the true rule, alone or in its class), "wrong" (it names others, says
    that there is none, or a mixture), or "undecided", as an effective description by the true rule is."""
    if said.kind in ("undecided", "adequacy unknown") or (said.kind == "effective description" and truth in said.rules):
        return "undecided"
    return "right" if said.names(truth) else "wrong"


def recover_one(
    program: xr.Dataset, rules: Sequence[str], rule: str, noise: float, restarts: int, child: np.random.SeedSequence
) -> xr.Dataset:
    """One trace of a known rule, identified: the variables of `recover` for one noise, truth and draw."""
    rng = np.random.default_rng(child)
    true = truth(rule, rng, program)
    network = network_of(rule, true)
    one, other = (network.run(disturb(program, noise, rng)) for _ in range(2))
    repeat = other if noise > 0 else None
    fits = identify(
        program,
        one,
        rules,
        repeat=repeat,
        unit_keys=True,
        restarts=restarts,
        seed=int(rng.integers(2**31)),
        references=False,
        progress=False,
    )
    own = fits.sel(rule=rule, drop=True)
    names = fits["parameter"].values
    made = xr.Dataset(
        {
            "chosen": fits["best"] / fits["best"].sum(),
            "outcome": ((), outcome(rule, verdict(fits))),
            "feve": own["feve" if noise > 0 else "r2"],
            "noise_ceiling": ((), noise_ceiling(one, other)[0] if noise > 0 else 1.0),
            "true_parameter": ("parameter", [true.get(str(name), np.nan) for name in names]),
            "found_parameter": own["parameter_value"],
        }
    )
    for name in made.variables:
        made[name].attrs = {"units": "1"}
    return made
