"""The benchmark of the spiking network: that its contenders are the same model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.spiking_contenders import Fused, Plain, Size, contest
from neurofwp.brian.simulation import Simulation


@pytest.mark.slow
def test_ours_the_plain_style_and_the_loop_by_hand_are_one_model(tmp_path: Path) -> None:
    """Mean weights and spikes over seeds: within 3 standard errors of each other, and the weights within 5 %."""
    own = contest(Size(1, 60, 32), seed=0)
    plain = Plain(**vars(own.simulation))
    fused = Fused(own, tmp_path / "fused")
    seeds = range(12)

    def measured(simulation: Simulation) -> np.ndarray:
        told = [own.brian(simulation, seed) for seed in seeds]
        weights = [each["weight_at_events.weight"][:, -1].mean() * 1e9 for each in told]
        spikes = [[len(each[f"{cells}_spikes.t"]) for cells in ("key", "value", "interneuron")] for each in told]
        return np.column_stack([weights, spikes])

    loops = [fused.run(seed + 1000) for seed in seeds]  # other noise
    by_hand = np.array([[loop["weight"] * 1e9, *loop["spikes"]] for loop in loops])
    ours = measured(own.simulation)
    for other, tolerance in ((by_hand, 0.05), (measured(plain), 0.05)):
        sem = np.sqrt((ours.var(0, ddof=1) + other.var(0, ddof=1)) / len(seeds))
        apart = abs(ours.mean(0) - other.mean(0))
        assert (apart[1:] <= 3 * sem[1:]).all(), (ours.mean(0), other.mean(0), sem)
        assert apart[0] <= max(3 * sem[0], tolerance * ours[:, 0].mean())
    assert ours[:, 0].mean() > 0.01
