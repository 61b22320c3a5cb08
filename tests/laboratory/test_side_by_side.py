"""Which protocols share a simulation."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, strategies as st

from neurofwp.laboratory import Protocol, side_by_side


@given(st.lists(st.sampled_from([1.5, 3, 50, 60, 100, 150, 500, 900]) | st.floats(0.01, 1000), min_size=1))
def test_few_protocols_wait_for_one_that_is_twice_as_long(durations: list[float]) -> None:
    protocols = [Protocol(str(index), period=duration) for index, duration in enumerate(durations)]
    groups = side_by_side.group_by_duration(protocols)
    assert sorted(protocol.name for group in groups for protocol in group) == sorted(p.name for p in protocols)
    for former, later in pairwise(groups):
        # each simulation after the first is worth its compilation
        similar = [protocol for protocol in later if 2 * protocol.duration > later[0].duration]
        assert len(similar) >= side_by_side.FEW
        # nor could two neighbouring groups have been one
        assert former[0].duration >= 2 * later[0].duration
        assert min(protocol.duration for protocol in former) > max(protocol.duration for protocol in later)
