"""One synapse over time, and the raster."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from neurofwp import plots
from neurofwp.errors import InputError
from neurofwp.plots import style
from neurofwp.plots.phases import spans


def shaded(ax: Axes, phase: str) -> list[tuple[float, float]]:
    """(start, stop) of the spans in the colour of a phase."""
    colour = to_rgba(style.PHASE[phase])
    found = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_facecolor() == colour]
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in found]


def test_four_panels_show_the_chosen_probes(spiking: xr.Dataset, probes: xr.Dataset) -> None:
    figure = plots.synapse(spiking, probes, shown=[2, 0])
    for ax, name in zip(figure.axes, ("nmda", "dendrite", "calcium", "conductance"), strict=True):
        for line, probe in zip(ax.lines, (2, 0), strict=False):
            np.testing.assert_array_equal(line.get_xdata(), probes["time"].values)
            np.testing.assert_array_equal(line.get_ydata(), probes[f"probe_{name}"].values[probe])


def test_by_default_the_most_and_the_least_potentiated(spiking: xr.Dataset, probes: xr.Dataset) -> None:
    figure = plots.synapse(spiking, probes.isel(probe=[2, 1, 0]))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    pre = int(probes["probe_pre"][0])
    assert texts[:2] == [f"key {pre} to ON 12, +0.9 nS", f"key {pre} to OFF 12, −0.45 nS"]
    assert len(plots.synapse(spiking, probes.isel(probe=[1])).axes[0].lines) == 1


def test_thresholds_are_drawn_where_they_are_and_only_if_known(spiking: xr.Dataset, probes: xr.Dataset) -> None:
    calcium = plots.synapse(spiking, probes).axes[2]
    dashed = sorted(float(line.get_ydata()[0]) for line in calcium.lines if line.is_dashed())
    assert dashed == [0.27, 0.6]
    at = {text.get_text().split()[0]: text.xy[1] for text in calcium.texts}
    assert at == {"depression": 0.27, "potentiation": 0.6}
    unknown = probes.copy(deep=True)
    del unknown["probe_calcium"].attrs["depression_threshold"]
    assert [text.get_text() for text in plots.synapse(spiking, unknown).axes[2].texts] == ["potentiation\nthreshold"]


def test_a_threshold_above_all_calcium_is_inside_the_axes(spiking: xr.Dataset, probes: xr.Dataset) -> None:
    high = probes.copy(deep=True)
    high["probe_calcium"].attrs["potentiation_threshold"] = 5.0
    assert plots.synapse(spiking, high).axes[2].get_ylim()[1] > 5.0


def test_shading_is_clipped_to_the_time_shown(spiking: xr.Dataset, probes: xr.Dataset) -> None:
    ax = plots.synapse(spiking, probes.sel(time=slice(300, 1000))).axes[0]
    assert shaded(ax, "write") == [(300, 700), (900, 1000)]
    assert shaded(ax, "read") == []


def test_a_program_leaves_closed_gates_unshaded(program: xr.Dataset, spiking: xr.Dataset) -> None:
    gate = program["write_gate"].copy()
    gate[0, 1] = 0.0
    closed = program.assign(write_gate=gate)
    assert spans(spiking, closed, [0])[:2] == [("write", 200.0, 700.0), ("write", 1600.0, 2100.0)]
    assert spans(spiking, closed, [0, 1]) == spans(spiking)  # open in another episode that is shown
    silent = program.assign(query=0 * program["query"])
    assert {phase for phase, _, _ in spans(spiking, silent)} == {"write"}


def test_raster_shades_all_events(spiking: xr.Dataset, spikes: xr.Dataset) -> None:
    start = 200 + 700.0 * np.arange(16)
    for ax in plots.raster(spiking, spikes).axes:
        assert shaded(ax, "write") == [(t, t + 500) for t in start[:8]]
        assert shaded(ax, "read") == [(t, t + 500) for t in start[8:]]


def test_raster_draws_each_spike_of_the_cells_that_it_shows(spiking: xr.Dataset, spikes: xr.Dataset) -> None:
    interneurons, values = plots.raster(spiking, spikes, episode=1).axes[2:0:-1]
    mine = (spikes["spike_episode"] == 1) & (spikes["spike_population"] == 2)
    np.testing.assert_array_equal(interneurons.lines[0].get_xdata(), spikes["spike_time"].values[mine])
    np.testing.assert_array_equal(interneurons.lines[0].get_ydata(), spikes["spike_cell"].values[mine])
    assert interneurons.get_ylabel() == "interneuron cell"
    assert len(np.unique(values.lines[0].get_ydata())) <= 150
    assert "150 of 256" in values.get_ylabel()


def test_population_rate_integrates_to_the_spikes_per_cell(spiking: xr.Dataset, spikes: xr.Dataset) -> None:
    """Sum of rate times bin width = spikes / cells, for each population, drawn or not."""
    rates = plots.raster(spiking, spikes, episode=2).axes[-1].patches[:3]
    for code, (stairs, cells) in enumerate(zip(rates, (200, 256, 128), strict=True)):
        hertz, edges, _ = stairs.get_data()
        count = int(((spikes["spike_episode"] == 2) & (spikes["spike_population"] == code)).sum())
        assert float((hertz * np.diff(edges)).sum() / 1000) == pytest.approx(count / cells)


def test_a_population_that_never_fires_has_no_panel(spiking: xr.Dataset, spikes: xr.Dataset) -> None:
    silent = spikes.sel(spike=spikes["spike_population"].values != 2)
    figure = plots.raster(spiking, silent)
    assert len(figure.axes) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["key", "value", "write", "read"]


def test_bad_input_is_named(program: xr.Dataset, spiking: xr.Dataset, spikes: xr.Dataset, probes: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs 'probe_conductance'"):
        plots.synapse(spiking, spikes)
    with pytest.raises(InputError, match="probe 3 was not recorded: there are 3"):
        plots.synapse(spiking, probes, shown=[3])
    with pytest.raises(InputError, match="one to 4 probes fit"):
        plots.synapse(spiking, probes, shown=[])
    with pytest.raises(InputError, match="no recorded synapse in this stretch"):
        plots.synapse(spiking, probes.sel(time=slice(9000, 9001)))
    with pytest.raises(InputError, match="the Program has 4 events and the Trace 16"):
        plots.synapse(spiking, probes, program.isel(event=slice(4)))
    with pytest.raises(InputError, match="no spike to draw in episode 7"):
        plots.raster(spiking, spikes, episode=7)
    nameless = spikes.assign(spike_population=spikes["spike_population"].drop_attrs())
    with pytest.raises(InputError, match="does not name its populations"):
        plots.raster(spiking, nameless)
    with pytest.raises(InputError, match="write_start"):
        plots.raster(spiking.drop_vars("write_start"), spikes)
