"""Feature maps: closed forms, loops, and the kernel that random features estimate."""

from __future__ import annotations

import math
import re

import pytest
import torch
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.rate import feature_maps

DETERMINISTIC = ("identity", "elu+1", "relu", "softmax", "silu-l2", "dpfp-1", "dpfp-2", "dpfp-5")


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("id", [*DETERMINISTIC, "favor+-7"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_features_have_the_promised_shape_and_dtype_and_each_vector_is_mapped_alone(id, dtype):
    x = vectors(2, 3, 4).to(dtype)
    phi = feature_maps.get(id)
    drawn = () if phi.draw is None else (phi.draw(4, torch.Generator().manual_seed(1)),)
    mapped = phi.function(x, *drawn)
    assert phi.id == id
    assert mapped.shape == (2, 3, phi.dimension(4))
    assert mapped.dtype == dtype
    torch.testing.assert_close(mapped[1, 2], phi.function(x[1, 2], *drawn))


@pytest.mark.parametrize("id", [*DETERMINISTIC, "favor+-7"])
def test_maps_say_whether_what_is_between_zero_and_one_stays_there(id):
    phi = feature_maps.get(id)
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)] * 4)
    drawn = () if phi.draw is None else (phi.draw(4, torch.Generator().manual_seed(1)),)
    mapped = phi.function(corners, *drawn)
    assert bool((mapped >= 0).all() and (mapped <= 1).all()) == phi.keeps_unit


def test_elementwise_maps_against_a_loop():
    x = vectors(50).tolist()
    loops = {
        "identity": lambda v: v,
        "relu": lambda v: v if v > 0 else 0.0,
        "elu+1": lambda v: v + 1 if v > 0 else math.exp(v),
    }
    for id, loop in loops.items():
        mapped = feature_maps.get(id).function(torch.tensor(x, dtype=torch.float64))
        assert mapped.tolist() == pytest.approx([loop(v) for v in x], abs=1e-15)


def test_elu_plus_one_stays_positive_where_adding_one_would_round_it_away_and_its_slope_is_one_at_zero():
    x = torch.tensor([-40.0, 0.0], requires_grad=True)
    mapped = feature_maps.elu_plus_one(x)
    mapped.sum().backward()
    assert mapped.tolist() == pytest.approx([math.exp(-40), 1.0], rel=1e-6)
    assert x.grad.tolist() == pytest.approx([math.exp(-40), 1.0], rel=1e-6)


def test_softmax_sums_to_one_and_its_logarithm_is_the_input_up_to_a_constant():
    x = vectors(6, 5)
    mapped = feature_maps.get("softmax").function(x)
    torch.testing.assert_close(mapped.sum(-1), torch.ones(6, dtype=torch.float64))
    difference = mapped.log() - x
    torch.testing.assert_close(difference, difference[:, :1].expand(-1, 5))


def test_unit_silu_has_norm_one_the_direction_of_silu_and_leaves_silence_alone():
    x = vectors(6, 5)
    x[2] = 0
    x.requires_grad_()
    mapped = feature_maps.get("silu-l2").function(x)
    sounding = [0, 1, 3, 4, 5]
    torch.testing.assert_close(mapped.norm(dim=-1)[sounding], torch.ones(5, dtype=torch.float64))
    silu = x / (1 + (-x).exp())
    torch.testing.assert_close((mapped * silu).sum(-1), silu.norm(dim=-1))
    assert not mapped[2].any()
    mapped.sum().backward()
    assert x.grad.isfinite().all()


@given(d=st.integers(2, 6), data=st.data())
def test_dpfp_against_a_loop(d, data):
    nu = data.draw(st.integers(1, 2 * d - 1))
    x = vectors(d, seed=d + nu)
    r = [max(v, 0.0) for v in x.tolist()] + [max(-v, 0.0) for v in x.tolist()]
    loop = [r[j] * r[(j - i) % (2 * d)] for i in range(1, nu + 1) for j in range(2 * d)]
    mapped = feature_maps.get(f"dpfp-{nu}").function(x)
    assert len(loop) == feature_maps.get(f"dpfp-{nu}").dimension(d)
    assert mapped.tolist() == pytest.approx(loop, abs=1e-15)


@given(d=st.integers(1, 8))
def test_all_shifts_of_dpfp_together_hold_every_product_of_two_components_once_each_way(d):
    x = vectors(d, seed=d)
    mapped = feature_maps.get(f"dpfp-{2 * d - 1}").function(x)
    # of the 2d rectified components d are active, one for each sign of x
    assert int((mapped > 0).sum()) == d * (d - 1)
    assert float(mapped.sum()) == pytest.approx(float(x.abs().sum() ** 2 - (x**2).sum()), abs=1e-12)


