"""Hopfield networks: against a loop over cells, fixed points, and completion."""

from __future__ import annotations

import numpy as np
import torch

from neurofwp.rate import hopfield


def test_hopfield_network_is_that_of_a_loop_over_cells() -> None:
    rng = np.random.default_rng(3)
    pattern = rng.choice([-1.0, 1.0], (3, 4, 15))
    query = pattern * (rng.random(pattern.shape) < 0.4)
    recalled = hopfield.dense_recall(torch.as_tensor(pattern), torch.as_tensor(query), steps=7).numpy()
    for episode in range(3):
        for event in range(4):
            state = query[episode, event].copy()
            for _ in range(7):
                drive = np.array(
                    [
                        sum(x[i] * x[j] * state[j] for x in pattern[episode] for j in range(15) if j != i)
                        for i in range(15)
                    ]
                )
                state = np.where(drive == 0, state, np.sign(drive))
            np.testing.assert_array_equal(recalled[episode, event], state)


def test_hopfield_network_completes_a_single_pattern_from_two_cells() -> None:
    pattern = torch.tensor([[[1.0, -1.0, -1.0, 1.0, 1.0]]])
    query = pattern * torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0])
    assert torch.equal(hopfield.dense_recall(pattern, query), pattern)


def test_sparse_patterns_with_separate_cells_are_fixed_points_and_completed_from_one_cell() -> None:
    pattern = torch.eye(4, dtype=torch.float64).repeat_interleave(3, dim=1)[None]  # 4 patterns, 3 active cells each
    assert torch.equal(hopfield.sparse_recall(pattern, pattern, 3), pattern)
    query = pattern * torch.tensor([1.0, 0.0, 0.0]).repeat(4)
    assert torch.equal(hopfield.sparse_recall(pattern, query, 3), pattern)


def test_sparse_recall_is_that_of_a_loop_over_cells() -> None:
    rng = np.random.default_rng(5)
    pattern = (rng.random((2, 5, 14)).argsort(-1) < 4).astype(float)
    query = (rng.random((2, 3, 14)).argsort(-1) < 4).astype(float)
    for steps in (1, 2):
        found = hopfield.sparse_recall(torch.as_tensor(pattern), torch.as_tensor(query), 4, steps).numpy()
        for episode in range(2):
            for read in range(3):
                state = query[episode, read]
                for _ in range(steps):
                    drive = [
                        sum(
                            (14 * x[i] - 4) * (14 * x[j] - 4) * state[j]
                            for x in pattern[episode]
                            for j in range(14)
                            if j != i
                        )
                        for i in range(14)
                    ]
                    state = np.isin(np.arange(14), np.argsort(-np.array(drive), kind="stable")[:4]).astype(float)
                np.testing.assert_array_equal(found[episode, read], state)
