"""What protocols do to a synapse, in closed form and for many sets of parameters at once: fast enough to fit.

Three families have one: two calcium thresholds with calcium that jumps at spikes (Graupner & Brunel 2012, PNAS
109:3991; `neurofwp.theory.exact_change` is the same, one protocol and one set at a time, and the reference for tests),
without the bistable term; pairs of spikes (Song, Miller & Abbott 2000, Nat Neurosci 3:919); and triplets of them
(Pfister & Gerstner 2006, J Neurosci 26:9673). A fourth, the rule of Clopath et al. (2010, Nat Neurosci 13:344), is
linear in its amplitudes, and what they are multiplied with is an integral over the voltage
(`neurofwp.laboratory.voltage_rule`): other amplitudes cost nothing, other time constants a new integral. Arrays here
have the shape (events, sets of parameters, protocols), and times are in ms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from brian2 import nS
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from neurofwp.errors import InputError
from neurofwp.laboratory import voltage_rule
from neurofwp.laboratory.laboratory import DEFAULTS, PARAMETERS
from neurofwp.laboratory.protocol import Protocol
from neurofwp.laboratory.variants import declared_parameters
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.parameters import Parameter, parse_unit, read_table
from neurofwp.synapses.stages.expression.two_threshold import UNSTABLE

Floats = NDArray[np.float64]
Numbers = Mapping[str, Floats]
ClosedForm = Callable[[Mapping[str, ArrayLike]], Floats]

TWO_THRESHOLD, PAIR, TRIPLET, VOLTAGE = "two-threshold", "pair", "triplet", "voltage"
FAMILIES = {
    ("jumps", "two-threshold-bistable"): TWO_THRESHOLD,
    ("jump-events", "two-threshold-events"): TWO_THRESHOLD,
    ("jump-events", "two-threshold-noisy-events"): TWO_THRESHOLD,
    ("none", "pair"): PAIR,
    ("none", "pair-nearest"): PAIR,
    ("none", "triplet"): TRIPLET,
    ("none", "clopath"): VOLTAGE,
}
NEVER = 1e12  # ms: time of events that fill up shorter protocols


def predict(model: SynapseModel, protocols: Sequence[Protocol]) -> Floats:
    """Mean weight long after each protocol, relative to before: what `Laboratory(model).change` finds, without noise.

    Returns
    -------
    (protocols,). Models with a bistable term are treated as if it acted only after the protocol.

    Raises
    ------
    InputError
        for a model without a closed form, or a protocol in which a voltage or a weight before is given, or a plateau to
        a model that knows voltage.
    """
    weight: Floats = closed_form(model, protocols)({})[0]
    return weight


def family(model: SynapseModel) -> str:
    """Which closed form a model has: "two-threshold", "pair", "triplet" or "voltage".

    Raises
    ------
    InputError
        if it has none.
    """
    forms = {stage.stage: stage.form for stage in model.stages}
    found = FAMILIES.get((forms["calcium"], forms["expression"]))
    if found is None or forms["turnover"] != "none" or {"release", "trafficking"} & forms.keys():
        known = "; ".join(f"calcium {calcium!r} with expression {expression!r}" for calcium, expression in FAMILIES)
        raise InputError(
            f"{model.name} has no closed form, without which it cannot be fitted in this version: a simulation takes "
            f"too long. These have one, without release, trafficking and turnover: {known}"
        )
    return found


def has_closed_form(model: SynapseModel) -> bool:
    """Whether `family` finds one."""
    try:
        return bool(family(model))
    except InputError:
        return False


def closed_form_parameters(model: SynapseModel) -> dict[str, Parameter]:
    """Parameters that a model's closed form depends on, by name."""
    own = [p for stage in model.stages if stage.stage in ("calcium", "expression") for p in stage.parameters]
    return {parameter.name: parameter for parameter in own if parameter.name not in ("w_unit", "bistable")}


def closed_form_values(model: SynapseModel) -> dict[str, float]:
    """Values of the `closed_form_parameters` parameters as numbers, in the units in which they are declared."""
    return {
        name: float(model.values[name] / parse_unit(p.unit, name)) for name, p in closed_form_parameters(model).items()
    }


def replace_values(model: SynapseModel, numbers: Mapping[str, float]) -> SynapseModel:
    """The model with other values of its parameters, numbers in declared units."""
    known = declared_parameters(model)
    other = {name: number * parse_unit(known[name].unit, name) for name, number in numbers.items()}
    return replace(model, values={**model.values, **other})


