"""Closed forms that simulations of fast weights are held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes
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

if TYPE_CHECKING:
    from neurofwp.theory.erasure import poisson_erasure as poisson_erasure
    from neurofwp.theory.graupner_brunel import (
        exact_change as exact_change,
        time_averaged_change as time_averaged_change,
    )

__all__ = [
    "decay_regression",
    "decay_step",
    "delta_capacity",
    "delta_regression",
    "exact_change",
    "hebbian_capacity",
    "hebbian_regression",
    "hebbian_step",
    "mean_square_overlap",
    "mesa_regression",
    "poisson_erasure",
    "random_gating_accuracy",
    "rank_bound",
    "reassignment_plateau",
    "sparse_hebbian_recall",
    "time_averaged_change",
    "unit_key_delta_regression",
    "unit_key_hebbian_regression",
]

# What needs brian2 is imported when it is asked for.
__getattr__ = attributes(
    __name__,
    {
        "exact_change": "graupner_brunel",
        "poisson_erasure": "erasure",
        "time_averaged_change": "graupner_brunel",
    },
)
