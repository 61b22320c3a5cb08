"""Linear expression: the integral of calcium above its floor."""

import numpy as np
from brian2 import nS, second

from neurofwp.synapses.stages.expression.linear import Linear


def test_weights_grow_in_proportion_to_calcium_above_the_floor(bench):
    rig = bench(Linear(), n=4, eta=3 * nS / second, c_floor=0.4)
    rig.calcium, rig.weight = [0, 0.4, 0.5, 1.4], [0.7, 0, 0.2, 1]
    rig.run(200)
    np.testing.assert_allclose(rig.weight, [0.7, 0, 0.2 + 3 * 0.1 * 0.2, 1 + 3 * 1 * 0.2], rtol=1e-9)
