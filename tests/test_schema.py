"""A Schema lets through what it describes, and names what it does not."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, strategies as st

from neurofwp.errors import InputError
from neurofwp.schema import Schema, Variable, require

SCHEMA = Schema(
    "Recording",
    "test.recording",
    {
        "rate": Variable(("cell", "time"), "firing rate", "Hz", low=0),
        "share": Variable(("cell",), "of spikes in bursts", "1", low=0, high=1, missing=True, optional=True),
        "duration": Variable((), "how long", "s", low=0, above=True),
        "tuned": Variable(("cell",), "whether", "1", dtype=bool, optional=True, or_dims=("time",)),
    },
    leading=("animal",),
    attrs=("seed",),
    units=True,
)


def recording() -> xr.Dataset:
    return xr.Dataset(
        {
            "rate": (("cell", "time"), np.ones((2, 3)), {"units": "Hz"}),
            "share": ("cell", [0.5, np.nan], {"units": "1"}),
            "duration": ((), 2.0, {"units": "s"}),
        },
        attrs={"kind": "test.recording", "seed": 0},
    )


def test_what_fits_comes_back_as_it_is() -> None:
    data = recording()
    assert SCHEMA.check(data) is data
    assert SCHEMA.check(data.drop_vars("share")) is not None
    leading = data.assign(rate=data["rate"].expand_dims(animal=4))
    assert SCHEMA.check(leading) is leading
    assert SCHEMA.check(data.assign(tuned=("time", np.ones(3, bool), {"units": "1"}))) is not None


@given(st.integers(0, 1), st.integers(0, 2), st.sampled_from([-1e-9, -3.0, np.nan, np.inf, -np.inf]))
def test_a_number_out_of_range_is_named_with_its_place(cell: int, time: int, number: float) -> None:
    data = recording()
    data["rate"][cell, time] = number
    where = f"rate must be finite and >= 0, but is {number:g} at cell {cell}, time {time}"
    with pytest.raises(InputError, match=f"^{re.escape(where)}$"):
        SCHEMA.check(data)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda data: data.drop_vars("rate"), "the Recording has no variable 'rate', which has dims ('cell', 'time')"),
        (lambda data: data.transpose("time", "cell"), "rate has dims ('time', 'cell'), but needs ('cell', 'time')"),
        (lambda data: data.assign(rate=data["rate"].expand_dims(dog=1)), "rate has dims ('dog', 'cell', 'time')"),
        (
            lambda data: data.assign(share=("cell", [2.0, 0.0], {"units": "1"})),
            "share must be in [0, 1] or NaN, but is 2",
        ),
        (lambda data: data.assign(duration=((), 0.0, {"units": "s"})), "duration must be finite and > 0, but is 0"),
        (lambda data: data.assign(tuned=("cell", [1.0, 0.0], {"units": "1"})), "tuned must be bool, not float64"),
        (
            lambda data: data.assign(tuned=((), True, {"units": "1"})),
            "tuned has dims (), but needs ('cell',) or ('time',)",
        ),
        (
            lambda data: data.assign(duration=((), 2.0, {"units": "ms"})),
            "duration of the Recording must be in 's', not",
        ),
        (lambda data: data.assign(share=("cell", [0.5, 0.5])), "share has no attrs['units']"),
        (lambda data: data.assign_attrs(kind="other"), "is not a Recording: attrs['kind'] is 'other'"),
        (
            lambda data: data.drop_attrs(deep=False).assign_attrs(kind="test.recording"),
            "the Recording does not say its seed",
        ),
        (lambda data: data["rate"], "a Recording is an xarray.Dataset, not a DataArray"),
    ],
)
def test_what_does_not_fit_is_named(spoil, sentence) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        SCHEMA.check(spoil(recording()))


def test_a_figure_says_what_it_needs() -> None:
    require(recording(), "recording", {"rate": ("time", "cell")})
    with pytest.raises(InputError, match="needs 'voltage' with dims .* which the recording does not have"):
        require(recording(), "recording", {"voltage": ("time",)})
    with pytest.raises(
        InputError, match=r"share of the recording has dims \('cell',\), but this figure needs \('time',\)"
    ):
        require(recording(), "recording", {"share": ("time",)})
