"""Key maps: a binary code of fixed size, whitened cues, and the gradient that stands for that of a step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from neurofwp.slownet.keys import STEEPNESS, DenseKeys, SparseKeys
from neurofwp.slownet.whitening import RIDGE


def sparse(cue: int = 6, pre: int = 40, active: int = 7, seed: int = 0) -> SparseKeys:
    keys = SparseKeys(cue, pre, active, torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        keys.bias.normal_(0, 0.3, generator=torch.Generator().manual_seed(seed + 1))
    return keys


def cues(*shape: int, seed: int = 2) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("pre", "active"), [(2, 1), (40, 7), (40, 39)])
def test_exactly_the_cells_with_most_input_fire(pre: int, active: int) -> None:
    keys, cue = sparse(pre=pre, active=active), cues(5, 8, 6)
    with torch.no_grad():
        code = keys(cue)
    drive = (cue @ keys.expansion.T + keys.bias).detach().numpy()
    ranks = np.argsort(np.argsort(drive, axis=-1), axis=-1)
    np.testing.assert_array_equal(code.numpy(), (ranks >= pre - active).astype(float))


def test_equal_input_leaves_no_more_and_no_fewer_than_active_ones() -> None:
    keys = sparse()
    with torch.no_grad():
        keys.expansion.zero_()
        keys.bias.zero_()
        code = keys(cues(9, 6))
    assert torch.equal(code.sum(-1), torch.full((9,), 7.0, dtype=torch.float64))
    assert set(code.unique().tolist()) == {0.0, 1.0}


def test_no_cell_wins_by_firing_more() -> None:
    """The code is that of the cue's direction: neither a larger cue nor larger weights change it."""
    keys, cue = sparse(), cues(50, 6)
    with torch.no_grad():
        code = keys(cue)
        keys.expansion *= 17
        keys.bias *= 17
        assert torch.equal(keys(cue), code)
        keys.bias.zero_()
        assert torch.equal(keys(0.03 * cue), keys(cue))
        assert not torch.equal(keys(-cue), keys(cue))


def test_whitened_cues_have_the_covariance_of_zca_with_a_ridge() -> None:
    """With C = U diag(v) U', that of the whitened cues is U diag(v / (v + ridge max v)) U'."""
    mixing = torch.diag(torch.tensor([5.0, 1.0, 0.4, 0.1, 1e-3, 0.0], dtype=torch.float64))
    axes = torch.linalg.qr(cues(6, 6, seed=5))[0]
    seen = cues(4000, 6) @ mixing @ axes + cues(6, seed=9)
    keys = sparse()
    keys.decorrelate(seen)
    whitened = ((seen - keys.mean) @ keys.whitening).numpy()
    np.testing.assert_allclose(whitened.mean(0), 0, atol=1e-12)
    covariance = np.cov(seen.numpy().T, bias=True)
    ridge = RIDGE * np.linalg.eigvalsh(covariance).max()
    expected = covariance @ np.linalg.inv(covariance + ridge * np.eye(6))
    np.testing.assert_allclose(np.cov(whitened.T, bias=True), expected, atol=1e-10)
    np.testing.assert_allclose(keys.whitening, keys.whitening.T, atol=1e-12)  # the whitening that keeps cues in place
    strongest = 1 / math.sqrt(ridge)  # what an entry that never varies is multiplied by
    assert np.linalg.eigvalsh(keys.whitening.numpy()).max() == pytest.approx(strongest)


def test_a_code_is_made_of_whitened_cues_and_whitening_is_saved_but_not_learned() -> None:
    keys, seen = sparse(), cues(300, 6) * torch.linspace(0.01, 3, 6, dtype=torch.float64) + 2
    plain = keys(seen[:20]).detach()
    keys.decorrelate(seen)
    with torch.no_grad():
        code = keys(seen[:20])
        drive = (seen[:20] - seen.mean(0)) @ keys.whitening @ keys.expansion.T + keys.bias
    assert torch.equal(code, torch.zeros_like(code).scatter(-1, drive.topk(7).indices, 1.0))
    assert not torch.equal(code, plain)
    assert {name for name, _ in keys.named_parameters()} == {"expansion", "bias"}
    assert {"mean", "whitening"} <= keys.state_dict().keys()


def test_the_gradient_is_that_of_a_logistic_function_around_the_threshold() -> None:
    """dk_i/dd_j = s S'(s (d_i - t)) ([i = j] - [j in {w, l}] / 2), with drive d, threshold t half-way between the last
    winner w and the first loser l, and s the steepness over the standard deviation of d."""
    keys, cue, weighting = sparse(), cues(4, 6), cues(4, 40, seed=8)
    (keys(cue) * weighting).sum().backward()
    drive = (cue @ keys.expansion.T + keys.bias).detach().numpy()
    expected = np.zeros_like(drive)
    for row, d in enumerate(drive):
        order = np.argsort(-d)
        edge = order[[6, 7]]
        slope = STEEPNESS / d.std(ddof=1)
        soft = 1 / (1 + np.exp(-slope * (d - d[edge].mean())))
        each = slope * soft * (1 - soft) * weighting[row].numpy()
        expected[row] = each
        expected[row, edge] -= each.sum() / 2
    np.testing.assert_allclose(keys.bias.grad, expected.sum(0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(keys.expansion.grad, expected.T @ cue.numpy(), rtol=1e-9, atol=1e-12)


def test_training_sees_the_very_code_that_is_used_afterwards() -> None:
    keys, cue = sparse().float(), cues(400, 6).float()
    trained = keys(cue)
    assert trained.requires_grad
    with torch.no_grad():
        assert torch.equal(trained, keys(cue))


def test_a_cue_that_drives_all_cells_alike_leaves_a_finite_gradient() -> None:
    keys = SparseKeys(6, 40, 7, torch.Generator().manual_seed(0))  # without a bias, a blank image does
    code = keys(torch.zeros(2, 6))
    assert torch.equal(code.detach().sum(-1), torch.tensor([7.0, 7.0]))
    code.sum().backward()
    assert keys.bias.grad.isfinite().all()
    assert keys.expansion.grad.isfinite().all()


def test_dense_keys_are_linear_and_of_norm_about_one() -> None:
    keys = DenseKeys(10, 200, torch.Generator().manual_seed(3)).double()
    a, b = cues(1000, 10), cues(1000, 10, seed=4)
    with torch.no_grad():
        torch.testing.assert_close(keys(2 * a - 3 * b), 2 * keys(a) - 3 * keys(b))
        assert float(keys(a).square().sum(-1).mean()) == pytest.approx(1, rel=0.1)
        assert keys(a).min() < 0
