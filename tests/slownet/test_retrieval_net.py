"""The net of associative retrieval against its equations, written out in loops."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

from neurofwp.errors import InputError
from neurofwp.rate import feature_maps, run
from neurofwp.slownet.retrieval_net import SIGNED, RetrievalNet, after_corrections, retrieval_errors

PAIRS, D_KEY = 5, 6


@pytest.fixture
def numbers() -> tuple[torch.Tensor, ...]:
    rng = np.random.default_rng(0)
    return tuple(torch.as_tensor(rng.integers(PAIRS, size=(3, count))) for count in (20, 20, 4))


def net_of(feature_map: str, rule: str, seed: int = 1) -> RetrievalNet:
    return RetrievalNet(PAIRS, feature_map, rule, D_KEY, generator=torch.Generator().manual_seed(seed)).double()


def reads_in_loops(net: RetrievalNet, key: list[int], value: list[int], query: list[int], projection) -> np.ndarray:
    """(read, pairs) of one sequence, with the maps W_k and W_b of the concatenation [v; e]."""
    weights = {name: tensor.detach().numpy() for name, tensor in net.named_parameters()}
    embedding, one_hot = weights["embedding"], np.eye(PAIRS)
    w_k = np.hstack([weights["key_of_value"].T, weights["key_of_embedding"]])
    random = () if projection is None else (projection,)

    def phi(x: np.ndarray) -> np.ndarray:
        features = net.feature_map.function(torch.as_tensor(x), *random).numpy()
        if net.feature_map.id in SIGNED:
            return features / np.linalg.norm(features)
        return features / (features.sum() or 1) if net.rule == "delta" else features

    w = z = np.zeros(())
    for k, v in zip(key, value, strict=True):
        both = np.concatenate([one_hot[v], embedding[k]])
        features = phi(w_k @ both + weights["key_bias"])
        written, strength = one_hot[v], 1.0
        if net.rule == "delta":
            w_b = np.concatenate([weights["strength_of_value"], weights["strength_of_embedding"]])
            strength = 1 / (1 + np.exp(-(w_b @ both + weights["strength_bias"][0])))
            written = one_hot[v] - w @ features if np.ndim(w) else one_hot[v]
        w = w + strength * np.outer(written, features)
        z = z + features
    reads = []
    for k in query:
        features = phi(weights["query_of_embedding"] @ embedding[k] + weights["query_bias"])
        mean = net.rule == "hebbian" and net.feature_map.id not in SIGNED
        reads.append(w @ features / (z @ features if mean and z @ features else 1))
    return np.array(reads)


@pytest.mark.parametrize("rule", ["hebbian", "delta"])
@pytest.mark.parametrize("feature_map", ["identity", "silu-l2", "elu+1", "dpfp-1", "dpfp-2", "favor+-7"])
def test_reads_are_those_of_the_equations(feature_map: str, rule: str, numbers) -> None:
    net = net_of(feature_map, rule)
    projection = net.draw(torch.Generator().manual_seed(2))
    with torch.no_grad():
        reads = net(*numbers, projection)
    assert reads.shape == (3, 4, PAIRS)
    for episode in range(3):
        expected = reads_in_loops(net, *(each[episode].tolist() for each in numbers), projection=projection)
        np.testing.assert_allclose(reads[episode], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.7, 1.0])
def test_the_dual_form_reads_the_weights_that_the_rule_leaves(beta: float, stream: Callable[..., dict]) -> None:
    signals = stream("delta", 4, batch=3, time=40, head=1)
    signals["beta"] = torch.full_like(signals["beta"], beta)
    weight = run("delta", mode="recurrent", **signals).weight[:, 0]
    query, key, value = (signals[name][:, :, 0] for name in ("query", "key", "value"))
    share = after_corrections(query @ key.mT, key, signals["beta"][:, :, 0])
    torch.testing.assert_close(share @ value, query @ weight.mT, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", ["hebbian", "delta"])
def test_everything_but_the_values_is_trained(rule: str, numbers) -> None:
    net = net_of("dpfp-1", rule)
    with torch.no_grad():
        net.query_bias += 0.5  # else queries of so few cells may have no features
    retrieval_errors(net(*numbers), torch.zeros(3, 4, dtype=int)).mean().backward()
    assert net.embedding.shape == (PAIRS, 11)
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0, name


def test_a_query_without_features_reads_nothing(numbers) -> None:
    for rule in ("hebbian", "delta"):
        net = net_of("relu", rule)
        with torch.no_grad():
            net.query_bias -= 100
        reads = net(*numbers)
        assert not reads.any()
        reads.sum().backward()
        assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_sums_read_means_of_values_and_forget_their_order(numbers) -> None:
    key, value, query = numbers
    net = net_of("elu+1", "hebbian")
    reads = net(key, value, query)
    torch.testing.assert_close(reads.sum(-1), torch.ones(3, 4, dtype=torch.float64))
    assert reads.min() >= 0
    backwards = net(key.flip(1), value.flip(1), query)
    torch.testing.assert_close(backwards, reads)
    corrected = net_of("elu+1", "delta")
    difference = corrected(key.flip(1), value.flip(1), query) - corrected(key, value, query)
    assert difference.abs().max() > 1e-3


def test_random_rows_come_with_their_negatives() -> None:
    net = net_of("favor+-7", "hebbian")
    projection = net.draw(torch.Generator().manual_seed(3))
    torch.testing.assert_close(projection[:7], -projection[7:])
    assert net_of("dpfp-1", "hebbian").draw() is None
    # a kernel that is an even function of q + k estimates exp(q.k) as its rows alone do
    rows = torch.cat([net.draw(torch.Generator().manual_seed(seed)) for seed in range(4000)])
    q, k = torch.full((D_KEY,), 0.3, dtype=torch.float64), torch.linspace(-0.4, 0.5, D_KEY, dtype=torch.float64)
    phi = feature_maps.get("favor+-7").function
    assert float(phi(q, rows) @ phi(k, rows)) == pytest.approx(float((q @ k).exp()), rel=0.02)


def test_errors_are_half_the_squared_distance() -> None:
    reads = torch.tensor([[0.5, 0.5, 0.0], [0.2, -0.1, 0.9], [1.0, 2.0, 3.0]], dtype=torch.float64)
    errors = retrieval_errors(reads, torch.tensor([0, 2, -1]))
    torch.testing.assert_close(errors, torch.tensor([0.25, (0.04 + 0.01 + 0.01) / 2, 0.0], dtype=torch.float64))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((5, "dpfp-1", "oja"), "unknown rule of retrieval 'oja'"),
        ((5, "dpfp", "delta"), "unknown feature map 'dpfp'; did you mean 'dpfp-1'?"),
        ((0, "dpfp-1", "delta"), "pairs must be 1 or more, not 0"),
        ((5, "dpfp-1", "delta", 0), "d_key must be 1 or more, not 0"),
    ],
)
def test_bad_input_is_named(arguments, sentence) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        RetrievalNet(*arguments)
