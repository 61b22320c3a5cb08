"""Levenberg-Marquardt least squares within bounds, many starts in one batch.

Gauss-Newton steps with the damping of Marquardt 1963, (J'J + lambda D) step = -J'r: lambda is lowered after a step
that improves the fit and raised after one that does not, which is never taken. Every start has its own lambda. D is
the largest diag J'J met so far (Moré 1978): where a parameter loses its effect, it does not run away.
A step ends at the bounds that it would cross, and is the best one of those that do: parameters that it takes to a
bound, or that lie at one and would leave, are held there, and the others solved for again (projected steps, Kanzow,
Yamashita & Fukushima 2004, J Comput Appl Math 172:375).
The Jacobian is of forward differences, the moved points in the batch of the starts: of points of order one, as here,
its error of 1e-7 leaves the convergence what it is, and where residuals vanish it vanishes with them. Differentiation
by torch is exact, but its bookkeeping at every operation takes five times as long as the small tensors of a search.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

EASE, TIGHTEN = 0.2, 5.0
TRIAL = 8  # iterations after which starts are compared
FIRST_DAMPING, LAST_DAMPING = 1e-2, 1e8
STEP = 2.0**-26  # of a forward difference, relative to 1 or to the point: the root of double precision

Residuals = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Minimum:
    """point (start, parameter), cost (start,) = half the sum of squares, converged (start,), iterations taken."""

    point: Tensor
    cost: Tensor
    converged: Tensor
    iterations: int


def minimise(
    residuals: Residuals,
    start: Tensor,
    *,
    low: float = -torch.inf,
    high: float = torch.inf,
    iterations: int = 50,
    tolerance: float = 1e-9,
    survivors: Sequence[int] = (),
) -> Minimum:
    """Minimise |r(x)|^2 / 2 from every row of `start` at once.

    Parameters
    ----------
    residuals : called with (row, parameter) gives (row, residual), each row from its own row alone; any number of rows.
    start : (start, parameter).
    low, high : the bounds of every parameter.
    tolerance : a start has converged when a step that was taken lowered its cost by less than this share of it,
        or when no step, however small, lowers it.
    survivors : how many starts go on after TRIAL iterations, after twice as many, and so on, those of the lowest cost;
        left out, all do. A start that was given up has not converged.

    Returns
    -------
    Minimum; cost is infinite where the residuals were not finite at the start itself.
    """
    point = start.clamp(low, high)
    cost, gradient, curvature = _linearise(residuals, point, low, high)
    damping = torch.full_like(cost, FIRST_DAMPING)
    scale = torch.diagonal(curvature, dim1=-2, dim2=-1).clone()
    converged = ~torch.isfinite(cost)
    given_up = torch.zeros_like(converged)
    rounds = {TRIAL * (number + 1): left for number, left in enumerate(survivors)}
    taken = 0
    while taken < iterations:
        if taken in rounds:
            given_up[cost.argsort()[rounds[taken] :]] = True
        active = torch.nonzero(~(converged | given_up))[:, 0]
        if not len(active):
            break
        taken += 1
        here = point[active]
        damped = _damp(curvature[active], damping[active], scale[active])
        trial = (here + _step(gradient[active], damped, low - here, high - here)).clamp(low, high)
        linear = _linearise(residuals, trial, low, high)
        better = linear[0] < cost[active]  # false for NaN and infinity
        gain = (cost[active] - linear[0]) / cost[active].clamp(min=torch.finfo(cost.dtype).tiny)
        moved = active[better]
        for kept, new in zip((point, cost, gradient, curvature), (trial, *linear), strict=True):
            kept[moved] = new[better]
        scale[moved] = torch.maximum(scale[moved], torch.diagonal(curvature[moved], dim1=-2, dim2=-1))
        damping[active] *= torch.where(better, EASE, TIGHTEN)
        damping.clamp_(min=torch.finfo(cost.dtype).eps)
        small = (better & (gain < tolerance)) | (trial == here).all(-1)
        converged[active] = small | (damping[active] > LAST_DAMPING) | (cost[active] == 0)
    return Minimum(point, cost, converged & torch.isfinite(cost), taken)


def _linearise(residuals: Residuals, point: Tensor, low: float, high: float) -> tuple[Tensor, Tensor, Tensor]:
    """Cost (start,), gradient (start, parameter) and Gauss-Newton curvature (start, parameter, parameter)."""
    residual, jacobian = differences(residuals, point, low, high)
    cost = residual.square().sum(-1) / 2
    gradient = (jacobian @ residual[..., None])[..., 0]
    curvature = jacobian @ jacobian.mT
    finite = torch.isfinite(cost) & torch.isfinite(curvature).all(-1).all(-1)
    return torch.where(finite, cost, torch.inf), gradient, curvature


def differences(residuals: Residuals, point: Tensor, low: float, high: float) -> tuple[Tensor, Tensor]:
    """Residuals (start, residual) and their derivatives (start, parameter, residual), by steps within the bounds."""
    starts, parameters = point.shape
    width = STEP * point.abs().clamp(min=1.0)
    width = torch.where(point + width > high, -width, width)  # not out of bounds
    moved = point[:, None] + torch.diag_embed(width)
    width = (moved - point[:, None]).diagonal(dim1=-2, dim2=-1)  # as it came out, after rounding
    rows = residuals(torch.cat([point[:, None], moved], dim=1).flatten(0, 1)).unflatten(0, (starts, 1 + parameters))
    residual = rows[:, 0]
    return residual, (rows[:, 1:] - residual[:, None]) / width[..., None]


def _damp(curvature: Tensor, damping: Tensor, scale: Tensor) -> Tensor:
    # a parameter that never had an effect must not make the system singular
    floor = scale.amax(-1, keepdim=True) * 1e-12 + torch.finfo(curvature.dtype).tiny
    return curvature + torch.diag_embed(damping[:, None] * scale + floor)


def _step(gradient: Tensor, damped: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """The step from `down` to `up` (start, parameter), both of them room to the bounds, that lowers the model most.

    Each parameter that meets its bound stays there: the best step but for parameters that would come back.
    """
    held = ((down >= 0) & (gradient > 0)) | ((up <= 0) & (gradient < 0))
    step = torch.zeros_like(gradient)
    one = torch.eye(gradient.shape[-1], dtype=gradient.dtype, device=gradient.device)
    for _ in range(gradient.shape[-1]):
        step = torch.where(held, step, 0.0)
        target = torch.where(held, step, -gradient - (damped @ step[..., None])[..., 0])
        system = torch.where(held[..., None] | held[..., None, :], one, damped)
        step = torch.linalg.solve_ex(system, target)[0]
        beyond = ((step < down) | (step > up)) & ~held
        step = torch.maximum(torch.minimum(step, up), down)
        if not beyond.any():
            break
        held |= beyond
    return step
