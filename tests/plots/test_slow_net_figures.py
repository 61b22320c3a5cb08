"""Gates of slow nets over time, and ablations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from neurofwp import plots
from neurofwp.errors import InputError
from neurofwp.plots import style


@pytest.fixture
def gated(program: xr.Dataset) -> xr.Dataset:
    """Every other pair is to be stored; the gate opens for these, and a little for the others."""
    events = program.sizes["event"]
    write = np.arange(events) < events // 2
    stored = np.arange(events) % 2 == 1
    return program.assign(
        write=(("episode", "event"), np.tile(write, (3, 1))),
        stored=(("episode", "event"), np.tile(stored, (3, 1))),
        write_gate=program["write_gate"].copy(data=np.tile(np.where(stored, 0.9, 0.1) * write, (3, 1))),
    )


def test_gates_and_synapses_have_the_colour_of_their_pair(
    gated: xr.Dataset, spiking: xr.Dataset, probes: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    figure = plots.gating(gated, spiking, probes)
    assert_legible(figure)
    gate, calcium, conductance = figure.axes
    bars = [patch for patch in gate.patches if patch.get_height() > 0]
    assert [bar.get_height() for bar in bars] == pytest.approx([0.1, 0.9] * (len(bars) // 2))
    assert [to_hex(bar.get_facecolor()).upper() for bar in bars[:2]] == [style.VERMILION, style.BLUE]
    assert bars[1].get_x() == pytest.approx(float(spiking["write_start"][1]) / 1000)
    # all probes are of the key of event 1, which is stored
    for ax, name in ((calcium, "probe_calcium"), (conductance, "probe_conductance")):
        drawn = [line for line in ax.lines if len(line.get_xdata()) > 2]
        assert {line.get_color() for line in drawn} == {style.BLUE}
        for line, values in zip(drawn, probes[name].values, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), values[: len(line.get_ydata())])
    levels = sorted(line.get_ydata()[0] for line in calcium.lines if len(line.get_xdata()) == 2)
    assert levels == [0.27, 0.6]


def test_without_a_recorded_synapse_there_is_nothing_to_draw(
    gated: xr.Dataset, spiking: xr.Dataset, probes: xr.Dataset
) -> None:
    with pytest.raises(InputError, match="no synapse of a key of episode 1 was recorded"):
        plots.gating(gated, spiking, probes, episode=1)
    with pytest.raises(InputError, match="needs 'stored'"):
        plots.gating(gated.drop_vars("stored"), spiking, probes)


def test_bars_are_means_and_points_are_slow_nets(assert_legible: Callable[[Figure], None]) -> None:
    r2 = np.random.default_rng(0).random((4, 2, 2, 5))
    recall = xr.Dataset(
        {
            "r2": (("condition", "network", "pairs", "slow_net"), r2, {"units": "1"}),
            "chance": (("pairs", "slow_net"), np.full((2, 5), 0.4), {"units": "1"}),
        },
        coords={
            "condition": ["intact", "gate_shuffled", "gate_open", "nmda_blocked"],
            "network": ["spiking", "rate"],
            "pairs": ["stored", "distractors"],
        },
    )
    figure = plots.ablations(recall)
    assert_legible(figure)
    for j, ax in enumerate(figure.axes):
        assert [bar.get_height() for bar in ax.patches] == pytest.approx(r2[:, j].mean(-1).T.ravel())
        points = [line for line in ax.lines if line.get_marker() == "."]
        assert np.sort(np.concatenate([line.get_ydata() for line in points])) == pytest.approx(
            np.sort(r2[:, j].ravel())
        )
