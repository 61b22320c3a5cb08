"""The schema of a Program: what it accepts, and what it says about what it does not."""

from __future__ import annotations

import re

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, mV, second
from hypothesis import given, strategies as st

from neurofwp import program
from neurofwp.errors import InputError

EPISODES, EVENTS, PRE, POST = 2, 3, 5, 4
REQUIRED = [name for name, each in program.SCHEMA.variables.items() if not each.optional]
SHAPES = {
    "key": (EPISODES, EVENTS, PRE),
    "value": (EPISODES, EVENTS, POST),
    "query": (EPISODES, EVENTS, PRE),
    "write_gate": (EPISODES, EVENTS),
    "retention": (EPISODES, EVENTS),
    "duration": (EPISODES, EVENTS),
}
ALLOWED = {
    "key": ">= 0",
    "value": "in [-1, 1]",
    "query": ">= 0",
    "write_gate": "in [0, 1]",
    "retention": "in [0, 1]",
    "duration": "> 0",
}
NOT_FINITE = st.sampled_from([np.nan, np.inf, -np.inf])
BELOW_ZERO = st.floats(max_value=0, exclude_max=True, allow_nan=False)
ABOVE_ONE = st.floats(min_value=1, exclude_min=True, allow_nan=False)
FORBIDDEN = {
    "key": NOT_FINITE | BELOW_ZERO,
    "value": NOT_FINITE | ABOVE_ONE | ABOVE_ONE.map(lambda number: -number),
    "query": NOT_FINITE | BELOW_ZERO,
    "write_gate": NOT_FINITE | BELOW_ZERO | ABOVE_ONE,
    "retention": NOT_FINITE | BELOW_ZERO | ABOVE_ONE,
    "duration": NOT_FINITE | BELOW_ZERO | st.just(0.0),
}


def arrays() -> dict[str, np.ndarray]:
    """Valid arrays for every variable."""
    return {name: np.full(shape, 0.5) for name, shape in SHAPES.items()}


@st.composite
def one_bad_number(draw: st.DrawFn) -> tuple[str, tuple[int, ...], float]:
    name = draw(st.sampled_from(sorted(SHAPES)))
    index = draw(st.tuples(*(st.integers(0, size - 1) for size in SHAPES[name])))
    return name, index, draw(FORBIDDEN[name])


@given(one_bad_number())
def test_a_number_out_of_range_is_named_with_its_index_and_the_range(bad: tuple[str, tuple[int, ...], float]) -> None:
    name, index, number = bad
    given_arrays = arrays()
    given_arrays[name][index] = number
    with pytest.raises(InputError) as raised:
        program.from_arrays(**given_arrays)
    where = ", ".join(f"{dim} {i}" for dim, i in zip(program.SCHEMA.dims[name], index, strict=True))
    assert str(raised.value) == f"{name} must be finite and {ALLOWED[name]}, but is {number:g} at {where}"


@given(
    st.fixed_dictionaries(
        {
            "key": hnp.arrays(float, SHAPES["key"], elements=st.floats(0, 1e6)),
            "value": hnp.arrays(float, SHAPES["value"], elements=st.floats(-1, 1)),
            "query": hnp.arrays(float, SHAPES["query"], elements=st.floats(0, 1e6)),
            "write_gate": hnp.arrays(float, SHAPES["write_gate"], elements=st.floats(0, 1)),
            "retention": hnp.arrays(float, SHAPES["retention"], elements=st.floats(0, 1)),
            "duration": hnp.arrays(float, SHAPES["duration"], elements=st.floats(0, 1e6, exclude_min=True)),
        }
    )
)
def test_every_number_in_range_is_kept_as_it_is(numbers: dict[str, np.ndarray]) -> None:
    built = program.from_arrays(**numbers)
    for name, expected in numbers.items():
        np.testing.assert_array_equal(built[name].values, expected)
        assert built[name].dims == program.SCHEMA.dims[name]
        assert built[name].attrs["units"] == ("ms" if name == "duration" else "1")


@pytest.mark.parametrize("name", sorted(set(SHAPES) | {"target"}))
def test_a_wrong_size_names_the_variable_and_both_shapes(name: str) -> None:
    given_arrays = arrays() | {"target": np.zeros(SHAPES["value"])}
    shape = given_arrays[name].shape
    wrong = (*shape[:1], shape[1] + 1, *shape[2:])
    given_arrays[name] = np.full(wrong, 0.5)
    with pytest.raises(InputError) as raised:
        program.from_arrays(**given_arrays)
    assert name in str(raised.value)
    assert str(wrong[:2]) in str(raised.value) or str(wrong) in str(raised.value)
    assert str(shape[:2]) in str(raised.value) or str(shape) in str(raised.value)


