"""Weights or answers that were measured or simulated elsewhere, from files: a Program and a Trace for `identify`.

A recording is one of

- a NetCDF-4 file with variables of the names and dims in `DIMS`;
- a folder of NPY files, one for each of these names, with the dims in their order;
- a folder of CSV files, one row for each number (`neurofwp.identification.given_tables`);
- the result of a run, a folder or its ``result.nc``, with the groups /program, /spiking and, if there is one, /repeat.

What is of one episode may lack the dim ``episode``. NaN among weights stands for what was not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from neurofwp import program as programs, trace as traces
from neurofwp.errors import InputError, unknown
from neurofwp.identification import given_tables
from neurofwp.runtime import files, provenance
from neurofwp.schema import Dims

_WEIGHT, _KEY, _VALUE = ("episode", "event", "post", "pre"), ("episode", "event", "pre"), ("episode", "event", "post")
_EVENT, _SYNAPSE = ("episode", "event"), ("episode", "post", "pre")
DIMS: dict[str, Dims] = {
    "weight": _WEIGHT,  # after each event; or with polarity (ON, OFF) between event and post
    "repeat": _WEIGHT,  # the weights of an independent second run
    "recall": _VALUE,  # where weights are latent: the answer to the query of each event
    "recall_repeat": _VALUE,
    "key": _KEY,
    "value": _VALUE,
    "query": _KEY,
    "target": _VALUE,
    "write_gate": _EVENT,
    "retention": _EVENT,
    "duration": _EVENT,
    "initial_weight": _SYNAPSE,
    "noise": (),  # standard deviation of each weight's measurement error, in the weights' unit
}
REQUIRED = ("key", "value")  # and weight, or recall and query
BROADCAST = ("write_gate", "retention", "duration", "initial_weight")  # may be one number


class Given(NamedTuple):
    """A recording: repeat and noise are None where it has none. observed : "weights", or "reads" where it has none."""

    program: xr.Dataset
    trace: xr.Dataset
    repeat: xr.Dataset | None
    noise: float | None
    observed: str = "weights"


def read(path: str | Path, *, units: str | None = None) -> Given:
    """Read a recording.

    Parameters
    ----------
    path : a file or a folder, see above.
    units : of the weights, like "nS", where the files do not say them: NetCDF says them in the attribute ``units`` of
        ``weight``, CSV in the heading ``weight (nS)``, and NPY nowhere.

    Raises
    ------
    InputError
        one sentence that names the file, and the variable or the column and row, and says what would be right.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"there is no file or folder {str(path)!r}")
    if path.is_dir() and not (path / files.RESULT).is_file():
        return _folder(path, units)
    file = path / files.RESULT if path.is_dir() else path
    if file.suffix in (".csv", ".npy"):
        raise InputError(f"{str(file)!r} is one file of several: name the folder that it is in, {str(file.parent)!r}")
    tree = files.read_tree(file)
    if "experiment" in tree.attrs or "program" in tree.children:
        return _run(tree, file, units)
    return _netcdf(tree.to_dataset(), file, units)


def _run(tree: xr.DataTree, file: Path, units: str | None) -> Given:
    """Of a run: the spiking network's Trace, and its repeat."""
    missing = [name for name in ("program", "spiking") if name not in tree.children]
    if missing:
        has = ", ".join(f"/{name}" for name in tree.children) or "no groups"
        raise InputError(
            f"{str(file)!r} needs the groups /program and /spiking for weights to be read from it, but has {has}"
        )
    program, trace = (tree[name].to_dataset() for name in ("program", "spiking"))
    repeat = tree["repeat"].to_dataset() if "repeat" in tree.children else None
    traces.check(trace)
    _unit(units, trace["weight"].attrs["units"], str(file))
    return Given(programs.check(program), trace, None if repeat is None else traces.check(repeat), None)


def _netcdf(data: xr.Dataset, file: Path, units: str | None) -> Given:
    names = {name: f"variable {name!r} of {str(file)!r}" for name in DIMS}
    for name in map(str, data.data_vars):
        if name not in DIMS:
            raise unknown(f"variable in {str(file)!r}", name, DIMS)
    arrays = {str(name): _in_order(array, str(name), names) for name, array in data.data_vars.items()}
    if "noise" in data.attrs and "noise" not in arrays:
        arrays["noise"] = xr.DataArray(data.attrs["noise"])
    own = (data[name].attrs.get("units") for name in ("weight", "recall") if name in data)
    said = next((unit for unit in own if unit), None)
    return _assemble(arrays, names, file, _unit(units, said, str(file)))


def _in_order(array: xr.DataArray, name: str, names: Mapping[str, str]) -> xr.DataArray:
    """A variable with its dims in the order of `DIMS`."""
    dims = DIMS[name]
    if name in ("weight", "repeat", "initial_weight") and "polarity" in array.dims:
        dims = (*dims[:-2], "polarity", *dims[-2:])
    extra, missing = set(array.dims) - set(dims), set(dims) - set(array.dims) - {"episode"}
    if extra or (missing and not (name in BROADCAST and not array.ndim)):
        raise InputError(f"{names[name]} has the dims {_words(array.dims)}, but needs {_words(dims)}")
    return array.transpose(*(dim for dim in dims if dim in array.dims))


