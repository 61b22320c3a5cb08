"""One rule fitted to the weights of a Trace."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from neurofwp import rules
from neurofwp.errors import InputError
from neurofwp.identification.competing import VALUE_OFFSET, free_parameters
from neurofwp.identification.levenberg_marquardt import Residuals, minimise
from neurofwp.identification.prediction import weights
from neurofwp.identification.preparation import prepare
from neurofwp.identification.records import Records
from neurofwp.rate import RateNetwork
from neurofwp.rules import Independent, Parameter, Rule

SEARCH_SIZE, SEARCH_ITERATIONS = 40_000, 30
POLISH_SIZE, POLISH_ITERATIONS = 200_000, 15
SURVIVORS = (3, 1)  # starts that a search goes on with after its first trial, and after its second


@dataclass(frozen=True)
class Fit:
    """A rule's best parameters, in the Trace's units, with the residual sum of squares and R^2 of the increments that
    it was fitted to, without the synapses of cells that are silent throughout."""

    rule: Rule
    parameters: dict[str, float]
    rss: float
    r2: float


def fit(
    rule: str | Rule,
    program: xr.Dataset,
    trace: xr.Dataset,
    *,
    train: Sequence[int],
    drive: str = "nominal",
    restarts: int = 8,
    seed: int = 0,
    nonnegative: bool = True,
    device: str = "cpu",
) -> Fit:
    """Fit one rule's parameters to the increments of the weights in the `train` episodes, by least squares.

    The rule runs freely, from the initial weights on its own weights: W k of an event is of the weights that it has
    predicted, not of those that were observed, whose noise would be on both sides.

    What is subsampled: see `fit_records`. `nonnegative` is for conductances: signed weights are never clamped.

    Raises
    ------
    InputError
        for an unknown rule, an episode that is not there, no restarts, or input that `prepare` refuses.
    """
    records = prepare(program, trace, drive=drive, nonnegative=nonnegative, device=device)
    episodes = records.key.shape[0]
    if not train or any(not 0 <= each < episodes for each in train):
        raise InputError(f"train must name one or more of the episodes 0 to {episodes - 1}, not {list(train)}")
    return fit_records(rules.get(rule), records.episodes(train), restarts=restarts, seed=seed)


def fit_records(
    rule: Rule, records: Records, *, restarts: int, seed: int, nested: Sequence[Mapping[str, float]] = ()
) -> Fit:
    """Fit one rule to all episodes of `records`.

    The starts are the defaults, `restarts` random points within the bounds, and `nested`: optima of nested rules as
    points of this one. A search runs them all on a seeded subset of the rows of W, spread over rows with little and
    with much varied teaching (of the columns, for a rule that is local
    to the presynaptic cell) of about 40 000 weights; the best is polished on about 200 000; it and the nested
    optima themselves are compared on all weights, so that no rule is fitted worse than one nested in it.
    Synapses whose presynaptic cell is silent throughout are left out: no rule moves them.
    """
    if restarts < 1:
        raise InputError(f"restarts must be 1 or more, not {restarts}")
    whole = records.without_silent()
    bounds = Bounds(free_parameters(rule), records)
    generator = torch.Generator().manual_seed(seed)
    order = order_of(rule, whole, generator)
    exact = [bounds.complete(point) for point in nested]
    starts = [bounds.defaults, *bounds.random(restarts, generator), *exact]

    draft = rule.draft()
    search = subset(draft, whole, order, SEARCH_SIZE)
    found = minimise(
        residuals(draft, search, bounds),
        bounds.shares(starts),
        low=0,
        high=1,
        iterations=SEARCH_ITERATIONS,
        tolerance=1e-6,
        survivors=SURVIVORS,
    )
    best = found.point[found.cost.argsort()[:1]]
    polish = subset(rule, whole, order, POLISH_SIZE)
    last = minimise(
        residuals(rule, polish, bounds),
        best,
        low=0,
        high=1,
        iterations=POLISH_ITERATIONS,
        tolerance=1e-6,
    )

    candidates = [*exact, *bounds.points(last.point).unbind(0)]
    sums = [float(squares(rule, whole, bounds.named(point)).sum()) for point in candidates]
    rank = int(np.nanargmin(np.where(np.isfinite(sums), sums, np.inf)))
    return Fit(rule, bounds.named(candidates[rank]), sums[rank], r2(sums[rank], whole))


def predict(fit: Fit, records: Records) -> Tensor:
    """The weights (episode, pool, event, post, pre) that a fitted rule predicts."""
    point = {name: records.key.new_full((1, 1), number) for name, number in fit.parameters.items()}
    return weights(fit.rule, records, point)


def fitted_network(fit: Fit, units: str, **how: Any) -> RateNetwork:
    """The rate network that runs a fitted rule on conductances of ON and OFF pools.

    Parameters
    ----------
    units : of the weights that were fitted. how : further arguments of `neurofwp.RateNetwork`.
    """
    own = dict(fit.parameters)
    offset = own.pop(VALUE_OFFSET.name, 0.0)
    return RateNetwork(
        fit.rule, parameters=own, value_offset=offset, on_off=True, bounds=(0, torch.inf), units=units, **how
    )


def polish_subset(rule: Rule, records: Records, seed: int) -> Records:
    """The part of Records that the parameters of a fit rest on."""
    whole = records.without_silent()
    return subset(rule, whole, order_of(rule, whole, torch.Generator().manual_seed(seed)), POLISH_SIZE)


def order_of(rule: Rule, records: Records, generator: torch.Generator) -> Tensor:
    """Rows of W, or columns where a rule leaves those apart, in the order in which a fit takes them."""
    if rule.independent is Independent.ROWS:
        return spread(records, generator).to(records.key.device)
    return torch.randperm(records.key.shape[-1], generator=generator).to(records.key.device)


def r2(rss: float, records: Records) -> float:
    """R^2 = 1 - RSS/TSS of the increments."""
    change = records.observation * records.counted
    total = float(change.var(correction=0) * change.numel())
    return 1 - rss / total if total else np.nan


def squares(rule: Rule, records: Records, parameters: Mapping[str, float]) -> np.ndarray:
    """Residual sum of squares of the increments of every episode, (episode,); one at a time, to spare memory."""
    point = {name: records.key.new_full((1, 1), number) for name, number in parameters.items()}
    sums = []
    with torch.no_grad():
        for episode in range(len(records.key)):
            one = records.episodes([episode])
            sums.append(float(misses(weights(rule, one, point), one).square().sum()))
    return np.array(sums)


def residuals(rule: Rule, records: Records, bounds: Bounds) -> Residuals:
    """The function that `minimise` takes: shares of the bounds (start, parameter) -> (start, weight)."""

    def function(shares: Tensor) -> Tensor:
        columns = bounds.points(shares).unbind(-1)
        parameters = {each.name: column[:, None, None] for each, column in zip(bounds.parameters, columns, strict=True)}
        return misses(weights(rule, records, parameters), records).flatten(1)

    return function


def misses(predicted: Tensor, records: Records) -> Tensor:
    """By how much what would be seen of predicted weights differs from what was seen."""
    if records.query is not None:
        return records.observe(predicted) - records.weight
    missed = records.differences(predicted - records.weight)
    return missed if bool(records.synapses.all()) else missed * records.synapses[:, :, None]


def spread(records: Records, generator: torch.Generator) -> Tensor:
    """The rows of W in an order of which any beginning holds rows with little and with much varied teaching alike."""
    taught = records.value.var(dim=2).sum(dim=(0, 1)).cpu()
    rank = taught.argsort()
    # multiples of the golden ratio, modulo 1, fill the unit interval evenly (Weyl's sequence)
    start = torch.rand((), generator=generator, dtype=torch.float64)
    position = (start + torch.arange(len(rank), dtype=torch.float64) * 0.6180339887498949) % 1
    return rank[position.argsort().argsort()]


def subset(rule: Rule, records: Records, order: Tensor, size: int) -> Records:
    """The first rows (or columns) of `order` that make up about `size` weights, at least one.

    Fewer where an event costs more; of a row whose weights evolve alone, some of them.
    """
    size = size // rule.cost
    share = math.prod(records.shape) // len(order)
    index = order[: max(1, size // share)]
    if rule.elementwise and share > size and records.query is None:
        cells = records.key.shape[-1]
        some = max(1, cells * size // share)
        records = records.pres(torch.arange(some, device=order.device) * cells // some)
    match rule.independent:
        case Independent.ROWS:
            return records.posts(index)
        case Independent.COLUMNS if records.query is None:
            return records.pres(index)
    return records  # no part of W evolves alone


class Bounds:
    """Parameters as shares of the way from their lower to their upper bound.

    Bounds are in the units of the records: scaled by typical read-outs, keys and values.
    Points are tensors (..., parameter).
    """

    def __init__(self, parameters: Sequence[Parameter], records: Records) -> None:
        self.parameters = tuple(parameters)
        norm = records.key.norm(dim=-1)
        size = float(norm.square().sum() / (norm > 0).sum()) ** 0.5
        scales = (records.readout, records.activity, records.teaching, size)
        powers = [(p.weight_power, p.key_power, p.value_power, p.norm_power) for p in parameters]
        unit = records.key.new_tensor(scales).pow(records.key.new_tensor(powers)).prod(-1)
        self.low = unit * unit.new_tensor([p.low for p in parameters])
        self.high = unit * unit.new_tensor([p.high for p in parameters])
        self.defaults = unit * unit.new_tensor([p.default for p in parameters])

    def points(self, shares: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * shares

    def shares(self, points: Sequence[Tensor]) -> Tensor:
        """(start, parameter), from 0 to 1."""
        return ((torch.stack(list(points)) - self.low) / (self.high - self.low)).clamp(0, 1)

    def random(self, count: int, generator: torch.Generator) -> list[Tensor]:
        """Points on the way from the defaults to anywhere within the bounds, near a bound more often than between: a
        share is the squared sine of an angle, and that is uniform."""
        draw = torch.rand((2, count, len(self.parameters)), generator=generator, dtype=torch.float64).to(self.low)
        default = self.shares([self.defaults]).sqrt().asin()
        angle = default + draw[0, :, :1] * (draw[1] * torch.pi / 2 - default)
        return list(self.points(angle.sin().square()).unbind(0))

    def complete(self, known: Mapping[str, float]) -> Tensor:
        """The point with these values, and the defaults for what is not named."""
        point = self.defaults.clone()
        for index, parameter in enumerate(self.parameters):
            if parameter.name in known:
                point[index] = known[parameter.name]
        return point

    def named(self, point: Tensor) -> dict[str, float]:
        return {parameter.name: float(number) for parameter, number in zip(self.parameters, point, strict=True)}
