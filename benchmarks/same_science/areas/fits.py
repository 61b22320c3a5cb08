"""Rules fitted to Traces: of rate networks whose rule is known, and of small spiking networks, by every drive."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import xarray as xr

from benchmarks.same_science.areas.inputs import disturb, program, rate_network, spiking_trace
from benchmarks.same_science.names import find, select_arguments

DRIVES = ("nominal", "measured", "measured-both")
REGIMES = ("error-correcting", "thresholds")
# parameters of rules in rate networks; those that are not here have their defaults
TRUE = {
    "hebbian": {"rate": 0.5},
    "fixed_decay": {"rate": 0.5, "decay": 0.8},
    "scalar_decay": {"rate": 0.5, "decay_open": 0.8, "decay_closed": 0.97},
    "delta": {"rate": 0.6},
    "gated_delta": {"rate": 0.6, "decay": 0.9},
    "outstar": {"rate": 1.2},
    "soft_bound": {"g_plus": 1.2, "g_minus": 1.5, "w_max": 0.8},
    "oja": {"rate": 0.3},
}


def cases() -> dict[str, Callable[[], Any]]:
    """Every fittable rule fitted to all Traces; noise; and recovery."""
    rules = [rule.id for rule in find("rules.RULES") if rule.fittable]
    made: dict[str, Callable[[], Any]] = {f"rate-{rule}": partial(of_rate, rule) for rule in rules}
    made |= {f"{regime}-{drive}": partial(of_spiking, regime, drive) for regime in REGIMES for drive in DRIVES}
    return made | {"noise": noise, "one-rule": one_rule, "recovery": recovery}


def of_rate(rule: str) -> Any:
    """Fits to weights of a rate network whose keys and values were disturbed."""
    made = _program(duration=400.0)
    return fit_rules(made, *_runs(rule, made))


def of_spiking(regime: str, drive: str) -> Any:
    """Fits to conductances of a spiking network."""
    made = _program(duration=300.0)
    one, other = (spiking_trace(regime, made, seed=seed, cells_per_pool=1) for seed in (1, 2))
    return fit_rules(made, one, other, drive=drive)


def fit_rules(made: xr.Dataset, one: xr.Dataset, other: xr.Dataset, **settings: Any) -> Any:
    """All rules, from two random starts each."""
    identify = find("identification.identify")
    given = select_arguments(identify, {"repeat": other, "restarts": 2, "seed": 4, "progress": False} | settings)
    return identify(made, one, **given)


def noise() -> dict[str, Any]:
    """What repeats of two runs."""
    made = _program(duration=400.0)
    one, other = _runs("delta", made)
    return {"ceiling": find("identification.noise_ceiling")(one, other)}


def one_rule() -> dict[str, Any]:
    """One rule fitted to signed weights, without limits."""
    made = _program(duration=400.0)
    trace = rate_network("gated_delta", parameters={"decay": 0.9, "rate": 0.7}).run(disturb(made, 0.1, 3))
    fit = find("identification.fit")
    found = fit(
        "gated_delta", made, trace, **select_arguments(fit, {"train": [0, 1], "restarts": 3, "nonnegative": False})
    )
    return {"parameters": found.parameters, "rss": found.rss, "r2": found.r2}


def recovery() -> Any:
    """Two rules told apart."""
    recover = find("identification.recovery.recover")
    given = {"noises": (0.1,), "draws": 1, "restarts": 1, "seed": 2, "workers": 1}
    return recover(_program(duration=400.0), ("hebbian", "delta"), **select_arguments(recover, given))


def _program(duration: float) -> xr.Dataset:
    return program(episodes=4, keys=4, pre=24, active=6, post=3, duration=duration, gates=False)


def _runs(rule: str, made: xr.Dataset) -> list[xr.Dataset]:
    network = rate_network(rule, parameters=TRUE.get(rule, {}), on_off=True, nonnegative=True)
    return [network.run(disturb(made, 0.15, seed)) for seed in (1, 2)]
