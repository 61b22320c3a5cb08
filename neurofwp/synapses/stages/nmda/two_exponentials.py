"""NMDA receptor gating that decays with a fast and a slow exponential.

s = f + g, both decaying by themselves; each presynaptic spike opens the share alpha of the closed channels,
o = alpha (1 - s), of which a share closes fast: f <- f + share o, g <- g + (1 - share) o.

Shouval, Bear & Cooper 2002 (PNAS 99:10831), with alpha = 0.5, share = 0.5, 50 ms and 200 ms. After a single spike
s(t) = alpha (share exp(-t/tau_fast) + (1 - share) exp(-t/tau_slow)). A release scales what a spike opens.
"""

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage


class TwoExponentials(Stage):
    """Gating with a fast and a slow decay."""

    stage = "nmda"
    form = "two-exponentials"
    source = "Shouval, Bear & Cooper 2002, PNAS 99:10831"
    parameters = (
        Parameter("tau_nmda_fast", "ms", "decay time constant of the fast part of NMDA gating", low=1),
        Parameter("tau_nmda_slow", "ms", "decay time constant of the slow part of NMDA gating", low=1),
        Parameter("nmda_fast_share", "1", "share of opened channels that close fast", low=0, high=1),
        Parameter("alpha_nmda", "1", "share of closed channels that one spike opens", low=0, high=1),
    )
    presynaptic = """
        s_nmda = nmda_fast + nmda_slow : 1
        dnmda_fast/dt = -nmda_fast/tau_nmda_fast : 1
        dnmda_slow/dt = -nmda_slow/tau_nmda_slow : 1
    """
    presynaptic_spike = (
        "nmda_opened = alpha_nmda*released*(1 - nmda_fast - nmda_slow)\n"
        "nmda_fast += nmda_fast_share*nmda_opened\n"
        "nmda_slow += (1 - nmda_fast_share)*nmda_opened"
    )
    summed = """
        nmda_open = nmda_open_fast + nmda_open_slow : 1
        dnmda_open_fast/dt = -nmda_open_fast/tau_nmda_fast : 1
        dnmda_open_slow/dt = -nmda_open_slow/tau_nmda_slow : 1
    """
    summed_spike = (
        "nmda_open_fast_post += nmda_fast_share*alpha_nmda*released_pre*(1 - s_nmda_pre)\n"
        "nmda_open_slow_post += (1 - nmda_fast_share)*alpha_nmda*released_pre*(1 - s_nmda_pre)"
    )
