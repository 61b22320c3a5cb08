"""What is said of a computation's cost: turns, bytes, slopes."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.runtime import cost


def test_calls_take_turns_and_every_other_round_goes_backwards() -> None:
    made: list[str] = []
    seconds = cost.time_interleaved({name: lambda name=name: made.append(name) for name in "abc"}, 3)
    assert "".join(made) == "abc" + "abc" + "cba" + "abc"  # the first round does not count
    assert {name: len(times) for name, times in seconds.items()} == {"a": 3, "b": 3, "c": 3}


def test_costs_are_those_of_one_thread_and_the_number_of_threads_is_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen: list[int] = []
        cost.time_interleaved({"a": lambda: seen.append(torch.get_num_threads())}, 1)
        cost.peak_bytes(lambda: seen.append(torch.get_num_threads()))
        assert seen == [1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_no_repeat_is_an_error() -> None:
    with pytest.raises(InputError, match="repeats must be at least 1, but is 0"):
        cost.time_interleaved({"a": lambda: None}, 0)


def test_peak_memory_counts_what_is_held_at_the_same_time() -> None:
    x = torch.zeros(1000)  # float32, made before: does not count

    def chain() -> torch.Tensor:
        y = x.exp()  # 4000 bytes held
        y = y.exp()  # 8000 while both are there
        del y
        return x.exp()  # 4000

    assert cost.peak_bytes(chain) == 8000
    assert cost.peak_bytes(lambda: [x.exp() for _ in range(5)]) == 20_000
    assert cost.peak_bytes(lambda: [x.exp().shape for _ in range(5)]) == 4000
    assert cost.peak_bytes(lambda: None) == 0


def test_peak_memory_includes_what_autograd_keeps() -> None:
    x = torch.ones(1000, requires_grad=True)
    forward = cost.peak_bytes(lambda: x.exp().exp().exp())
    assert forward == 12_000  # exp keeps its result for the backward pass
    with torch.no_grad():
        assert cost.peak_bytes(lambda: x.exp().exp().exp()) == 8000


def test_only_the_profilers_own_lines_are_kept_from_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    cost.peak_bytes(lambda: os.write(2, b"a warning\n"))
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "a warning\nlater\n"


def test_costs_at_lengths_of_different_repeats() -> None:
    calls = lambda length: {"work": {"one": lambda: torch.zeros(length), "two": lambda: torch.zeros(2 * length)}}  # noqa: E731
    measured = cost.against_length(calls, {100: 3, 1000: 1})
    assert measured["seconds"].dims == ("work", "form", "length", "repeat")
    assert measured["seconds"].notnull().sum("repeat").sel(work="work", form="two").values.tolist() == [3, 1]
    assert measured["bytes"].sel(work="work").values.tolist() == [[400, 4000], [800, 8000]]
    assert measured["length"].values.tolist() == [100, 1000]
    assert (measured["seconds"].attrs["units"], measured["bytes"].attrs["units"]) == ("s", "byte")


@pytest.mark.parametrize(
    ("ratios", "first"),
    [([2.0, 3.0, 4.0], 1), ([0.5, 1.5, 2.0], 2), ([2.0, 0.9, 1.1], 4), ([2.0, 2.0, 1.0], None), ([0.1] * 3, None)],
)
def test_ahead_means_ahead_at_every_longer_length(ratios: list[float], first: int | None) -> None:
    assert cost.ahead_from([1, 2, 4], ratios) == first


@given(st.floats(-3, 3), st.floats(0.01, 100))
def test_the_slope_of_a_power_law_is_its_exponent(power: float, factor: float) -> None:
    lengths = np.array([64, 100, 256, 1000])
    assert cost.loglog_slope(lengths, factor * lengths**power) == pytest.approx(power, abs=1e-9)


def test_one_length_has_no_slope() -> None:
    with pytest.raises(InputError, match="at least two lengths, but there is 1"):
        cost.loglog_slope([64], [1.0])
