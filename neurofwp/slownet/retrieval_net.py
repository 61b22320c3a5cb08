"""The slow net of associative retrieval: embedded pairs are written into fast weights, and read by embedded keys."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofwp.errors import InputError, unknown
from neurofwp.rate import feature_maps, unit

WriteRule = Literal["hebbian", "delta"]
SIGNED = ("identity", "silu-l2")  # feature maps that can be negative


class RetrievalNet(nn.Module):
    """Keys and values as numbers in, reads out: the model of Schlag, Irie & Schmidhuber (2021, arXiv 2102.11174).

    A number below S stands for a key, embedded as e in R^floor(2.2 S), which is learned; or for a value, the one-hot v
    in R^S, which is fixed. Written is v under phi(W_k [v; e] + b_k), and read by phi(W_q e + b_q).

    What keeps reads in proportion depends on the rule and the feature map. With features that are not negative it is
    as there: reads of the sum rule ("hebbian", of strength 1) are divided by z.q, z the sum of all keys (Katharopoulos
    et al. 2020), so that they are means of values; for "delta", of strength sigmoid(W_b [v; e] + b_b), keys and queries
    are divided by their sums. Features of both signs, whose sums can be zero, are divided by their Euclidean norms.

    Reads come once, after all writes; so they are computed as attention over the events, in the dual form in which
    no weights appear. They are those of `neurofwp.rate.run`, to rounding.

    Parameters
    ----------
    pairs : S. feature_map : see `neurofwp.rate.feature_maps.get`. rule : how to write. d_key : before the feature map.
    generator : of all initial weights: embeddings from N(0, 1), W_k and W_q uniform within d_key^-1/2.

    Raises
    ------
    InputError
        for an unknown feature map or rule, or a size below 1.
    """

    def __init__(
        self,
        pairs: int,
        feature_map: str,
        rule: WriteRule,
        d_key: int = 64,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if rule not in get_args(WriteRule):
            raise unknown("rule of retrieval", rule, get_args(WriteRule))
        for name, size in {"pairs": pairs, "d_key": d_key}.items():
            if size < 1:
                raise InputError(f"{name} must be 1 or more, not {size}")
        self.pairs, self.d_key, self.rule = pairs, d_key, rule
        self.feature_map = feature_maps.get(feature_map)
        width = 11 * pairs // 5  # floor(2.2 S)

        def uniform(*shape: int, bound: int) -> nn.Parameter:
            return nn.Parameter(nn.init.uniform_(torch.empty(shape), -(bound**-0.5), bound**-0.5, generator=generator))

        self.embedding = nn.Parameter(torch.randn(pairs, width, generator=generator))
        self.key_of_value = uniform(pairs, d_key, bound=d_key)
        self.key_of_embedding = uniform(d_key, width, bound=d_key)
        self.key_bias = uniform(d_key, bound=pairs + width)
        self.query_of_embedding = uniform(d_key, width, bound=d_key)
        self.query_bias = uniform(d_key, bound=width)
        if rule == "delta":
            self.strength_of_value = uniform(pairs, bound=pairs + width)
            self.strength_of_embedding = uniform(width, bound=pairs + width)
            self.strength_bias = uniform(1, bound=pairs + width)

    def draw(self, generator: torch.Generator | None = None) -> Tensor | None:
        """A random projection (2 features, d_key) for a feature map that has one, else None.

        Every row comes with its negative, which lowers the variance of the kernel (Choromanski et al. 2021).
        """
        if self.feature_map.draw is None:
            return None
        rows = self.feature_map.draw(self.d_key, generator).to(self.embedding)
        return torch.cat([rows, -rows])

    def forward(self, key: Tensor, value: Tensor, query: Tensor, projection: Tensor | None = None) -> Tensor:
        """Write all events, then read: key, value (batch, event) and query (batch, read) -> (batch, read, pairs).

        projection : what `draw` made.
        """
        # of every possible key and value once, rather than of every event
        of_key = functional.linear(self.embedding, self.key_of_embedding, self.key_bias)
        of_query = functional.linear(self.embedding, self.query_of_embedding, self.query_bias)
        keys = self._features(of_key[key] + self.key_of_value[value], projection)
        queries = self._features(of_query, projection)[query]
        if self.feature_map.id in SIGNED:
            keys, queries = unit(keys), unit(queries)
        elif self.rule == "delta":
            keys, queries = (_divide(each, each.sum(-1, keepdim=True)) for each in (keys, queries))
        share = queries @ keys.mT  # (batch, read, event)
        if self.rule == "delta":
            of_embedding = self.embedding @ self.strength_of_embedding + self.strength_bias
            strength = torch.sigmoid(of_embedding[key] + self.strength_of_value[value])
            share = after_corrections(share, keys, strength)
        read = share @ functional.one_hot(value, self.pairs).to(share)
        if self.rule == "hebbian" and self.feature_map.id not in SIGNED:
            read = _divide(read, share.sum(-1, keepdim=True))
        return read

    def _features(self, x: Tensor, projection: Tensor | None) -> Tensor:
        return self.feature_map.function(x) if projection is None else self.feature_map.function(x, projection)


def after_corrections(share: Tensor, keys: Tensor, strength: Tensor) -> Tensor:
    """What is left of each value in a read of delta-rule weights, given q.k of the read and all keys.

    The rule writes u_t = b_t (v_t - sum_{s<t} (k_s.k_t) u_s), so that U = (1 + A)^-1 B V with A = B tril(K K', -1)
    (Yang et al. 2024, arXiv 2406.06484), and a read is share U = (share (1 + A)^-1 B) V. Solving for the few reads
    rather than for all of U is what makes it fast.

    share : (batch, read, event). keys : (batch, event, features). strength : (batch, event), the b_t.
    """
    coupling = strength[..., None] * (keys @ keys.mT).tril(-1)
    solved: Tensor = torch.linalg.solve_triangular(coupling, share, upper=False, left=False, unitriangular=True)
    return solved * strength[:, None]


def _divide(x: Tensor, total: Tensor) -> Tensor:
    """x / total, where the total of features that are not negative can be 0 only if x is: nothing is read then."""
    return x / torch.where(total > 0, total, 1.0)


def retrieval_errors(read: Tensor, target: Tensor) -> Tensor:
    """|one-hot target - read|^2 / 2, 0 where the target is -1: read (..., pairs), target (...) -> (...)."""
    at_target = read.gather(-1, target.clamp(min=0)[..., None])[..., 0]
    return torch.where(target >= 0, (read.square().sum(-1) - 2 * at_target + 1) / 2, 0.0)
