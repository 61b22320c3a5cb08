"""Mesa: at every event the weights that solve the ridge regression of all values so far on their keys.

Not local, but the optimum that local rules approach. Started at W_0, which is what the ridge pulls towards, less and
less as it decays. A ridge below the rounding of H, in single precision some 1e-6 of |k|^2 per event, is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from neurofwp.rules.chunkwise import ScalarDecay, decayed_sum, join, split
from neurofwp.rules.chunkwise.decay import products
from neurofwp.rules.free import DECAY, WEIGHT_SCALE
from neurofwp.rules.parameter import POSITIVE, Parameter
from neurofwp.rules.rule import Event, Rule, outer, per_synapse
from neurofwp.rules.signals import BETA, KEY, OPTIONAL_LOG_DECAY, VALUE, Argument

RIDGE = Argument("ridge", "strength of the ridge", ("pre",), low=POSITIVE[0], per_event=False)

RIDGE_STRENGTH = Parameter(RIDGE.name, 0.5, 1e-4, 10.0, RIDGE.meaning, norm_power=2, domain=POSITIVE)


class State(NamedTuple):
    """weight and moment (..., post, pre), covariance (..., pre, pre)."""

    weight: Tensor
    moment: Tensor
    covariance: Tensor


def solve(moment: Tensor, covariance: Tensor, ridge: Tensor) -> Tensor:
    """G (H + diag(ridge))^-1; NaN for a ridge that is lost in rounding beside H."""
    matrix = covariance + torch.diag_embed(ridge)
    lost = factor(matrix.detach())[..., :1, :1].isnan()
    solution: Tensor = torch.linalg.solve_ex(matrix, moment, left=False)[0]
    return solution.masked_fill(lost, torch.nan)


def factor(matrix: Tensor) -> Tensor:
    """The Cholesky factor of H + diag(ridge), or NaN.

    A pivot below the rounding of H means nothing: whether it is positive, zero or negative is up to the processor.
    """
    lower: Tensor
    lower, failed = torch.linalg.cholesky_ex(matrix)
    least = lower.detach().diagonal(dim1=-2, dim2=-1).amin(-1) ** 2
    largest = matrix.detach().diagonal(dim1=-2, dim2=-1).amax(-1)
    lost = (failed != 0) | (least < torch.finfo(matrix.dtype).eps * largest)
    return lower.masked_fill(lost[..., None, None], torch.nan)


class Mesa(Rule):
    """At every event the weights that solve the ridge regression of all values so far on their keys."""

    id = "mesa"
    equation = "H <- alpha H + beta k k'; G <- alpha G + beta v k'; W = G (H + diag(ridge))^-1"
    objective = "sum_s (decay since s) beta_s |v_s - W k_s|^2 + ridge |W|^2, solved"
    signals = ("everything",)
    reading = "the optimum that local rules approach; recursive least squares"
    source = "von Oswald et al. 2025 (MesaNet)"
    arguments = (KEY, VALUE, BETA, OPTIONAL_LOG_DECAY, RIDGE)
    state = State
    chunk = 16
    chunkwise_skips = True
    clampable = False
    finite_with = "a ridge that rounding beside the keys does not lose, a larger one,"
    # no rate: it would divide the ridge
    fitted_with: ClassVar[tuple[Parameter, ...]] = (WEIGHT_SCALE, DECAY, RIDGE_STRENGTH)

    def begin(self, weight: Tensor, event: Event, p: Mapping[str, Tensor]) -> State:
        pre = weight.shape[-1]
        moment = weight * event.others["ridge"][..., None, :]
        return State(weight, moment, weight.new_zeros(*weight.shape[:-2], pre, pre))

    def step(self, state: State, event: Event, p: Mapping[str, Tensor]) -> State:
        alpha, beta = per_synapse(event.retention), per_synapse(event.gate)
        covariance = alpha * state.covariance + beta * outer(event.key, event.key)
        moment = alpha * state.moment + beta * outer(event.value, event.key)
        return State(solve(moment, covariance, event.others["ridge"]), moment, covariance)

    def trajectory(self, events: Event, weight: Tensor, p: Mapping[str, Tensor]) -> Tensor | None:
        """In the dual form of ridge regression, one equation for each event so far, where those are fewer than cells.

        With the keys as rows of K, values less what a W_0 predicts, a = alpha_1 ... alpha_t, as rows of E, what is left
        of their strengths in C = diag(c), and R = diag(ridge): W_t = a W_0 + E' C (1 + K R^-1 K' C)^-1 K R^-1.
        """
        key, length = events.key, events.key.shape[-2]
        if length >= key.shape[-1]:
            return None
        over_ridge = key / events.others["ridge"][..., None, :]
        # (..., time, past event), 0 for those to come
        strength = products(events.retention) * events.gate[..., None, :]
        start = events.retention.cumprod(-1)[..., None, None]  # (..., time, 1, 1)
        error = events.value[..., None, :, :] - start * (key @ weight.mT)[..., None, :, :]
        system = strength[..., None] * (key @ over_ridge.mT)[..., None, :, :]
        system = system + torch.eye(length, dtype=key.dtype, device=key.device)
        dual: Tensor = torch.linalg.solve_ex(system, strength[..., None] * error)[0]
        return start * weight[..., None, :, :] + dual.mT @ over_ridge[..., None, :, :]

    def chunkwise(
        self, query: Tensor, events: Event, state: State, p: Mapping[str, Tensor], size: int
    ) -> tuple[Tensor, State]:
        ridge = events.others["ridge"]
        decay = ScalarDecay.from_logs(events.others["log_decay"], size)
        keys, queries = (split(each, size, axis=-2) for each in (events.key, query))
        squares = split(events.gate, size, axis=-1)[..., None, None] * outer(keys, keys)
        covariance, asked = state.covariance, []
        for index in range(keys.shape[-3]):
            within = torch.einsum("...ts,...sjk->...tjk", decay.left[..., index, :, :], squares[..., index, :, :, :])
            each = decay.start[..., index, :, None, None] * covariance[..., None, :, :] + within
            lower = factor(each + torch.diag_embed(ridge)[..., None, :, :])
            asked.append(torch.cholesky_solve(queries[..., index, :, :, None], lower)[..., 0])
            covariance = each[..., -1, :, :]
        # y = G x with x = (H + ridge)^-1 q: what a decaying Hebbian memory G answers to x
        solutions = join(torch.stack(asked, dim=-3), query.shape[-2])
        read, moment = decayed_sum(
            solutions, events.key, events.value, write=events.gate, decay=decay, initial=state.moment, size=size
        )
        return read, State(solve(moment, covariance, ridge), moment, covariance)


RULE = Mesa()
