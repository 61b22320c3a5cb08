"""Closed forms that simulations of fast weights are held to."""

from neurofwp.theory.capacity import (
    delta_capacity,
    hebbian_capacity,
    mean_square_overlap,
    random_gating_accuracy,
    sparse_hebbian_recall,
)
from neurofwp.theory.regression import (
    decay_regression,
    decay_step,
    delta_regression,
    hebbian_regression,
    hebbian_step,
    mesa_regression,
    unit_key_delta_regression,
    unit_key_hebbian_regression,
)
from neurofwp.theory.retrieval import rank_bound, reassignment_plateau

__all__ = [
    "decay_regression",
    "decay_step",
    "delta_capacity",
    "delta_regression",
    "hebbian_capacity",
    "hebbian_regression",
    "hebbian_step",
    "mean_square_overlap",
    "mesa_regression",
    "random_gating_accuracy",
    "rank_bound",
    "reassignment_plateau",
    "sparse_hebbian_recall",
    "unit_key_delta_regression",
    "unit_key_hebbian_regression",
]
