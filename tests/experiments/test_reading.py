"""What the reading experiment reports, from a network whose weights fade by a known share at every event."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from neurofwp.experiments import reading
from neurofwp.rate import RateNetwork
from neurofwp.slownet import FixedEncoder
from neurofwp.tasks import digit_pairs


@pytest.mark.parametrize("decay", [1.0, 0.99])
def test_the_change_is_measured_from_before_the_first_read(decay: float) -> None:
    settings = reading.Settings(pairs=3, reads=4, episodes=2)
    program = FixedEncoder(pre=60, active=6)(digit_pairs(3, 2, reads=4, seed=1)).isel(post=slice(20, 28))
    trace = RateNetwork("fixed_decay", parameters={"decay": decay}, on_off=True).run(program)
    curves = [reading._curve(program, trace, settings)] * 2
    curve = xr.concat(curves, dim=xr.DataArray(list(reading.GATES), dims="gate", name="gate"))
    numbers = reading.summary(xr.DataTree.from_dict({"/reads": curve}))
    written = trace["conductance"].isel(event=2).mean().item()
    assert numbers["closed.mean_weight.first"] == pytest.approx(written, rel=1e-12)
    assert numbers["closed.mean_weight.change"] == pytest.approx(decay**12 - 1, abs=1e-12)  # 4 passes over 3 pairs
    assert curve.sizes["read"] == 4
    if decay == 1:
        np.testing.assert_allclose(curve["r2"].sel(gate="closed"), curve["r2"].isel(read=0, gate=0), rtol=1e-12)
    else:
        assert numbers["closed.r2.change"] < 0
