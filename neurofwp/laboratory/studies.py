"""Measurements as points and as studies: what they hold, and how far from them a model is.

chi^2 per point is the mean of ((model - mean)/SEM)^2 over points that have a SEM.
"""

from __future__ import annotations

import logging
import math
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.laboratory.kinds import COORDINATES
from neurofwp.laboratory.measurements import Measurement, read
from neurofwp.laboratory.protocol import Protocol

log = logging.getLogger("neurofwp")

Columns = dict[str, tuple[list[float], dict[str, str]]]


def read_scorable(source: str | Path) -> list[Measurement]:
    """Measurements of a file that have a SEM.

    Raises
    ------
    InputError
        as `measurements.read`, and if none has one.
    """
    every = read(source)
    scorable = [each for each in every if each.sem > 0]
    if not scorable:
        raise InputError(f"no measurement of {str(source)!r} has a SEM, without which there is no chi^2")
    if len(scorable) < len(every):
        log.warning("%s: %d points without a SEM are left out", source, len(every) - len(scorable))
    return scorable


def read_studies(paths: Sequence[Path]) -> dict[str, list[Measurement]]:
    """Measurements with a SEM by study; a study that an earlier file has already, under a name with the file's.

    Raises
    ------
    InputError
        as `measurements.read`, and if no measurement has a SEM.
    """
    studies: dict[str, list[Measurement]] = {}
    for path in paths:
        known = {study_key(study) for study in studies}
        for each in read(path):
            if each.sem > 0:
                name = f"{each.study} ({path.stem})" if study_key(each.study) in known else each.study
                studies.setdefault(name, []).append(each)
    if not studies:
        raise InputError(f"no measurement of {', '.join(map(str, paths))} has a SEM, without which there is no chi^2")
    return studies


def study_key(study: str) -> str:
    """A study's name without accents and file, the same for two spellings of one study."""
    letters = unicodedata.normalize("NFKD", study.split(" (")[0])
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()


def first_digitisations(studies: Mapping[str, Sequence[Measurement]]) -> list[str]:
    """Names of studies, each in its first digitisation alone."""
    first: dict[str, str] = {}
    for study in studies:
        first.setdefault(study_key(study), study)
    return list(first.values())


def coordinate_columns(protocols: Sequence[Protocol]) -> Columns:
    """What sets protocols apart: (values, attributes) by name of the coordinate, NaN where a protocol has none."""
    columns: Columns = {}
    for name in dict.fromkeys(name for protocol in protocols for name in protocol.coordinates):
        meaning, unit = COORDINATES[name]
        values = [float(protocol.coordinates.get(name, math.nan)) for protocol in protocols]
        columns[name] = (values, {"long_name": meaning, "units": unit})
    return columns


def counts(measured: Sequence[Measurement]) -> list[float]:
    """How many cells each point has; NaN where that is not known."""
    return [math.nan if each.n is None else float(each.n) for each in measured]


def whole_numbers(values: xr.DataArray) -> xr.DataArray:
    """The same as integers, if all of them are known."""
    return values if values.isnull().any() else values.astype(np.int64, keep_attrs=True)


def chi2_per_point(points: xr.Dataset, over: str) -> xr.DataArray:
    """Mean of ((predicted - measured)/sem)^2 over ``point`` of each value of the variable `over`, in their order."""
    square = ((points["predicted"] - points["measured"]) / points["sem"]) ** 2
    groups = list(dict.fromkeys(points[over].values.tolist()))
    return square.groupby(points[over]).mean().transpose(..., over).sel({over: groups}).assign_attrs(units="1")
