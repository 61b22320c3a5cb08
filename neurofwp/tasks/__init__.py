"""Tasks: episodes of what a slow net sees and of what a network with fast weights should answer."""

from neurofwp.tasks import tokens
from neurofwp.tasks.associations import associations
from neurofwp.tasks.digit_pairs import digit_pairs
from neurofwp.tasks.few_shot import few_shot
from neurofwp.tasks.gated_pairs import gated_pairs
from neurofwp.tasks.regression import regression
from neurofwp.tasks.tokens.state_tracking import modular_sums

__all__ = ["associations", "digit_pairs", "few_shot", "gated_pairs", "modular_sums", "regression", "tokens"]
