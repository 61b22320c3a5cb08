"""The benchmark of synapses without a clock: contenders are one synapse, and ratios are as named."""

import numpy as np
import pytest

from benchmarks.synapses import CONTENDERS, compare, synapse


def test_contenders_are_the_same_synapse_in_other_forms():
    made = {name: synapse(contender) for name, contender in CONTENDERS.items()}
    shared = set.intersection(*({*each.values} for each in made.values()))
    assert {"pre_jump", "post_jump", "pre_delay", "tau_calcium", "gamma_p", "theta_d"} <= shared
    assert len({tuple(float(each.values[name]) for name in sorted(shared)) for each in made.values()}) == 1
    assert [bool(each.update) for each in made.values()] == [False, True, True]


def test_ratios_are_those_of_a_round():
    seconds = {"events": np.array([1.0, 2.0, 4.0]), "clock_0.1ms": np.array([4.0, 6.0, 20.0])}
    numbers = compare(seconds, 10)
    assert numbers["ratio.clock_0.1ms.10"] == pytest.approx(4)
    assert numbers["spread.clock_0.1ms.10"] == pytest.approx([3.5, 4.5])
    assert numbers["seconds.events.10"] == 2