def _folder(folder: Path, units: str | None) -> Given:
    """CSV or NPY files."""
    found = {kind: sorted(folder.glob(f"*.{kind}")) for kind in ("csv", "npy")}
    if not any(found.values()):
        raise InputError(
            f"the folder {str(folder)!r} has no CSV or NPY files: it needs keys.csv, values.csv and weights.csv, or "
            "key.npy, value.npy and weight.npy"
        )
    if all(found.values()):
        raise InputError(
            f"the folder {str(folder)!r} has CSV and NPY files, {found['csv'][0].name} and {found['npy'][0].name}: "
            "give all arrays in one of the two"
        )
    if found["csv"]:
        arrays, said = given_tables.read(folder, found["csv"])
        names = {array: f"{str(folder / file)!r}" for array, file in given_tables.FILES.items()}
        return _assemble(arrays, names, folder, _unit(units, said, str(folder)))
    names = {name: f"{str(folder / f'{name}.npy')!r}" for name in DIMS}
    for file in found["npy"]:
        if file.stem not in DIMS:
            raise unknown(f"file in {str(folder)!r}:", file.name, [f"{name}.npy" for name in DIMS])
    arrays = {file.stem: _npy(file) for file in found["npy"]}
    return _assemble(arrays, names, folder, _unit(units, None, str(folder)))


def _npy(file: Path) -> xr.DataArray:
    """An NPY file, whose dims are known by their number."""
    try:
        array = np.load(file, allow_pickle=False)
    except Exception as error:  # of many kinds, where its header is damaged
        raise InputError(f"{str(file)!r} is not an NPY file of numbers: {error}") from error
    dims = DIMS[file.stem]
    choices = {len(dims): dims, max(len(dims) - 1, 0): dims[1:]}
    if file.stem in BROADCAST:
        choices[0] = ()
    if dims == _WEIGHT:
        choices[5] = (*dims[:2], "polarity", *dims[2:])
    if array.dtype.kind not in "fiub":
        raise InputError(f"{str(file)!r} must hold numbers, not {array.dtype}")
    if array.ndim not in choices:
        either = " or ".join(_words(each) for each in choices.values())
        raise InputError(f"{str(file)!r} has the shape {array.shape}, but needs the dims {either}")
    return xr.DataArray(array, dims=choices[array.ndim])


def _unit(asked: str | None, said: str | None, where: str) -> str:
    """The unit of the weights."""
    if asked and said and asked != said:
        raise InputError(f"the weights of {where!r} are in {said!r}, as it says itself, and not in {asked!r}")
    if not (asked or said):
        raise InputError(
            f"{where!r} does not say the unit of its weights: give it, with --units nS or in Python units='nS'; "
            "1 where they have none"
        )
    return str(asked or said)


def _assemble(arrays: Mapping[str, xr.DataArray], names: Mapping[str, str], path: Path, units: str) -> Given:
    """Program and Trace of arrays whose dims are in order; `names` says where each is, for errors."""
    latent = "weight" not in arrays and "recall" in arrays
    for name in (*REQUIRED, *(("query",) if latent else ("weight",))):
        if name not in arrays:
            raise InputError(f"{str(path)!r} has no {name}: {names[name]} is missing")
    own = {
        name: array.expand_dims("episode") if "event" in DIMS[name] and name not in BROADCAST
        and "episode" not in array.dims else array
        for name, array in arrays.items()
    }  # fmt: skip
    _check_sizes(own, names)
    signals = {name: own[name].values for name in programs.SCHEMA.variables if name in own}
    try:
        program = programs.from_arrays(**signals)
        runs = [
            _trace(own.get(weight), own.get(recall), own.get("initial_weight"), program.sizes["pre"], units, path)
            for weight, recall in (("weight", "recall"), ("repeat", "recall_repeat"))
            if weight in own or recall in own
        ]
    except InputError as error:
        raise InputError(f"{str(path)!r}: {error}") from error
    repeat = runs[1] if len(runs) > 1 else None
    return Given(program, runs[0], repeat, _noise(own.get("noise"), names), "reads" if latent else "weights")


def _trace(
    weight: xr.DataArray | None,
    recall: xr.DataArray | None,
    initial: xr.DataArray | None,
    pre: int,
    units: str,
    path: Path,
) -> xr.Dataset:
    """Of weights, of answers, or of both."""
    plain = {
        name: each.drop_vars(list(each.coords)).drop_attrs().astype(float)
        for name, each in {"weight": weight, "recall": recall, "initial": initial}.items()
        if each is not None
    }
    how: dict[str, Any] = {"units": units, "initial_weight": plain.get("initial")}
    if "weight" not in plain:
        made = traces.from_answers(plain["recall"], pre=pre, **how)
    else:
        made = traces.from_weights(plain["weight"], **how)
        if "recall" in plain:
            made = made.assign(recall=plain["recall"].assign_attrs(units=units))
    return provenance.stamp(made, config={"weights": "given", "file": str(path)}, seed=None)


def _noise(noise: xr.DataArray | None, names: Mapping[str, str]) -> float | None:
    if noise is None:
        return None
    try:
        number = float(noise)
    except (TypeError, ValueError):
        number = np.nan
    if not number > 0:
        raise InputError(f"{names['noise']} must be one number above 0, in the weights' unit, not {noise.values}")
    return number


def _check_sizes(arrays: Mapping[str, xr.DataArray], names: Mapping[str, str]) -> None:
    """Keys say how many episodes, events and presynaptic cells there are, and values how many postsynaptic ones."""
    of_dim = {"episode": "key", "event": "key", "pre": "key", "post": "value"}
    for name, array in arrays.items():
        for dim, size in ((str(dim), size) for dim, size in array.sizes.items() if dim in of_dim):
            right = arrays[of_dim[dim]].sizes[dim]
            if size != right:
                raise InputError(
                    f"{names[name]} has {size} along {dim!r}, but {names[of_dim[dim]]} has {right}: they must agree"
                )
        if array.sizes.get("polarity", 2) != 2:
            raise InputError(f"{names[name]} has {array.sizes['polarity']} along 'polarity', but needs 2, ON and OFF")


def _words(dims: tuple[object, ...]) -> str:
    return f"({', '.join(map(str, dims))})"
