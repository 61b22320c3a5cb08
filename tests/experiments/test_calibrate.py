"""What calibrate refuses, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurofwp import SpikingNetwork
from neurofwp.calibration.space import BOUNDS
from neurofwp.errors import InputError
from neurofwp.experiments import calibrate


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "dleta"}, "did you mean 'delta'"),
        ({"rule": "mesa"}, "cannot be fitted"),
        ({"start": "soft-bund"}, "did you mean 'soft-bound'"),
        ({"start": "btsp-network"}, "has no parameter 'P'"),
        ({"generations": 0}, "1 generation"),
        ({"population": 3}, "4 candidates"),
        ({"search_step": 0.3}, "whole multiple"),
        ({"search_step": -1.0}, "above 0"),
    ],
)
def test_bad_input_is_refused_before_any_simulation(settings: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        calibrate.run(calibrate.Settings(**settings), seed=0, device="cpu", folder=tmp_path / "parts")
    assert not list(tmp_path.rglob("*.toml"))


def test_what_is_judged_was_not_seen_by_the_search() -> None:
    searched, final, judged = (calibrate._program(4, 2, 8, 7, purpose) for purpose in range(3))
    written = [
        set(map(bytes, each["value"].values[each["key"].values.any(-1)])) for each in (searched, final, judged)
    ]  # fmt: skip
    assert searched["value"].shape == final["value"].shape
    assert not searched["key"].equals(final["key"])
    assert written[0] != written[1]
    assert not (written[0] | written[1]) & written[2]


@pytest.mark.slow
def test_a_small_search_leaves_a_model_that_loads(tmp_path: Path) -> None:
    settings = calibrate.Settings(
        rule="outstar", generations=1, population=4, pairs=2, pixels=2, episodes=4, judged_pairs=2, judged_pixels=2
    )
    result = calibrate.run(settings, seed=100, device="cpu", folder=tmp_path / "parts")
    network = SpikingNetwork(tmp_path / "outstar-calibrated.toml")
    values = {**network.synapse.values, **network.circuit}
    found = result["parameters"].to_dataset()
    for name in BOUNDS:
        unit = calibrate.Space.unit(name)
        assert float(values[name] / unit) == pytest.approx(float(found["found"].sel(parameter=name)), rel=1e-12)
    numbers = calibrate.summary(result)
    assert numbers["chosen.share"] == numbers["chosen.rules.outstar"]
    assert numbers["candidates"] == 8
    assert set(calibrate.plot(result)) == {"front", "rules_of_the_chosen", "rules_of_the_start"}
    assert len(calibrate.tables(result)["candidates"]) == 8
