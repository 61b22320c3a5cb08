"""Erasure by background firing."""

from __future__ import annotations

from neurofwp import theory
from neurofwp.synapses import load


def test_erasure_follows_the_closed_form() -> None:
    values = load("graupner-brunel-cortical-slice").values
    table = theory.poisson_erasure(values, (5.0, 20.0), seed=0)
    # an average over synapses of an exponential is above that of its exponent: the more, the fewer spikes it takes
    excess = table["tau"] - table["tau_closed"]
    assert (abs(excess) < 3.3 * table["tau_sem"] + 0.03 * table["tau_closed"]).all()
    assert 0.9 * 1.3 < float(table["tau_closed"].sel(rate=20)) < 1.1 * 1.3  # s, of the published set
    assert float(table["tau_closed"].sel(rate=5)) > 5 * float(table["tau_closed"].sel(rate=20))
