"""Feature maps: what is done to keys and queries before they meet the fast weights.

None scales its input: a map that stands for attention with scale d^-1/2 needs that scale applied before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from neurofwp import errors
from neurofwp.errors import InputError
from neurofwp.rate.network import unit


@dataclass(frozen=True)
class FeatureMap:
    """A map phi of vectors (..., d) to features (..., dimension(d)), the same for keys and queries.

    `function(x)` is the map; one with a random projection is `function(x, projection)`, and `draw(d, generator)` makes
    its projection (features, d); `draw` is None where nothing is random. `keeps_unit`: what is in [0, 1] stays there.
    """

    id: str
    function: Callable[..., Tensor]
    dimension: Callable[[int], int]
    keeps_unit: bool
    draw: Callable[[int, torch.Generator | None], Tensor] | None = None


def get(id: str) -> FeatureMap:
    """The feature map of that id.

    identity, elu+1, relu, softmax, silu-l2, dpfp-NU (NU >= 1) or favor+-M (M >= 1 random features).

    Raises
    ------
    InputError
        for an id that is none of these, with the nearest one.
    """
    if id in _FIXED:
        return _FIXED[id]
    for family, make in (("dpfp", _dpfp), ("favor+", _favor)):
        if match := re.fullmatch(re.escape(family) + r"-([1-9]\d*)", id):
            return make(id, int(match[1]))
    raise errors.unknown("feature map", id, [*_FIXED, "dpfp-1", "favor+-64"])


def elu_plus_one(x: Tensor) -> Tensor:
    """elu(x) + 1: x + 1 above 0, exp(x) below (Katharopoulos et al. 2020)."""
    # not functional.elu(x) + 1: where exp(x) is below the rounding of 1, that is 0 and a normaliser divides by it
    return functional.relu(x) + x.clamp(max=0).exp()


def unit_silu(x: Tensor) -> Tensor:
    """silu(x) divided by its Euclidean norm (Yang et al. 2024, DeltaNet); a silent vector stays zero."""
    return unit(functional.silu(x))


def dpfp(x: Tensor, nu: int) -> Tensor:
    """Deterministic parameter-free projection (Schlag, Irie & Schmidhuber 2021).

    With r = [relu(x), relu(-x)] of length 2d: every r_j r_(j-i mod 2d), i = 1 ... nu. (..., d) -> (..., 2 d nu).
    """
    rectified = torch.cat([functional.relu(x), functional.relu(-x)], dim=-1)
    return torch.cat([rectified * rectified.roll(shift, dims=-1) for shift in range(1, nu + 1)], dim=-1)


def favor(x: Tensor, projection: Tensor) -> Tensor:
    """Positive random features (Choromanski et al. 2021): exp(w x - |x|^2 / 2) / sqrt(m) for the m rows w.

    Over draws of `projection` (m, d) the mean of phi(q) . phi(k) is exp(q . k), the kernel of softmax attention.
    The exponent is at most |w|^2 / 2, about d / 2: single precision serves d up to about 150. No maximum is
    subtracted, since a maximum for each key would change how strongly it is written.
    """
    exponent = x @ projection.to(x).mT - x.square().sum(-1, keepdim=True) / 2
    features: Tensor = exponent.exp() / len(projection) ** 0.5
    return features


def orthogonal_gaussian(features: int, d: int, generator: torch.Generator | None) -> Tensor:
    """Rows (features, d), each N(0, I), orthogonal to each other within blocks of d; float64, on the CPU.

    Orthogonality leaves the mean of the features' product as it is and lowers its variance (Choromanski et al. 2021).
    """
    blocks = -(-features // d)

    def draw() -> Tensor:
        return torch.randn(blocks, d, d, dtype=torch.float64, generator=generator, device="cpu")

    gaussian = draw()
    basis, triangle = torch.linalg.qr(gaussian)
    # with the signs of R's diagonal, Q is uniform over rotations whatever convention LAPACK follows
    basis = basis * triangle.diagonal(dim1=-2, dim2=-1).sign()[:, None, :]
    length = draw().norm(dim=-1, keepdim=True)
    rows: Tensor = length * basis.mT
    return rows.reshape(blocks * d, d)[:features]


# named functions, not lambdas: a layer that holds a map can then be pickled
def _identity(x: Tensor) -> Tensor:
    return x


def _same(d: int) -> int:
    return d


def _dpfp_dimension(nu: int, d: int) -> int:
    if nu > 2 * d - 1:
        raise InputError(f"dpfp-{nu} needs vectors of length {nu // 2 + 1} or more, not {d}: nu is at most 2 d - 1")
    return 2 * d * nu


def _favor_dimension(features: int, d: int) -> int:
    return features


def _dpfp(id: str, nu: int) -> FeatureMap:
    return FeatureMap(id, partial(dpfp, nu=nu), partial(_dpfp_dimension, nu), keeps_unit=True)


def _favor(id: str, features: int) -> FeatureMap:
    draw = partial(orthogonal_gaussian, features)
    return FeatureMap(id, favor, partial(_favor_dimension, features), keeps_unit=False, draw=draw)


_FIXED = {
    fixed.id: fixed
    for fixed in (
        FeatureMap("identity", _identity, _same, keeps_unit=True),
        FeatureMap("elu+1", elu_plus_one, _same, keeps_unit=False),
        FeatureMap("relu", functional.relu, _same, keeps_unit=True),
        FeatureMap("softmax", partial(torch.softmax, dim=-1), _same, keeps_unit=True),
        FeatureMap("silu-l2", unit_silu, _same, keeps_unit=True),
    )
}
