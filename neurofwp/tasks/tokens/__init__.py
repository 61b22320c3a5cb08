"""Tasks whose events are tokens instead of images."""

from neurofwp.tasks.tokens import standard_library
from neurofwp.tasks.tokens.associative_recall import NOT_ASKED, recall, without_blanks
from neurofwp.tasks.tokens.retrieval import retrieval
from neurofwp.tasks.tokens.state_tracking import modular_sums

__all__ = ["NOT_ASKED", "modular_sums", "recall", "retrieval", "standard_library", "without_blanks"]
