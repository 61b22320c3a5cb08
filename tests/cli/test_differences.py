"""Whether two results are the same."""

import numpy as np
import xarray as xr

from neurofwp.cli.differences import differing
from neurofwp.runtime.experiment import SPEED


def result(weight: float, speed: float) -> xr.DataTree:
    attrs = {"units": "bytes/second", SPEED: "of this machine"}
    weights = xr.Dataset({"weight": ("cell", [weight, np.nan], {"units": "nS"}), "speed": ((), speed, attrs)})
    return xr.DataTree.from_dict({"/models": weights})


def test_a_faster_machine_finds_the_same() -> None:
    assert differing(result(1.0, 100.0), result(1.0, 200.0)) == []


def test_the_last_bit_counts() -> None:
    (found,) = differing(result(1.0, 100.0), result(1.0 + 2**-52, 100.0))
    assert (found.name, found.what) == ("/models/weight", "has 1 other values of 2, by 2.22e-16 nS at most")
