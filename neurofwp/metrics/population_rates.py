"""How fast cells of each population fire while keys are written and while they are read."""

from __future__ import annotations

import numpy as np
import xarray as xr

PHASES = ("write", "read")
HIGH = 0.95  # quantile over cells, events and episodes


def population_rates(trace: xr.Dataset, spikes: xr.Dataset) -> xr.DataArray:
    """Rates in Hz (population, phase, statistic): mean, and 95 % quantile over cells, events and episodes.

    Parameters
    ----------
    trace, spikes : of a spiking network of one condition. A cell that never fires counts only where another one of a
        higher number does.
    """
    flags = spikes["spike_population"].attrs
    names = flags["flag_meanings"].split()
    found = np.full((len(names), len(PHASES), 2), np.nan)
    for number in range(len(names)):
        own = spikes["spike_population"].values == number
        time, cell = spikes["spike_time"].values[own], spikes["spike_cell"].values[own]
        cells = int(cell.max()) + 1 if len(cell) else 1
        member = spikes["spike_episode"].values[own] * cells + cell
        for column, phase in enumerate(PHASES):
            start, stop = trace[f"{phase}_start"].values, trace[f"{phase}_stop"].values
            rates = [
                np.bincount(member[(time >= begin) & (time < end)], minlength=trace.sizes["episode"] * cells)
                / (end - begin)
                for begin, end in zip(start, stop, strict=True)
                if np.isfinite(begin)
            ]
            if rates:
                every = 1000 * np.array(rates)
                found[number, column] = every.mean(), np.quantile(every, HIGH)
    return xr.DataArray(
        found,
        dims=("population", "phase", "statistic"),
        coords={"population": names, "phase": list(PHASES), "statistic": ["mean", "high"]},
        attrs={"units": "Hz"},
        name="rate",
    )