@pytest.mark.parametrize("name", ["query", "target"])
def test_query_and_target_must_be_as_wide_as_key_and_value(name: str) -> None:
    with pytest.raises(InputError, match=rf"^{name} has shape \(2, 3, 9\), but"):
        program.from_arrays(**arrays() | {name: np.zeros((EPISODES, EVENTS, 9))})


@pytest.mark.parametrize("key", [np.zeros(PRE), np.zeros((1, EPISODES, EVENTS, PRE)), 1.0])
def test_a_key_of_one_or_four_dims_is_refused(key: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"^key needs 3 dims \('episode', 'event', 'pre'\)"):
        program.from_arrays(key, np.zeros((EVENTS, POST)))


@pytest.mark.parametrize("key", [[["a", "b"]], [[1.0, 2.0], [3.0]], [[None, object()]]])
def test_what_is_no_array_of_numbers_is_refused(key: object) -> None:
    with pytest.raises(InputError, match="^key is not an array of numbers"):
        program.from_arrays(key, np.zeros((1, POST)))


def test_one_episode_and_one_number_are_spread_over_all_events() -> None:
    built = program.from_arrays(
        np.ones((EVENTS, PRE)), np.zeros((EVENTS, POST)), write_gate=[0.0, 0.5, 1.0], duration=250
    )
    assert dict(built.sizes) == {"episode": 1, "event": EVENTS, "pre": PRE, "post": POST}
    np.testing.assert_array_equal(built["write_gate"], [[0.0, 0.5, 1.0]])
    np.testing.assert_array_equal(built["duration"], [[250.0] * EVENTS])
    np.testing.assert_array_equal(built["retention"], [[1.0] * EVENTS])
    assert not built["query"].any()


@given(hnp.arrays(float, SHAPES["value"], elements=st.floats(-1, 1)))
def test_on_and_off_pools_carry_a_signed_value(value: np.ndarray) -> None:
    pools = program.on_off(program.from_arrays(np.ones(SHAPES["key"]), value))
    assert pools.dims == ("episode", "event", "polarity", "post")
    on, off = pools.sel(polarity="on"), pools.sel(polarity="off")
    assert ((pools >= 0) & (pools <= 1)).all()
    np.testing.assert_allclose(on - off, value, rtol=0, atol=1e-15)
    np.testing.assert_allclose(on + off, 1.0, rtol=0, atol=1e-15)


def test_check_returns_the_very_same_program(small_program: xr.Dataset) -> None:
    assert program.check(small_program) is small_program


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named(small_program: xr.Dataset, name: str) -> None:
    with pytest.raises(InputError, match=f"^the Program has no variable '{name}', which has dims"):
        program.check(small_program.drop_vars(name))


@pytest.mark.parametrize("name", program.SCHEMA.dims)
def test_dims_in_another_order_are_named(small_program: xr.Dataset, name: str) -> None:
    turned = small_program[name].transpose(..., "episode")
    with pytest.raises(InputError, match=rf"^{name} has dims {re.escape(str(turned.dims))}, but needs"):
        program.check(small_program.assign({name: turned}))


def test_what_is_no_program_is_refused(small_trace: xr.Dataset) -> None:
    with pytest.raises(InputError, match="not a Program: attrs\\['kind'\\] is 'neurofwp.trace'"):
        program.check(small_trace)
    with pytest.raises(InputError, match=r"is an xarray\.Dataset, not a dict$"):
        program.check({})


def test_durations_may_be_quantities_and_nothing_else() -> None:
    key, value = np.eye(3), np.zeros((3, 2))
    made = program.from_arrays(key, value, duration=[0.2, 0.3, 0.4] * second)
    np.testing.assert_allclose(made["duration"][0], [200, 300, 400])
    with pytest.raises(InputError, match=r"duration must be a time, like 500\*ms, not in V"):
        program.from_arrays(key, value, duration=3 * mV)
    with pytest.raises(InputError, match="key is a Brian2 quantity in Hz: give numbers without a unit"):
        program.from_arrays(key * Hz, value)
