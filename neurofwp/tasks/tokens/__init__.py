"""Tasks whose events are tokens instead of images."""

from neurofwp.tasks.tokens import standard_library
from neurofwp.tasks.tokens.associative_recall import NOT_ASKED, recall, without_blanks
from neurofwp.tasks.tokens.brackets import bracketed_sums
from neurofwp.tasks.tokens.permutations import permuted_things
from neurofwp.tasks.tokens.retrieval import retrieval
from neurofwp.tasks.tokens.state_tracking import modular_sums
from neurofwp.tasks.tokens.tracked import TRACKED, TrackedTask

__all__ = [
    "NOT_ASKED",
    "TRACKED",
    "TrackedTask",
    "bracketed_sums",
    "modular_sums",
    "permuted_things",
    "recall",
    "retrieval",
    "standard_library",
    "without_blanks",
]
