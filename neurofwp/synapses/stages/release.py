"""Release: with short-term plasticity of an axon, or with failures of each synapse.

Facilitation by use, depression by depletion:

du/dt = -u/tau_facilitation,  dx/dt = (1 - x)/tau_recovery; each presynaptic spike first raises utilisation,
u <- u + U (1 - u), then releases the share u x of all resources, x <- x - u x.

Tsodyks & Markram 1997, PNAS 94:719, without facilitation; Tsodyks, Pawelzik & Markram 1998, Neural Comput 10:821, with
it: u decays to 0, so that the first spike after a long silence releases the share U. (Mongillo, Barak & Tsodyks 2008,
Science 319:1543, let u decay to U instead.) What a spike releases scales the NMDA receptors that it opens and the AMPA
conductance that it transmits. Both are therefore those of a release of everything: a first spike transmits U times the
weight.

Failures: at each presynaptic spike every synapse draws how many of its n sites release, k of a binomial distribution
with probability p, alone (Katz 1969). What it releases, k / (n p), scales AMPA and NMDA receptors of the same synapse;
its mean is 1, so that a weight is the mean that is transmitted.
"""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Constants, Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity

SITES = 10  # at most


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


class Binomial(Stage):
    """Sites of a synapse that release or fail, each alone."""

    stage = "release"
    form = "binomial"
    source = "Katz 1969, The release of neural transmitter substances"
    parameters = (
        Parameter("p_release", "1", "probability that a site releases at a spike", low=0.01, high=1),
        Parameter("sites", "1", "release sites of a synapse", allowed=tuple(range(1, SITES + 1))),
    )
    per_synapse = True
    spike = "\n".join(
        (
            "draw = rand()",
            f"released = ({' + '.join(f'int(draw > below_{k})' for k in range(SITES))})/(sites*p_release)",
        )
    )

    def derive(self, values: Values, dt: Quantity) -> Constants:
        """below_k is the probability of at most k releases, so that so many of them lie below a uniform draw as there
        are releases."""
        sites, p = int(values["sites"]), float(values["p_release"])
        mass = [comb(sites, k) * p**k * (1 - p) ** (sites - k) for k in range(sites + 1)]
        return {f"below_{k}": float(sum(mass[: k + 1])) if k < sites else 1.0 for k in range(SITES)}