def closed_form(model: SynapseModel, protocols: Sequence[Protocol]) -> ClosedForm:
    """A function of parameters that predicts all `protocols`.

    It takes numbers in declared units by name of the parameter, each (sets,) or a scalar, in place of those of the
    model, and returns (sets, protocols). InputError as `predict`.
    """
    own_family = family(model)
    for protocol in protocols:
        if protocol.held or protocol.initial is not None or (own_family == VOLTAGE and protocol.plateaus):
            raise InputError(
                f"{protocol.name}: closed forms are for spikes, from the weight that the model begins with"
            )
    if own_family == VOLTAGE:
        return _voltage(model, protocols)
    solve = {TWO_THRESHOLD: _two_threshold, PAIR: _pair, TRIPLET: _triplet}[own_family]
    pre, post = (_trains([getattr(each, cell) for each in protocols], protocols) for cell in ("pre", "post"))
    own = {"sigma": 0.0, **closed_form_values(model)}
    if own_family == PAIR:
        nearest = any(stage.form == "pair-nearest" for stage in model.stages)
        own |= {"w_unit": float(model.values["w_unit"] / nS), "carried": float(not nearest)}

    def changes(replaced: Mapping[str, ArrayLike]) -> Floats:
        sets = max((np.size(each) for each in replaced.values()), default=1)
        numbers = {
            name: np.broadcast_to(np.asarray(value, dtype=float).reshape(-1, 1), (sets, 1))
            for name, value in {**own, **replaced}.items()
        }
        return solve(numbers, pre, post)

    return changes


def _trains(times: Sequence[Sequence[float]], protocols: Sequence[Protocol]) -> Floats:
    """Spikes of one cell in all trains (spikes, protocols), `NEVER` where a protocol has fewer than another."""
    each = [
        (np.arange(protocol.trains)[:, None] * protocol.period * 1000 + np.asarray(own, dtype=float)).ravel()
        for own, protocol in zip(times, protocols, strict=True)
    ]
    longest = max(map(len, each), default=0)
    padded = [np.append(own, np.full(longest - len(own), NEVER)) for own in each]
    return np.array(padded, dtype=float).reshape(len(each), longest).T


def _two_threshold(numbers: Numbers, pre: Floats, post: Floats) -> Floats:
    """Graupner & Brunel: mean and variance of the efficacy go through the bands of calcium one by one."""
    tau_rho = 1000 * numbers["tau_rho"]
    gamma_p, gamma_d = (np.maximum(numbers[name], 1e-12) for name in ("gamma_p", "gamma_d"))
    depression_first = numbers["theta_d"] <= numbers["theta_p"]
    upper, lower = (choose(numbers["theta_p"], numbers["theta_d"]) for choose in (np.maximum, np.minimum))
    both, either = _times_above(numbers, pre, post, (upper, lower))
    # After each jump first the band above both thresholds, then that above the lower one; in units of its relaxation.
    alone = np.where(depression_first, gamma_d, gamma_p)
    passed = np.stack([both * (gamma_p + gamma_d), (either - both) * alone], axis=1) / tau_rho
    passed = passed.reshape(-1, *both.shape[1:])
    limits = [gamma_p / (gamma_p + gamma_d), np.where(depression_first, 0.0, 1.0)]
    spreads = [numbers["sigma"] ** 2 / (gamma_p + gamma_d), numbers["sigma"] ** 2 / (2 * alone)]
    later = np.exp(-(passed[::-1].cumsum(0)[::-1] - passed))
    moved = -np.expm1(-passed) * later
    widened = -np.expm1(-2 * passed) * later**2
    from_down, variance = (
        sum(amount * each[band::2].sum(0) for band, amount in enumerate(amounts))
        for amounts, each in ((limits, moved), (spreads, widened))
    )
    return _mean_change(numbers, from_down, from_down + np.exp(-passed.sum(0)), variance)


def _mean_change(numbers: Numbers, from_down: Floats, from_up: Floats, variance: Floats) -> Floats:
    """Mean weight after/before, once every synapse has come to the nearer of its two states."""
    width = np.sqrt(variance)
    up, stay = (
        np.where(width > 0, ndtr((mean - UNSTABLE) / np.where(width > 0, width, 1)), mean > UNSTABLE)
        for mean in (from_down, from_up)
    )
    down_share, low, high = numbers["down_share"], numbers["w0"], numbers["w1"]
    after: Floats = low + (high - low) * (down_share * up + (1 - down_share) * stay)
    return after / (down_share * low + (1 - down_share) * high)


def _times_above(numbers: Numbers, pre: Floats, post: Floats, thresholds: Sequence[Floats]) -> list[Floats]:
    """Time that calcium spends above each threshold after each of its jumps, up to the next one."""
    sets = len(numbers["tau_calcium"])
    delayed = pre[:, None] + numbers["pre_delay"]
    times = np.concatenate([delayed, np.broadcast_to(post[:, None], (len(post), sets, post.shape[1]))])
    jumps = np.concatenate(
        [
            np.where((pre < NEVER)[:, None], numbers["pre_jump"], 0),
            np.where((post < NEVER)[:, None], numbers["post_jump"], 0),
        ]
    )
    order = np.argsort(times, axis=0, kind="stable")
    times, jumps = (np.take_along_axis(each, order, axis=0) for each in (times, jumps))
    gap = np.diff(times, axis=0, append=10 * NEVER)
    tau = numbers["tau_calcium"]
    survival = np.exp(-gap / tau)
    level = np.empty_like(jumps)
    left = np.zeros(jumps.shape[1:])
    for index, jump in enumerate(jumps):
        level[index] = left + jump
        left = level[index] * survival[index]
    return [np.clip(tau * np.log(np.maximum(level, theta) / theta), 0, gap) for theta in thresholds]


