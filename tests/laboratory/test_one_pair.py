"""What is recorded around one pair of spikes."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.laboratory import record_pair
from neurofwp.synapses.model import load


def test_traces_of_calcium_omega_and_weight() -> None:
    """Shouval et al. 2002: potentiation where calcium passes 0.55, depression where it only passes 0.35."""
    traces = record_pair("shouval-2002")
    assert traces["protocol"].values.tolist() == ["pre before post", "post before pre"]
    assert (traces["post"] - traces["pre"]).values.tolist() == [10, -10]
    before = traces.sel(time=slice(None, -1))
    np.testing.assert_allclose(before["weight"], 0.25, atol=1e-5)
    np.testing.assert_allclose(before["omega"], 0.25, atol=1e-6)
    assert (before["calcium"] == 0).all()
    low, high = (traces["calcium"].attrs[f"{name}_threshold"] for name in ("depression", "potentiation"))
    top = traces["calcium"].max("time").values
    assert top[0] > high > top[1] > low
    gained = (traces["weight"].isel(time=-1) - 0.25).values
    assert gained[0] > 0.01
    assert gained[1] < -0.002
    # the weight follows Omega: dW/dt has the sign of Omega - W
    rising = traces["weight"].diff("time").values
    pull = (traces["omega"] - traces["weight"]).values[:, 1:]
    clear = (abs(rising) > 1e-5) & (abs(pull) > 0.02)
    assert clear.sum() > 100
    assert (np.sign(rising[clear]) == np.sign(pull[clear])).all()
    # a spike arrives where it is marked, 2 ms late as in the cell
    assert float(traces["voltage"].isel(protocol=0).idxmax("time")) == pytest.approx(12, abs=0.5)


def test_traces_are_without_noise_and_begin_where_synapses_are_found() -> None:
    """Half of the synapses of Graupner & Brunel are up, half are down, and single ones fluctuate."""
    name = "graupner-brunel-cortical-slice"
    one, other = record_pair(name), record_pair(name)
    xr.testing.assert_equal(one, other)
    assert one.attrs["noise"] == "without noise"
    values = load(name).values
    middle = float((values["w0"] + values["w1"]) / 2) * 1e9
    np.testing.assert_allclose(one["weight"].isel(time=0), middle)
    assert "omega" not in one
    np.testing.assert_allclose(one["calcium"].max("time"), [1.66, 1.24], atol=0.03)  # C_post on the rest of C_pre
