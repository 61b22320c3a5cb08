"""How well a network does, from its Program and its Trace alone, whether it spikes or not."""

from neurofwp.metrics import completion, sequences
from neurofwp.metrics.cross_validation import best_on_others
from neurofwp.metrics.crossing import crossing
from neurofwp.metrics.population_rates import population_rates
from neurofwp.metrics.proportions import upper_limit
from neurofwp.metrics.reassignment import projections
from neurofwp.metrics.recall import chance_identified, chance_r2, decode, identified, recall_r2
from neurofwp.metrics.retention import retention_curve
from neurofwp.metrics.standard_errors import Average, average, jackknife, jackknife_error, mean_and_sem

__all__ = [
    "Average",
    "average",
    "best_on_others",
    "chance_identified",
    "chance_r2",
    "completion",
    "crossing",
    "decode",
    "identified",
    "jackknife",
    "jackknife_error",
    "mean_and_sem",
    "population_rates",
    "projections",
    "recall_r2",
    "retention_curve",
    "sequences",
    "upper_limit",
]
