"""Levenberg-Marquardt least squares, many starts in one batch.

Gauss-Newton steps with the damping of Marquardt 1963, (J'J + lambda D) step = -J'r: lambda is lowered after a step
that improves the fit and raised after one that does not, which is never taken. Every start has its own lambda. D is
the largest diag J'J met so far (Moré 1978): where a parameter loses its effect, it does not run away.
The Jacobian is exact, by forward-mode differentiation: one pass per parameter, all starts at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import jvp, vmap

EASE, TIGHTEN = 0.2, 5.0
TRIAL = 8  # iterations after which starts are compared
FIRST_DAMPING, LAST_DAMPING = 1e-2, 1e8

Residuals = Callable[..., Tensor]


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
    data: Sequence[Tensor] = (),
    *,
    iterations: int = 50,
    tolerance: float = 1e-9,
    survivors: int | None = None,
) -> Minimum:
    """Minimise |r(x)|^2 / 2 from every row of `start` at once.

    Parameters
    ----------
    residuals : called with (start, parameter) and the tensors of `data`, gives (start, residual), each row from its own
        row alone; any number of rows.
    start : (start, parameter).
    data : what the residuals are made from. Tensors that they take from elsewhere give the same, at twice the time.
    tolerance : a start has converged when a step that was taken lowered its cost by less than this share of it,
        or when no step, however small, lowers it.
    survivors : how many starts go on after TRIAL iterations, those of the lowest cost; left out, all do. A start that
        was given up has not converged.

    Returns
    -------
    Minimum; cost is infinite where the residuals were not finite at the start itself.
    """
    point = start.clone()
    cost, gradient, curvature = _linearise(residuals, point, data)
    damping = torch.full_like(cost, FIRST_DAMPING)
    scale = torch.diagonal(curvature, dim1=-2, dim2=-1).clone()
    converged = ~torch.isfinite(cost)
    given_up = torch.zeros_like(converged)
    taken = 0
    while taken < iterations and not (converged | given_up).all():
        if taken == TRIAL and survivors is not None:
            given_up[cost.argsort()[survivors:]] = True
        taken += 1
        active = torch.nonzero(~(converged | given_up))[:, 0]
        trial = point[active] + _step(gradient[active], curvature[active], damping[active], scale[active])
        trial_cost, trial_gradient, trial_curvature = _linearise(residuals, trial, data)
        better = trial_cost < cost[active]  # false for NaN and infinity
        gain = (cost[active] - trial_cost) / cost[active].clamp(min=torch.finfo(cost.dtype).tiny)
        moved = active[better]
        point[moved] = trial[better]
        cost[moved] = trial_cost[better]
        gradient[moved] = trial_gradient[better]
        curvature[moved] = trial_curvature[better]
        scale[moved] = torch.maximum(scale[moved], torch.diagonal(curvature[moved], dim1=-2, dim2=-1))
        damping[active] *= torch.where(better, EASE, TIGHTEN)
        damping.clamp_(min=torch.finfo(cost.dtype).eps)
        small = better & (gain < tolerance)
        converged[active] = small | (damping[active] > LAST_DAMPING) | (cost[active] == 0)
    return Minimum(point, cost, converged & torch.isfinite(cost), taken)


def _linearise(residuals: Residuals, point: Tensor, data: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Cost (start,), gradient (start, parameter) and Gauss-Newton curvature (start, parameter, parameter)."""
    starts, parameters = point.shape
    directions = torch.eye(parameters, dtype=point.dtype, device=point.device)[:, None].expand(-1, starts, -1)

    # data have derivatives of zero: for tensors without any, torch works out shapes in Python at every operation
    still = tuple(torch.zeros_like(each) for each in data)

    def push(direction: Tensor) -> tuple[Tensor, ...]:
        return tuple(jvp(residuals, (point, *data), (direction, *still)))

    with warnings.catch_warnings():
        # the first forward derivative makes torch load a part of itself that it calls deprecated
        warnings.filterwarnings("ignore", message=".*torch.jit.script", category=DeprecationWarning)
        residual, jacobian = vmap(push, out_dims=(None, 0))(directions)  # type: ignore[arg-type]
    jacobian = jacobian.transpose(0, 1)  # (start, parameter, residual)
    cost = residual.square().sum(-1) / 2
    gradient = (jacobian @ residual[..., None])[..., 0]
    curvature = jacobian @ jacobian.mT
    finite = torch.isfinite(cost) & torch.isfinite(curvature).all(-1).all(-1)
    return torch.where(finite, cost, torch.inf), gradient, curvature


def _step(gradient: Tensor, curvature: Tensor, damping: Tensor, scale: Tensor) -> Tensor:
    # a parameter that never had an effect must not make the system singular
    floor = scale.amax(-1, keepdim=True) * 1e-12 + torch.finfo(gradient.dtype).tiny
    damped = curvature + torch.diag_embed(damping[:, None] * scale + floor)
    step: Tensor = torch.linalg.solve_ex(damped, -gradient)[0]
    return step
