"""The schema of a Trace, and its way to a NetCDF file and back."""

from __future__ import annotations

from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import xarray as xr
from brian2 import nS
from hypothesis import HealthCheck, given, settings, strategies as st

from neurofwp import program, trace
from neurofwp.errors import InputError
from neurofwp.runtime import files

REQUIRED = [name for name, each in trace.SCHEMA.variables.items() if not each.optional]


def test_a_trace_comes_back_exactly(small_trace: xr.Dataset, tmp_path: Path) -> None:
    path = trace.save(small_trace, tmp_path / "trace.nc")
    loaded = trace.load(path)
    xr.testing.assert_identical(loaded, small_trace)  # values, dims, coords, names and all attrs
    for name in small_trace.variables:
        assert loaded[name].dtype.kind == small_trace[name].dtype.kind
        assert loaded[name].attrs == small_trace[name].attrs
    assert [file.name for file in tmp_path.iterdir()] == ["trace.nc"]


def test_a_loaded_trace_lives_without_its_file(small_trace: xr.Dataset, tmp_path: Path) -> None:
    path = trace.save(small_trace, tmp_path / "trace.nc")
    loaded = trace.load(path)
    path.unlink()
    xr.testing.assert_identical(loaded, small_trace)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(hnp.arrays(np.float64, (2, 3, 4, 5), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_every_finite_weight_survives_to_the_last_bit(
    small_trace: xr.Dataset, tmp_path: Path, numbers: np.ndarray
) -> None:
    small_trace["weight"][:] = numbers
    loaded = trace.load(trace.save(small_trace, tmp_path / "trace.nc"))
    assert loaded["weight"].values.tobytes() == numbers.tobytes()


@pytest.mark.parametrize("bad", [-np.inf, np.inf])
def test_a_weight_that_is_infinite_is_located(small_trace: xr.Dataset, bad: float) -> None:
    small_trace["weight"][1, 2, 3, 4] = bad
    with pytest.raises(
        InputError, match="^weight must be finite or NaN, but is (-inf|inf) at episode 1, event 2, post 3, pre 4$"
    ):
        trace.check(small_trace)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_named(small_trace: xr.Dataset, name: str) -> None:
    with pytest.raises(InputError, match=f"^the Trace has no variable '{name}', which has dims"):
        trace.check(small_trace.drop_vars(name))


@pytest.mark.parametrize("name", ["weight", "recall", "conductance"])
def test_dims_in_another_order_are_named(small_trace: xr.Dataset, name: str) -> None:
    with pytest.raises(InputError, match=f"^{name} has dims .*'episode'\\), but needs \\('episode', 'event'"):
        trace.check(small_trace.assign({name: small_trace[name].transpose(..., "episode")}))


def test_a_missing_unit_is_named(small_trace: xr.Dataset) -> None:
    del small_trace["recall"].attrs["units"]
    with pytest.raises(InputError, match=r"^recall has no attrs\['units'\]$"):
        trace.check(small_trace)


@pytest.mark.parametrize("name", trace.PROVENANCE)
def test_missing_provenance_is_named(small_trace: xr.Dataset, name: str) -> None:
    del small_trace.attrs[name]
    with pytest.raises(InputError, match=f"^the Trace does not say its {name}$"):
        trace.check(small_trace)


def test_an_invalid_trace_is_not_saved(small_trace: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        trace.save(small_trace.drop_vars("recall"), tmp_path / "trace.nc")
    assert not list(tmp_path.iterdir())


def test_a_file_of_something_else_is_no_trace(small_program: xr.Dataset, tmp_path: Path) -> None:
    path = files.write_netcdf(small_program, tmp_path / "program.nc")
    with pytest.raises(InputError, match=f"is not a Trace: attrs.* is '{program.KIND}', not '{trace.KIND}'$"):
        trace.load(path)


@pytest.mark.parametrize("content", [b"", b"weight,recall\n1,2\n", b"\x89HDF\r\n\x1a\n" + b"\0" * 64])
def test_a_file_that_is_no_netcdf_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.nc"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"notes\.nc' is not a NetCDF-4 file that can be read"):
        trace.load(path)


def test_half_a_file_is_refused_by_name(small_trace: xr.Dataset, tmp_path: Path) -> None:
    path = trace.save(small_trace, tmp_path / "trace.nc")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"trace\.nc' is not a NetCDF-4 file that can be read"):
        trace.load(path)


def test_no_file_at_all_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^there is no file '.*nowhere\.nc'$"):
        trace.load(tmp_path / "nowhere.nc")


def test_units_may_be_those_of_brian2_and_weights_are_numbers(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).random((2, 3, 4, 5))
    made = trace.from_weights(weight, units=nS)
    assert made["weight"].attrs["units"] == "nS"
    xr.testing.assert_identical(trace.load(trace.save(made, tmp_path / "trace.nc")), made)
    with pytest.raises(InputError, match="weight is a Brian2 quantity in S: give plain numbers and their unit"):
        trace.from_weights(weight * nS, units="nS")
    with pytest.raises(InputError, match="initial_weight is a Brian2 quantity in S"):
        trace.from_weights(weight, units="nS", initial_weight=1 * nS)