def _pair(numbers: Numbers, pre: Floats, post: Floats) -> Floats:
    """Pairs of spikes; a trace keeps the share ``carried`` at a further spike: 1 all pairs, 0 nearest neighbours."""
    times, (is_pre, is_post) = _merge_spikes(pre, post)
    gap = np.diff(times, axis=0, prepend=times[:1])[:, None]
    kept = [np.exp(-gap / numbers[name]) for name in ("tau_plus", "tau_minus")]
    x, y = np.zeros((2, *kept[0].shape[1:]))
    weight = np.zeros_like(x) + numbers["w_initial"]
    for index in range(len(times)):
        x, y = (trace * own[index] for trace, own in zip((x, y), kept, strict=True))
        lost, gained = is_pre[index] * numbers["A_minus"] * y, is_post[index] * numbers["A_plus"] * x
        weight = np.clip(weight + numbers["w_unit"] * (gained - lost), 0, numbers["w_max"])
        x, y = (
            np.where(fires[index] > 0, numbers["carried"] * trace + 1, trace)
            for trace, fires in ((x, is_pre), (y, is_post))
        )
    changed: Floats = weight / numbers["w_initial"]
    return changed


def _triplet(numbers: Numbers, pre: Floats, post: Floats) -> Floats:
    """Pfister & Gerstner, all spikes interacting with all; the weight in units of that at the beginning."""
    times, (is_pre, is_post) = _merge_spikes(pre, post)
    gap = np.diff(times, axis=0, prepend=times[:1])[:, None]
    names = ("tau_plus", "tau_x", "tau_minus", "tau_y")
    kept = [np.exp(-gap / numbers[name]) for name in names]
    r1, r2, o1, o2 = np.zeros((4, *kept[0].shape[1:]))
    weight: Floats = np.ones_like(r1)
    for index in range(len(times)):
        r1, r2, o1, o2 = (trace * own[index] for trace, own in zip((r1, r2, o1, o2), kept, strict=True))
        lost = is_pre[index] * o1 * (numbers["A2_minus"] + numbers["A3_minus"] * r2)
        gained = is_post[index] * r1 * (numbers["A2_plus"] + numbers["A3_plus"] * o2)
        weight = np.maximum(weight - lost, 0) + gained
        r1, r2 = r1 + is_pre[index], r2 + is_pre[index]
        o1, o2 = o1 + is_post[index], o2 + is_post[index]
    return weight


def _merge_spikes(pre: Floats, post: Floats) -> tuple[Floats, tuple[Floats, Floats]]:
    """Times at which any cell of a protocol fires (times, protocols), and which: spikes at one time do not interact."""
    columns = []
    for own_pre, own_post in zip(pre.T.round(6), post.T.round(6), strict=True):
        times = np.unique(np.append(own_pre, own_post))
        times = times[times < NEVER]
        columns.append((times, np.isin(times, own_pre), np.isin(times, own_post)))
    longest = max(len(times) for times, _, _ in columns)
    shape = (longest, len(columns))
    every, is_pre, is_post = np.full(shape, NEVER), np.zeros(shape), np.zeros(shape)
    for column, (times, fires_pre, fires_post) in enumerate(columns):
        every[: len(times), column] = times
        is_pre[: len(times), column], is_post[: len(times), column] = fires_pre, fires_post
    return every, (is_pre, is_post)


def _voltage(model: SynapseModel, protocols: Sequence[Protocol]) -> ClosedForm:
    """Clopath et al.: integrals over the voltage times amplitudes."""
    own = closed_form_values(model)
    given = DEFAULTS | read_table(model.laboratory, PARAMETERS, f"{model.name}.toml: laboratory", partial=True)
    cell = {p.name: float(given[p.name] / parse_unit(p.unit, p.name)) for p in PARAMETERS}
    unit = float(model.values["w_unit"] / parse_unit(closed_form_parameters(model)["w_initial"].unit, "w_initial"))

    @lru_cache(maxsize=16)
    def amounts(*filters: float) -> Floats:
        rule = dict(zip(voltage_rule.FILTERS, filters, strict=True))
        return np.array([voltage_rule.drives(protocol, cell, rule) for protocol in protocols]).T

    def changes(replaced: Mapping[str, ArrayLike]) -> Floats:
        sets = max((np.size(each) for each in replaced.values()), default=1)
        numbers = {
            name: np.broadcast_to(np.asarray(value, dtype=float).reshape(-1), sets)
            for name, value in {**own, **replaced}.items()
        }
        filters = zip(*(numbers[name].tolist() for name in voltage_rule.FILTERS), strict=True)
        potentiation, depression = np.stack([amounts(*each) for each in filters], axis=1)
        change = numbers["A_LTP"][:, None] * potentiation - numbers["A_LTD"][:, None] * depression
        weight: Floats = 1 + unit * change / numbers["w_initial"][:, None]
        return np.maximum(weight, 0)

    return changes
