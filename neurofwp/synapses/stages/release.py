"""Release with short-term plasticity: facilitation by use, depression by depletion.

du/dt = -u/tau_facilitation,  dx/dt = (1 - x)/tau_recovery; each presynaptic spike first raises utilisation,
u <- u + U (1 - u), then releases the share u x of all resources, x <- x - u x.

Tsodyks & Markram 1997, PNAS 94:719, without facilitation; Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821, with
it: u decays to 0, so that the first spike after a long silence releases the share U. (Mongillo, Barak & Tsodyks 2008,
Science 319:1543, let u decay to U instead.) What a spike releases scales the NMDA receptors that it opens and the AMPA
conductance that it transmits. Both are therefore those of a release of everything: a first spike transmits U times the
weight.
"""

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage


class TsodyksMarkram(Stage):
    """Facilitation and depression of release."""

    stage = "release"
    form = "tsodyks-markram"
    source = "Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821"
    parameters = (
        Parameter("U", "1", "utilisation by a first spike", low=0, high=1),
        Parameter("tau_recovery", "ms", "time constant with which resources recover", low=0.1),
        Parameter("tau_facilitation", "ms", "time constant with which utilisation decays", low=0.1),
    )
    # Depleted resources, 1 - x, so that a cell that has never fired starts at 0 like every other state.
    presynaptic = """
        released = (utilisation + U*(1 - utilisation))*(1 - depleted) : 1
        dutilisation/dt = -utilisation/tau_facilitation : 1
        ddepleted/dt = -depleted/tau_recovery : 1
    """
    presynaptic_spike = "depleted = depleted + released\nutilisation = utilisation + U*(1 - utilisation)"
