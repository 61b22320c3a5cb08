"""Reading and writing result files so that a crash leaves no half file behind."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurofwp.errors import InputError
from neurofwp.runtime import migrations, parts
from neurofwp.runtime.lazy import np, xr

RESULT = "result.nc"  # in the folder of a run
CONTENTS = "contents"  # attribute of a file with groups


@contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; renamed to `path` on success, removed on failure."""
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def output_folder(path: str | Path) -> Path:
    """Make `path` a folder that can be written to.

    Raises
    ------
    InputError
        if it cannot be made or written, before any work is done.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".writable.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"cannot write to the output folder {str(path)!r}: {reason}; choose another with --out"
        ) from error
    return path


@contextmanager
def _without_distributed() -> Iterator[None]:
    """Spare xarray the import of dask's `distributed`, by which it asks whether files are written from a cluster.

    Where nobody has imported it, none is.
    """
    if "distributed" in sys.modules:
        yield
        return
    sys.modules["distributed"] = None  # type: ignore[assignment]  # an import of it then fails, as xarray expects
    try:
        yield
    finally:
        del sys.modules["distributed"]


def write_netcdf(data: xr.Dataset | xr.DataTree, path: str | Path) -> Path:
    """Write a Dataset, or a tree of them (one NetCDF group each), compressed.

    What has dimensions of its own has a group of its own (`parts`). The file's attribute ``format`` is
    `migrations.FORMAT`, by which it can be read when names have changed; where there are groups, ``contents`` says
    which, to those who open the first one alone.
    """
    path = Path(path)
    data = parts.split(data).copy(deep=False)
    data.attrs[migrations.ATTRIBUTE] = migrations.FORMAT
    if isinstance(data, xr.DataTree):
        groups = ", ".join(group.path for group in data.subtree if group.has_data and group.path != "/")
        data.attrs[CONTENTS] = f"open with xarray.open_datatree; groups: {groups}"
    with replace_file(path) as temporary, _without_distributed():
        if isinstance(data, xr.DataTree):
            encoding = {group.path: _compression(group.to_dataset()) for group in data.subtree}
            data.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)
        else:
            data.to_netcdf(temporary, engine="h5netcdf", encoding=_compression(data))
    return path


def read_netcdf(path: str | Path) -> xr.Dataset:
    """Read one Dataset into memory; see `read_tree` for a file with groups."""
    return read_tree(path).to_dataset()


def read_tree(path: str | Path) -> xr.DataTree:
    """Read a NetCDF file with all of its groups into memory, in the names of today (`migrations`).

    Raises
    ------
    InputError
        if there is no such file, it is not NetCDF-4, or a newer neurofwp wrote it.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no file {str(path)!r}")
    try:
        with _without_distributed(), xr.open_datatree(path, engine="h5netcdf") as tree:
            loaded = tree.load()
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} is not a NetCDF-4 file that can be read: {error}") from error
    loaded.attrs.pop(CONTENTS, None)
    return parts.join(migrations.migrate(loaded, path))


def write_json(numbers: dict[str, Any], path: str | Path) -> Path:
    """Write a summary as JSON; NumPy numbers become plain ones, and NaN and infinity, which JSON lacks, null."""
    path = Path(path)
    with replace_file(path) as temporary:
        temporary.write_text(json.dumps(_plain(numbers), indent=2, allow_nan=False) + "\n")
    return path


def _compression(data: xr.Dataset) -> dict[str, dict[str, Any]]:
    numeric = (name for name, variable in data.data_vars.items() if variable.dtype.kind in "fiu" and variable.ndim)
    return {str(name): {"zlib": True, "complevel": 1} for name in numeric}


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
