"""A flexible reference fitted: started from one-step regression and from named rules, then running freely."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from neurofwp.identification.competing import VALUE_OFFSET
from neurofwp.identification.fit_rule import Bounds, Fit, misses, r2, spread, squares
from neurofwp.identification.levenberg_marquardt import Minimum, minimise
from neurofwp.identification.prediction import weights
from neurofwp.identification.records import Records
from neurofwp.identification.reference import REFERENCES, LocalReference, State, averages, coefficients, covers
from neurofwp.rules import Event

SEARCH_SIZE, POLISH_SIZE, ITERATIONS = 15_000, 50_000, 30
RIDGE = 1e-6  # of a feature's own sum of squares
DEPENDENT = 1e-8  # a feature of which less than this share is not a combination of others is left out


def fit_reference(records: Records, prediction: bool, seed: int, fits: Sequence[Fit] = ()) -> Fit:
    """Fit the flexible local rule, with or without the prediction W k among its signals.

    The starts are the least-squares solution of the one-step prediction (from the weights that were observed, whose
    noise is then on both sides: a start, and no more), and what the best of `fits` that it contains has found, so that
    on these episodes no such rule is fitted better. Parameters are then adjusted with the rule on its own weights, from
    every start on about `SEARCH_SIZE` weights and from the best on about `POLISH_SIZE`. Terms that are combinations of
    others on these episodes (k^2 where all active keys are equal) are left out.
    """
    rule = REFERENCES[prediction]
    generator = torch.Generator().manual_seed(seed)
    whole = records.without_silent()
    polish = sample(whole, POLISH_SIZE, generator)
    defaults = _defaults(rule, records)
    inner = [embed(fit) for fit in sorted(fits, key=lambda each: -each.r2) if covers(rule, fit.rule)]
    starts = [defaults | found for found in inner if found is not None][:1]
    used = {name for start in starts for name, number in start.items() if number != defaults[name]}
    left_out = set() if bool((records.retention != 1).any()) else {"retention"}
    if bool(records.observed.all()) and bool(records.synapses.all()) and records.query is None:
        for retention in (0.0, 1.0)[: 1 + ("retention" not in left_out)]:
            start, dependent = regression(rule, polish, retention)
            starts.append(start)
            left_out |= dependent - used
    bounds = Bounds([each for each in rule.parameters if each.name not in left_out], records)
    points = [bounds.complete(start) for start in starts or [defaults]]
    kept = {name: defaults[name] for name in left_out}

    def best(found: Minimum) -> Tensor:
        return found.point[found.cost.argsort()[:1]]

    search = sample(polish, SEARCH_SIZE, generator)
    first = best(_minimise(rule, search, bounds, kept, bounds.shares(points), 1e-5))
    last = best(_minimise(rule, polish, bounds, kept, first, 1e-6))
    ends = [kept | bounds.named(point) for point in (*points, bounds.points(last)[0])]
    sums = [float(squares(rule, whole, end).sum()) for end in ends]
    rank = int(np.nanargmin(np.where(np.isfinite(sums), sums, np.inf)))
    return Fit(rule, ends[rank], sums[rank], r2(sums[rank], whole))


def sample(records: Records, size: int, generator: torch.Generator) -> Records:
    """About `size` weights of Records, of several episodes and postsynaptic cells, at least one of each."""
    episodes, _, _, posts, _ = records.shape
    pieces = max(1, size * episodes * posts // math.prod(records.shape))  # rows of one episode
    count = min(episodes, max(round(pieces**0.5), pieces // posts))
    chosen = torch.randperm(episodes, generator=generator)[:count]
    rows = spread(records, generator)[: max(1, pieces // count)]
    return records.episodes(chosen.tolist()).posts(rows.to(records.key.device))


def _minimise(
    rule: LocalReference, records: Records, bounds: Bounds, kept: Mapping[str, float], start: Tensor, tolerance: float
) -> Minimum:
    """Free-running least squares over the parameters of `bounds`; the others are `kept`."""

    def function(shares: Tensor) -> Tensor:
        columns = bounds.points(shares).unbind(-1)
        free = {each.name: column[:, None, None] for each, column in zip(bounds.parameters, columns, strict=True)}
        others = {name: records.key.new_full((len(shares), 1, 1), number) for name, number in kept.items()}
        return misses(weights(rule, records, others | free), records).flatten(1)

    return minimise(function, start, low=0, high=1, iterations=ITERATIONS, tolerance=tolerance)


def regression(rule: LocalReference, records: Records, retention: float) -> tuple[dict[str, float], set[str]]:
    """Coefficients by ridge regression of the observed increments on what each alone adds in one step.

    retention : 0 or 1, how far weights follow the Program's. Thresholds and memories keep their defaults, and what a
    decay and a term do together is left out. Coefficients are within their bounds.

    Returns
    -------
    (parameters, names of the terms that do nothing that those before them do not do)
    """
    base = _defaults(rule, records) | {"retention": retention}
    state, event = _observed(records, base)
    still = _step(rule, state, event, base)
    effects, names = [], coefficients(rule)
    for name in names:
        # a decay is 1 where nothing decays: the effect of losing all, with its sign turned
        moved, sign = (0.0, -1.0) if name.startswith("decay") else (1.0, 1.0)
        effects.append((sign * (_step(rule, state, event, base | {name: moved}) - still)).flatten())
    design = torch.stack(effects)
    size = design.norm(dim=1)
    scale = torch.where(size > 0, size, 1.0)
    gram = design @ design.T / scale[:, None] / scale
    moment = design @ (records.weight - still).flatten() / scale
    free = independent(gram)
    change = _ridge(gram[free][:, free], moment[free]) / scale[free]
    found = base | {names[index]: base[names[index]] + float(step) for index, step in zip(free, change, strict=True)}
    bounds = Bounds(rule.parameters, records)
    within = bounds.complete(found).clamp(min=bounds.low, max=bounds.high)
    return bounds.named(within), {names[index] for index in range(len(names)) if index not in free}


def independent(gram: Tensor) -> list[int]:
    """Which features add something to those before them: a Cholesky decomposition that skips small pivots.

    gram : inner products (feature, feature) of features of norm one, or zero.
    """
    rest, chosen = gram.clone(), []
    for index in range(len(gram)):
        pivot = float(rest[index, index])
        if pivot > DEPENDENT:
            chosen.append(index)
            rest = rest - torch.outer(rest[:, index], rest[index]) / pivot
    return chosen


def embed(fit: Fit) -> dict[str, float] | None:
    """The parameters with which a reference is that rule exactly; None for a rule that it does not contain."""
    p = fit.parameters
    offset = p.get(VALUE_OFFSET.name, 0.0)  # (v + offset) k = v k + offset k

    def write(rate: float) -> dict[str, float]:
        return {"k_v": rate, "k": rate * offset}

    match fit.rule.id:
        case "hebbian":
            return write(p["rate"])
        case "fixed_decay":
            return write(p["rate"]) | {"decay_open": p["decay"], "decay_closed": p["decay"]}
        case "scalar_decay":
            decay = {name: p[name] for name in ("decay_open", "decay_closed")}
            return write(p["rate"]) | decay | {"retention": 1.0}
        case "outstar":
            return write(p["rate"] * p["scale"]) | {"k_W": -p["rate"]}
        case "soft_bound":
            losses = {"k_v_W": -p["g_plus"], "k_W": -p["g_plus"] * offset, "k2_W": -p["g_minus"]}
            return write(p["g_plus"] * p["w_max"]) | losses
        case "calcium_threshold":
            rates = {"above_p": p["rate_p"] * p["w_max"], "above_p_W": -p["rate_p"], "above_d_W": -p["rate_d"]}
            shape = {name: p[name] for name in ("theta_p", "theta_d", "slope")}
            return rates | shape | {"offset": p["drive_offset"]}
        case "delta" | "gated_delta":
            erase = {"k_soft": -p["rate"] * p["prediction_gain"], "prediction_threshold": p["prediction_threshold"]}
            decay = {"decay_open": p["decay"], "decay_closed": p["decay"], "retention": 1.0} if "decay" in p else {}
            return write(p["rate"]) | erase | decay
    return None


def _defaults(rule: LocalReference, records: Records) -> dict[str, float]:
    """In the units of the records."""
    bounds = Bounds(rule.parameters, records)
    return bounds.named(bounds.defaults)


def _observed(records: Records, p: dict[str, float]) -> tuple[State, Event]:
    """The signals of every event, and the state before it with the weights that were observed; dims (..., event)."""
    event = Event(records.key, records.value, records.gate, records.retention)
    initial = records.initial[:, :, None].expand_as(records.weight[:, :, :1])
    before = torch.cat([initial, records.weight[:, :, :-1]], dim=2)
    numbers = _tensors(records, p)
    key, value = (records.key.new_zeros(each[:, :, 0].shape) for each in (event.key, event.value))
    one = State(before[:, :, 0], key, value, numbers["value_start"].expand_as(value))
    past = []
    for time in range(before.shape[2]):
        past.append(one)
        now = Event(event.key[:, :, time], event.value[:, :, time], event.gate[:, :, time], event.retention[:, :, time])
        one = State(before[:, :, time], *averages(one, now, numbers))
    averaged = [torch.stack([state[index] for state in past], dim=2) for index in (1, 2, 3)]
    return State(before, averaged[0], averaged[1], averaged[2]), event


def _step(rule: LocalReference, state: State, event: Event, p: dict[str, float]) -> Tensor:
    after: Tensor = rule.step(state, event, _tensors(state, p)).weight
    return after


def _tensors(like: Records | State, p: dict[str, float]) -> dict[str, Tensor]:
    return {name: like.weight.new_tensor(number) for name, number in p.items()}


def _ridge(gram: Tensor, moment: Tensor) -> Tensor:
    solution: Tensor = torch.linalg.solve(gram + RIDGE * torch.eye(len(gram)).to(gram), moment)
    return solution
