"""Rules fitted to the weights of a Trace: which rule did these synapses run?"""

from neurofwp.identification.fit_rule import Fit, fit
from neurofwp.identification.identify_rule import CANDIDATES, identify
from neurofwp.identification.noise_ceiling import noise_ceiling

__all__ = ["CANDIDATES", "Fit", "fit", "identify", "noise_ceiling"]
