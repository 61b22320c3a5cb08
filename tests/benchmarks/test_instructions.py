"""Cost of the spiking network in instructions, which do not depend on what else a machine does: it must not grow."""

from __future__ import annotations

import shutil

import pytest

from benchmarks.instructions import count


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind counts instructions, and is not installed")
def test_the_network_executes_little_more_than_a_loop_written_by_hand() -> None:
    """At 200 x 64, where what is paid for each part of a network is largest beside its synapses.

    The loop by hand advances the calcium of every synapse; the network's synapses sleep while their key cell is silent.
    """
    found = count(seed=0)
    assert 0 < found["ratio.kernel"] < 1
    assert 0 < found["ratio.fused"] < 1.25
    assert 0 < found["instructions.kernel"] < 2  # per synapse and update: the loop by hand does eight at a time