def test_dpfp_makes_vectors_of_different_signs_orthogonal():
    phi = feature_maps.get("dpfp-3")
    x = vectors(8)
    assert not (phi.function(x) * phi.function(-x)).any()
    flipped = x.clone()
    flipped[::2] *= -1  # every other sign: of any two neighbours in r one is silent in one of the vectors
    shift_one = slice(0, 16)
    assert not (phi.function(x)[shift_one] * phi.function(flipped)[shift_one]).any()


def test_random_features_estimate_the_exponential_kernel_without_bias():
    d, features, draws = 4, 6, 4000
    phi = feature_maps.get(f"favor+-{features}")
    q, k = 0.5 * vectors(2, 3, d, seed=3)
    generator = torch.Generator().manual_seed(0)
    estimates = torch.stack(
        [(phi.function(q, p) * phi.function(k, p)).sum(-1) for p in (phi.draw(d, generator) for _ in range(draws))]
    )
    error = estimates.std(0) / draws**0.5
    exact = (q * k).sum(-1).exp()
    assert (error < 0.02 * exact).all()
    assert ((estimates.mean(0) - exact).abs() < 4 * error).all()


def test_orthogonal_features_estimate_the_kernel_with_less_variance_than_independent_ones():
    d, draws = 8, 3000
    q, k = 0.6 * vectors(2, d, seed=5)
    generator = torch.Generator().manual_seed(0)
    found = {}
    for name in ("orthogonal", "independent"):
        rows = [
            feature_maps.orthogonal_gaussian(d, d, generator)
            if name == "orthogonal"
            else torch.randn(d, d, dtype=torch.float64, generator=generator)
            for _ in range(draws)
        ]
        found[name] = torch.stack([feature_maps.favor(q, p) @ feature_maps.favor(k, p) for p in rows]).var()
    assert found["orthogonal"] < 0.9 * found["independent"]


def test_projections_are_orthogonal_within_blocks_gaussian_in_length_and_repeat_with_their_seed():
    d = 5
    rows = feature_maps.orthogonal_gaussian(12, d, torch.Generator().manual_seed(2))
    assert rows.shape == (12, d)
    for block in rows.split(d):
        gram = block @ block.mT
        torch.testing.assert_close(gram, torch.diag(gram.diagonal()))
    torch.testing.assert_close(rows, feature_maps.orthogonal_gaussian(12, d, torch.Generator().manual_seed(2)))
    assert (rows != feature_maps.orthogonal_gaussian(12, d, torch.Generator().manual_seed(3))).all()
    many = feature_maps.orthogonal_gaussian(4000, d, torch.Generator().manual_seed(0))
    # each row N(0, I): second moments of the components, and of the squared length (chi squared, variance 2 d)
    torch.testing.assert_close(many.mT @ many / 4000, torch.eye(d, dtype=torch.float64), atol=0.1, rtol=0)
    torch.testing.assert_close(many.mean(0), torch.zeros(d, dtype=torch.float64), atol=0.06, rtol=0)
    assert float(many.square().sum(-1).var()) == pytest.approx(2 * d, rel=0.15)


@pytest.mark.parametrize("id", [*DETERMINISTIC, "favor+-6"])
def test_maps_are_differentiable(id):
    phi = feature_maps.get(id)
    drawn = () if phi.draw is None else (phi.draw(4, torch.Generator().manual_seed(1)),)
    assert torch.autograd.gradcheck(lambda x: phi.function(x, *drawn), vectors(3, 4).requires_grad_())


@pytest.mark.parametrize(
    ("id", "hint"),
    [
        ("dpfp", "did you mean 'dpfp-1'?"),
        ("dpfp-0", "did you mean 'dpfp-1'?"),
        ("favor", "did you mean 'favor+-64'?"),
        ("elu-1", "did you mean 'elu+1'?"),
        ("zzz", "known: dpfp-1, "),
    ],
)
def test_an_unknown_id_is_refused_with_the_nearest(id, hint):
    with pytest.raises(InputError, match=re.escape(f"unknown feature map {id!r}; {hint}")):
        feature_maps.get(id)


def test_more_shifts_than_there_are_components_are_refused():
    assert feature_maps.get("dpfp-5").dimension(3) == 30
    with pytest.raises(InputError, match=re.escape("dpfp-6 needs vectors of length 4 or more, not 3")):
        feature_maps.get("dpfp-6").dimension(3)
