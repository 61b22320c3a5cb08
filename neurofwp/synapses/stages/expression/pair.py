"""Pairs of spikes: potentiation where the presynaptic spike comes first, depression where the postsynaptic one does.

Each presynaptic spike: w <- w - w_unit A- y, then x <- x + 1; each postsynaptic spike: w <- w + w_unit A+ x, then
y <- y + 1; dx/dt = -x/tau+ (presynaptic cell), dy/dt = -y/tau- (postsynaptic cell)

so that a pair at dt = t_post - t_pre changes the weight by w_unit A+ exp(-dt/tau+) where dt > 0 and by
-w_unit A- exp(dt/tau-) where dt < 0: Song, Miller & Abbott 2000, Nat Neurosci 3:919, all spikes interacting with all.
Which pairs count is a choice of its own (Morrison, Diesmann & Gerstner 2008, Biol Cybern 98:459): with nearest
neighbours a spike interacts with the last one of the other cell alone (their symmetric scheme), x <- 1 and y <- 1 in
place of the sums.

A rule of spikes alone: no voltage, no calcium. Weights stay between 0 and `w_max`; changes do not depend on them
otherwise. Spikes of both cells in one time step do not see each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.synapses.parameters import Parameter
from neurofwp.synapses.stage import Stage, Values

if TYPE_CHECKING:
    from brian2 import Quantity


class Pair(Stage):
    """Pairs of all spikes with all."""

    stage = "expression"
    form = "pair"
    source = "Song, Miller & Abbott 2000, Nat Neurosci 3:919"
    parameters = (
        Parameter("tau_plus", "ms", "decay of the presynaptic trace x", low=0.1),
        Parameter("tau_minus", "ms", "decay of the postsynaptic trace y", low=0.1),
        Parameter("A_plus", "1", "potentiation by a pair without delay", low=0),
        Parameter("A_minus", "1", "depression by a pair without delay", low=0),
        Parameter("w_unit", "nS", "weight of which changes are shares", low=1e-6),
        Parameter("w_initial", "nS", "weight at the beginning", low=0),
        Parameter("w_max", "nS", "largest weight", low=1e-6),
    )
    presynaptic = "dpair_x/dt = -pair_x/tau_plus : 1"
    presynaptic_spike = "pair_x += 1"
    postsynaptic = "dpair_y/dt = -pair_y/tau_minus : 1"
    postsynaptic_spike = "pair_y += 1"
    spike = "weight = clip(weight - w_unit*A_minus*pair_y_post, 0*siemens, w_max)"
    spike_post = "weight = clip(weight + w_unit*A_plus*pair_x_pre, 0*siemens, w_max)"

    def initial(self, values: Values) -> Quantity:
        return values["w_initial"]


class NearestPair(Pair):
    """Pairs of a spike with the last one of the other cell."""

    form = "pair-nearest"
    source = "Morrison, Diesmann & Gerstner 2008, Biol Cybern 98:459"
    presynaptic_spike = "pair_x = 1"
    postsynaptic_spike = "pair_y = 1"
