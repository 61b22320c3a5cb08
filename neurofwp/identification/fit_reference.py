"""A flexible reference fitted: started from one-step regression and from named rules, then running freely."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from neurofwp.identification.fit_rule import POLISH_SIZE, VALUE_OFFSET, Bounds, Fit, fit_records, subset
from neurofwp.identification.records import Records
from neurofwp.identification.reference import REFERENCES, LocalReference, State, averages, coefficients, covers
from neurofwp.rules import Event

RIDGE = 1e-6  # of a feature's own sum of squares


def fit_reference(records: Records, prediction: bool, seed: int, fits: Sequence[Fit] = ()) -> Fit:
    """Fit the flexible local rule, with or without the prediction W k among its signals.

    The starts are the least-squares solution of the one-step prediction (from the weights that were observed, whose
    noise is then on both sides: a start, and no more), and what the best of `fits` that it contains has found, so that
    on these episodes no such rule is fitted better. Parameters are then adjusted as those of any rule.
    """
    rule = REFERENCES[prediction]
    starts = [embed(fit) for fit in sorted(fits, key=lambda each: each.rss) if covers(rule, fit.rule)]
    known = [start for start in starts if start is not None][:1]
    seen = bool(records.observed.all()) and bool(records.synapses.all())
    if seen:
        order = torch.randperm(records.weight.shape[-2], generator=torch.Generator().manual_seed(seed))
        part = subset(rule, records.without_silent(), order.to(records.key.device), POLISH_SIZE)
        known += [regression(rule, part, followed) for followed in _retentions(records)]
    return fit_records(rule, records, restarts=1, seed=seed, nested=known)


def regression(rule: LocalReference, records: Records, retention: float) -> dict[str, float]:
    """Coefficients by ridge regression of the observed increments on what each alone adds in one step.

    retention : 0 or 1, how far weights follow the Program's. Thresholds and memories keep their defaults, and what a
    decay and a term do together is left out. Coefficients are within their bounds.
    """
    base = _defaults(rule, records) | {"retention": retention}
    state, event = _observed(records, base)
    still = _step(rule, state, event, base)
    effects, names = [], coefficients(rule)
    for name in names:
        # a decay is 1 where nothing decays: the effect of losing all, with its sign turned
        moved, sign = (0.0, -1.0) if name.startswith("decay") else (base[name] + 1.0, 1.0)
        effects.append((sign * (_step(rule, state, event, base | {name: moved}) - still)).flatten())
    design = torch.stack(effects)
    solution = _ridge(design @ design.T, design @ (records.weight - still).flatten())
    found = base | {name: base[name] + float(step) for name, step in zip(names, solution, strict=True)}
    return _within(rule, records, found)


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


def _retentions(records: Records) -> tuple[float, ...]:
    return (0.0,) if bool((records.retention == 1).all()) else (0.0, 1.0)


def _defaults(rule: LocalReference, records: Records) -> dict[str, float]:
    """In the units of the records."""
    return Bounds(rule.parameters, records).named(Bounds(rule.parameters, records).defaults)


def _within(rule: LocalReference, records: Records, found: dict[str, float]) -> dict[str, float]:
    bounds = Bounds(rule.parameters, records)
    return bounds.named(bounds.complete(found).clamp(min=bounds.low, max=bounds.high))


def _observed(records: Records, p: dict[str, float]) -> tuple[State, Event]:
    """The signals of every event, and the state before it with the weights that were observed; dims (..., event)."""
    event = Event(records.key, records.value, records.gate, records.retention)
    initial = records.initial[:, :, None].expand_as(records.weight[:, :, :1])
    before = torch.cat([initial, records.weight[:, :, :-1]], dim=2)
    numbers = _tensors(records, p)
    one = State(before[:, :, 0], *(records.key.new_zeros(each[:, :, 0].shape) for each in (event.key, event.value)),
                numbers["value_start"].expand_as(event.value[:, :, 0]))  # fmt: skip
    past = []
    for time in range(before.shape[2]):
        past.append(one)
        now = Event(event.key[:, :, time], event.value[:, :, time], event.gate[:, :, time], event.retention[:, :, time])
        one = State(before[:, :, time], *averages(one, now, numbers))
    key, value, square = (torch.stack([state[index] for state in past], dim=2) for index in (1, 2, 3))
    return State(before, key, value, square), event


def _step(rule: LocalReference, state: State, event: Event, p: dict[str, float]) -> Tensor:
    after: Tensor = rule.step(state, event, _tensors(state, p)).weight
    return after


def _tensors(like: Records | State, p: dict[str, float]) -> dict[str, Tensor]:
    return {name: like.weight.new_tensor(number) for name, number in p.items()}


def _ridge(gram: Tensor, moment: Tensor) -> Tensor:
    """Coefficients, of features scaled to one; those that are zero throughout get zero."""
    size = gram.diagonal().sqrt()
    scale = torch.where(size > 0, size, 1.0)
    normal = gram / scale[:, None] / scale
    solution: Tensor = torch.linalg.solve(normal + RIDGE * torch.eye(len(size)).to(gram), moment / scale) / scale
    return solution
