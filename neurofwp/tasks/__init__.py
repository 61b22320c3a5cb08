"""Tasks: episodes of what a slow net sees and of what a network with fast weights should answer.

A new one is a function in a file and a line in TASKS, or is registered from outside: `neurofwp.register`, or an entry
point of the group neurofwp.tasks.
"""

from neurofwp.runtime.registry import Registry
from neurofwp.tasks import tokens
from neurofwp.tasks.associations import ASSOCIATIONS, associations
from neurofwp.tasks.definition import Task
from neurofwp.tasks.digit_pairs import digit_pairs
from neurofwp.tasks.few_shot import few_shot
from neurofwp.tasks.gated_pairs import gated_pairs
from neurofwp.tasks.regression import regression
from neurofwp.tasks.tokens.associative_recall import recall
from neurofwp.tasks.tokens.brackets import bracketed_sums
from neurofwp.tasks.tokens.permutations import permuted_things
from neurofwp.tasks.tokens.retrieval import retrieval
from neurofwp.tasks.tokens.state_tracking import modular_sums

__all__ = [
    "ASSOCIATIONS",
    "REGISTRY",
    "TASKS",
    "Task",
    "associations",
    "digit_pairs",
    "few_shot",
    "gated_pairs",
    "modular_sums",
    "regression",
    "tokens",
]

TASKS: tuple[Task, ...] = (
    Task("associations", associations, "one set of images bound to other images, to themselves, or each to the next"),
    Task("digit-pairs", digit_pairs, "pairs of images, some of whose keys are bound again to a new value"),
    Task("few-shot", few_shot, "few-shot classification of digits whose labels are drawn for every episode"),
    Task("gated-pairs", gated_pairs, "pairs of images to store amid distractors, which a context tells apart"),
    Task("regression", regression, "in-context linear regression: y = w.x with a new w in every episode"),
    Task("associative-recall", recall, "pairs of tokens, and after blanks the value of every key"),
    Task("retrieval", retrieval, "pairs of tokens, and queries for the last value of every key"),
    Task("state-tracking", modular_sums, "the sum so far of all numbers, modulo m"),
    Task("permutations", permuted_things, "where things lie that are permuted at every event"),
    Task("brackets", bracketed_sums, "arithmetic modulo m with brackets, asked wherever it is complete"),
)

REGISTRY: Registry[Task] = Registry("task", lambda task: task.name, shipped=TASKS)
