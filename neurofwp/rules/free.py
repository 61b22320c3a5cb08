"""Parameters that a fit adds to a rule, so that a Program alone drives it, and what each of them multiplies.

A rule lists in `Rule.fitted_with` those that it needs and that its own parameters do not say already. Any other name in
that list is an argument that a Program lacks, as momentum's share: it is the same for all events and cells.
"""

from __future__ import annotations

from dataclasses import replace

from neurofwp.rules.parameter import SHARE, Parameter

# rate beta in place of beta
RATE = Parameter("rate", 1.0, 0.0, 2.0, "strength of a write, which multiplies beta")
# what is observed is this times the rule's W, started at the observed weights over it
WEIGHT_SCALE = Parameter("weight_scale", 1.0, 0.0, 20.0, "observed weight for each unit of the rule's", weight_power=1)
# alpha decay in place of alpha
DECAY = Parameter(
    "decay", 1.0, 0.0, 1.0, "share of a weight that survives any event, times the retention", domain=SHARE
)
# alpha_j = alpha exp(-key_fading |k_j|) where a rule takes a retention of each presynaptic cell
KEY_FADING = Parameter(
    "key_fading", 0.5, 0.0, 5.0, "speed at which the weights of an active presynaptic cell fade", key_power=-1
)

DELTA_RATE = replace(RATE, norm_power=-2)
SATURATING_RATE = replace(DELTA_RATE, high=20.0)  # no write overshoots, however large beta is
SHARE_RATE = replace(RATE, high=1.0, domain=SHARE)
# rules that write what W'v lacks of the key: the roles of key and value change places
OJA_RATE, OJA_SCALE = replace(RATE, value_power=-2), replace(WEIGHT_SCALE, value_power=1)

NAMES = tuple(each.name for each in (RATE, WEIGHT_SCALE, DECAY, KEY_FADING))
