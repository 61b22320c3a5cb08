"""Finished parts of a long run, kept in its folder, so that an interrupted one goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.runtime import files, processes, provenance
from neurofwp.runtime.progress import progress_bar

log = logging.getLogger("neurofwp")


def place(folder: Path | None, name: str, *what: Any) -> Path | None:
    """Where a part is kept: `what` it is made from changes the name, and so do versions and the commit.

    Parameters
    ----------
    what : Datasets count by their data and config, anything else by its JSON, or its text where it has none.

    Returns
    -------
    None without a folder, or where no commit names the code: what other code left must not be taken up.
    """
    if folder is None or not provenance.reproducible():
        return None
    sha = hashlib.sha256()
    for each in (*what, provenance.versions(), provenance.commit()):
        sha.update(_digest(each) if isinstance(each, xr.Dataset) else _text(each))
    return folder / f"{name}-{sha.hexdigest()[:16]}.nc"


def kept(path: Path | None) -> xr.Dataset | None:
    """The part that lies there, if it is whole."""
    try:
        return files.read_netcdf(path) if path is not None and path.is_file() else None
    except InputError:
        return None  # damaged: make it again


def keep(part: xr.Dataset, path: Path | None) -> xr.Dataset:
    """Write a part to its place, if it has one, and return it."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_netcdf(part, path)
    return part


def made(
    work: Callable[..., xr.Dataset],
    cases: Mapping[str, tuple[Any, ...]],
    *,
    folder: Path | None = None,
    describe: str = "done",
    workers: int | None = None,
) -> dict[str, xr.Dataset]:
    """`work(*arguments)` for every case that was not kept, in parallel processes of one thread each, with progress.

    Parameters
    ----------
    work : a function that can be imported. cases : its arguments, by the names of the parts.
    describe : what the progress bar says. workers : processes; by default one per core.

    Returns
    -------
    The parts in the order of the cases.
    """
    paths = {name: place(folder, name, work.__qualname__, *arguments) for name, arguments in cases.items()}
    found = {name: part for name, path in paths.items() if (part := kept(path)) is not None}
    waiting = [name for name in cases if name not in found]
    log.info("%s: %d of %d were kept", describe, len(found), len(cases))
    with (
        # one process per core: threads of each would wait for those of the others
        processes.pool(len(waiting), workers, initializer=torch.set_num_threads, initargs=(1,)) as pool,
        progress_bar(desc=describe, total=len(cases), initial=len(found)) as bar,
    ):
        running = {pool.submit(_make, work, cases[name], paths[name]): name for name in waiting}
        for future in as_completed(running):
            found[running[future]] = future.result()
            bar.update()
    return {name: found[name] for name in cases}


def _make(work: Callable[..., xr.Dataset], arguments: tuple[Any, ...], path: Path | None) -> xr.Dataset:
    return keep(work(*arguments), path)


def _digest(data: xr.Dataset) -> bytes:
    sha = hashlib.sha256(_text({key: data.attrs.get(key) for key in ("kind", "config", "seed")}))
    for name in sorted(map(str, data.variables)):
        sha.update(_text([name, data[name].dims, data[name].shape]))
        values = data[name].values
        sha.update(_text(values.tolist()) if values.dtype.kind in "OU" else np.ascontiguousarray(values).tobytes())
    return sha.digest()


def _text(what: Any) -> bytes:
    return json.dumps(what, sort_keys=True, default=str).encode()
