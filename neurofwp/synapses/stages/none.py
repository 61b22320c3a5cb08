"""Stages that a synapse leaves out: no NMDA receptor, no magnesium block, no calcium, no turnover.

For rules that are driven by spikes or voltages themselves, and for calcium that jumps at spikes. A model says
`form = "none"` for such a stage.
"""

from neurofwp.synapses.stage import Stage


class NoNMDA(Stage):
    """No NMDA receptor."""

    stage = "nmda"
    form = "none"
    source = "none: the model has no such receptor"


class NoMagnesium(Stage):
    """No magnesium block."""

    stage = "magnesium"
    form = "none"
    source = "none: the model has no such block"


class NoCalcium(Stage):
    """No calcium."""

    stage = "calcium"
    form = "none"
    source = "none: the model has no calcium"


class NoTurnover(Stage):
    """No turnover."""

    stage = "turnover"
    form = "none"
    source = "none: receptors stay where they are"
