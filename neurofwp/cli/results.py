"""What `neurofwp run` leaves: written, and opened again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurofwp.cli.experiment_settings import to_json
from neurofwp.errors import InputError
from neurofwp.runtime import files, provenance
from neurofwp.runtime.experiment import Experiment

if TYPE_CHECKING:
    import xarray as xr

SUMMARY = "summary.json"


def open_result(path: Path) -> tuple[Path, xr.DataTree]:
    """The file and the tree in it, given a results folder or the file itself.

    Raises
    ------
    InputError
        if there is none, it is damaged, or it is not the result of an experiment.
    """
    file = path / files.RESULT if path.is_dir() else path
    result = files.read_tree(file)
    if "experiment" not in result.attrs:
        raise InputError(f"{str(file)!r} is not the result of an experiment: it does not say of which")
    return file, result


def read_summary(path: Path) -> dict[str, Any]:
    """The numbers beside a result, none where there is no file.

    Raises
    ------
    InputError
        if they are damaged, or a measure of recall is no number.
    """
    summary = files.read_json(path) if path.is_file() else {}
    for key, value in summary.items():
        number = value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
        if key.startswith("recall.") and not isinstance(value, list) and not number:
            raise InputError(f"{str(path)!r}: {key} must be a number or null, not {value!r}")
    return summary


def write(experiment: Experiment, result: xr.DataTree, settings: Any, seed: int, device: str, folder: Path) -> None:
    """Write what an experiment measured, with all that is needed to measure it again.

    The first group has the numbers of its tables, for those who open it alone.
    """
    result.attrs |= {
        "experiment": experiment.name,
        "settings": to_json(settings),
        "seed": seed,
        "device": device,
        "versions": json.dumps(provenance.versions(), sort_keys=True),
        "commit": provenance.commit(),
    }
    files.write_netcdf(_with_numbers(experiment, result), folder / files.RESULT)


def _with_numbers(experiment: Experiment, result: xr.DataTree) -> xr.DataTree:
    """The result as it is where its tables cannot be made: the data come first, and who makes them next says why."""
    from neurofwp.runtime import tables  # brings pandas

    try:
        numbers = tables.variables(experiment.tables(result))
    except Exception:
        return result
    whole = result.copy()
    own = result.to_dataset()
    whole.dataset = own.assign({name: each for name, each in numbers.items() if name not in own.variables})
    return whole
