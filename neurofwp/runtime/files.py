"""Reading and writing result files so that a crash leaves no half file behind."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neurofwp.errors import InputError
from neurofwp.runtime import children, digest, migrations
from neurofwp.runtime.lazy import np, xr

RESULT = "result.nc"  # in the folder of a run
SWEEP = "sweep.nc"  # in that of a sweep
CONTENTS = "contents"  # attribute of a file with groups
PROBE = 4096  # bytes that a folder must have room for


@contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; renamed to `path` on success, removed on failure.

    The folder is made where it is not there, or not any more.

    Raises
    ------
    InputError
        for an OSError on the way: the disk is full, nobody may write there, a file may not become so large.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with children.temporary_path(temporary):
            yield temporary
            os.replace(temporary, path)
    except OSError as error:
        raise InputError(
            f"cannot write {str(path)!r}: {error.strerror or error}; make room there, or choose another folder, and "
            "give the same command again: what was finished before is kept"
        ) from error


def write_bytes(content: bytes, path: str | Path) -> Path:
    """Write a file whose content is whole in memory; when this returns, it is on the disk.

    Raises
    ------
    InputError
        as `replace_file` does.
    """
    path = Path(path)
    with replace_file(path) as temporary, temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path


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
        try:
            probe.write_bytes(bytes(PROBE))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"cannot write to the output folder {str(path)!r}: {reason}; choose another with --out"
        ) from error
    return path


@contextmanager
def _without_distributed() -> Iterator[None]:
    """Keep dask's `distributed` out of files: xarray imports it, to ask whether they are written from a cluster.

    Where nobody has imported it, none is. Where somebody has, no lock of a cluster is needed: content is written in
    memory.
    """
    if "distributed" in sys.modules:
        import dask

        with dask.config.set(scheduler="synchronous"):
            yield
        return
    sys.modules["distributed"] = None  # type: ignore[assignment]  # an import of it then fails, as xarray expects
    try:
        yield
    finally:
        del sys.modules["distributed"]


def write_netcdf(data: xr.Dataset | xr.DataTree, path: str | Path) -> Path:
    """Write a Dataset, or a tree of them (one NetCDF group each), compressed.

    The file's attribute ``format`` is `migrations.FORMAT`, by which it can be read when names have changed; where there
    are groups, ``contents`` says which, to those who open the first one alone. The last line is the SHA-256 of all
    before it (`digest`).
    """
    data = data.copy(deep=False)
    data.attrs[migrations.ATTRIBUTE] = migrations.FORMAT
    if isinstance(data, xr.DataTree):
        groups = ", ".join(group.path for group in data.subtree if group.has_data and group.path != "/")
        if groups:
            data.attrs[CONTENTS] = f"open with xarray.open_datatree; groups: {groups}"
    # in memory first: HDF5 writes to a disk that is full by a segmentation fault
    with _without_distributed():
        if isinstance(data, xr.DataTree):
            encoding = {group.path: _compression(group.to_dataset()) for group in data.subtree}
            content = data.to_netcdf(None, engine="h5netcdf", encoding=encoding)
        else:
            content = data.to_netcdf(None, engine="h5netcdf", encoding=_compression(data))
    return write_bytes(digest.seal(content), path)


def read_netcdf(path: str | Path) -> xr.Dataset:
    """Read one Dataset into memory; see `read_tree` for a file with groups."""
    return read_tree(path).to_dataset()


def read_tree(path: str | Path, *, sealed: bool = False) -> xr.DataTree:
    """Read a NetCDF file with all of its groups into memory, in the names of today (`migrations`).

    sealed : as of `digest.check`.

    Raises
    ------
    InputError
        if there is no such file, it is damaged, it is not NetCDF-4, or a newer neurofwp wrote it.
    """
    import h5py

    if not Path(path).is_file():
        raise InputError(f"there is no file {str(path)!r}")
    try:
        digest.check(Path(path), sealed=sealed)
        with h5py.File(path):  # what is no HDF5 would leave h5netcdf half open, of which it complains at its end
            pass
        with _without_distributed(), xr.open_datatree(path, engine="h5netcdf") as tree:
            loaded = tree.load()
    except InputError:
        raise
    except Exception as error:  # of many kinds, where a file without a digest is damaged
        raise InputError(f"{str(path)!r} is not a NetCDF-4 file that can be read: {error}") from error
    _check_units(loaded, path)
    loaded.attrs.pop(CONTENTS, None)
    return migrations.migrate(loaded, path)


def write_json(numbers: Mapping[str, Any], path: str | Path) -> Path:
    """Write a summary as JSON; NumPy numbers become plain ones, and NaN and infinity, which JSON lacks, null.

    Its key "sha256" is the hash of the others (`digest`).
    """
    text = json.dumps(digest.seal_json(_plain(numbers)), indent=2, allow_nan=False)
    return write_bytes(f"{text}\n".encode(), path)


def read_json(path: str | Path) -> dict[str, Any]:
    """What `write_json` wrote, without the hash.

    Raises
    ------
    InputError
        if there is no such file, it is damaged, or it is no JSON with keys.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is not JSON that can be read: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{str(path)!r} must be a JSON object with keys, not {type(content).__name__}")
    return digest.open_json(content, path)


def _check_units(tree: xr.DataTree, path: str | Path) -> None:
    for group in tree.subtree:
        for name, variable in group.variables.items():
            if not isinstance(units := variable.attrs.get("units", ""), str):
                raise InputError(f"the units of {name} in {str(path)!r} must be text, not {type(units).__name__}")


def _compression(data: xr.Dataset) -> dict[str, dict[str, Any]]:
    numeric = (name for name, variable in data.data_vars.items() if variable.dtype.kind in "fiu" and variable.ndim)
    return {str(name): {"zlib": True, "complevel": 1} for name in numeric}


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
