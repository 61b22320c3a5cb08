"""Stages that a synapse leaves out: no NMDA receptor, no magnesium block, no calcium, no turnover.

For rules that are driven by spikes or voltages themselves, and for calcium that jumps at spikes. A model says
`form = "none"` for such a stage.
"""

from neurofwp.synapses.stage import Stage

NO_NMDA = Stage(stage="nmda", form="none", source="none: the model has no such receptor")
NO_MAGNESIUM = Stage(stage="magnesium", form="none", source="none: the model has no such block")
NO_CALCIUM = Stage(stage="calcium", form="none", source="none: the model has no calcium")
NO_TURNOVER = Stage(stage="turnover", form="none", source="none: receptors stay where they are")
