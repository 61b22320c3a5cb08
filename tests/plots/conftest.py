"""Datasets that look like those of a small run, and the check that no text of a figure is cut or overprinted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from sklearn.datasets import load_digits

from neurofwp import program as programs

EPISODES, PAIRS, PRE, POST = 3, 8, 200, 64
EVENTS = 2 * PAIRS  # write all pairs, then read them
START = 200 + 700.0 * np.arange(EVENTS)  # ms


@pytest.fixture(scope="session")
def program() -> xr.Dataset:
    """Digits under sparse random keys: eight writes, then eight reads."""
    rng = np.random.default_rng(0)
    digits = load_digits().images.reshape(-1, POST) / 8 - 1
    key, value = np.zeros((EPISODES, EVENTS, PRE)), np.zeros((EPISODES, EVENTS, POST))
    query, target = np.zeros_like(key), np.full_like(value, np.nan)
    for episode in range(EPISODES):
        value[episode, :PAIRS] = digits[rng.choice(len(digits), PAIRS, replace=False)]
        for event in range(PAIRS):
            key[episode, event, rng.choice(PRE, 10, replace=False)] = 1
    query[:, PAIRS:], target[:, PAIRS:] = key[:, :PAIRS], value[:, :PAIRS]
    gate = np.where(np.arange(EVENTS) < PAIRS, 1.0, 0.0)
    return programs.from_arrays(key, value, query=query, target=target, write_gate=gate)


def _trace(program: xr.Dataset, network: str, weight: np.ndarray, recall: np.ndarray, unit: str) -> xr.Dataset:
    provenance = {
        "kind": "neurofwp.trace",
        "network": network,
        "config": "{}",
        "seed": "0",
        "versions": "{}",
        "commit": "",
    }
    return xr.Dataset(
        {
            "weight": (("episode", "event", "post", "pre"), weight, {"units": unit}),
            "recall": (("episode", "event", "post"), recall, {"units": "Hz" if network == "spiking" else "1"}),
        },
        attrs=provenance,
    )


@pytest.fixture(scope="session")
def rate(program: xr.Dataset) -> xr.Dataset:
    """A Hebbian memory of the program."""
    gate = program["write_gate"].values[..., np.newaxis, np.newaxis]
    writes = gate * program["value"].values[..., np.newaxis] * program["key"].values[..., np.newaxis, :] / 10
    weight = writes.cumsum(1)
    recall = np.einsum("bepk,bek->bep", weight, program["query"].values)
    return _trace(program, "rate", weight, np.where(program["target"].isnull(), np.nan, recall), "1")


@pytest.fixture(scope="session")
def spiking(program: xr.Dataset, rate: xr.Dataset) -> xr.Dataset:
    """The same with noise."""
    rng = np.random.default_rng(1)
    weight = 8 * rate["weight"].values + 0.05 * rng.standard_normal(rate["weight"].shape)
    recall = 20 + 15 * rate["recall"].values + 4 * rng.standard_normal(rate["recall"].shape)
    trace = _trace(program, "spiking", weight, recall, "nS")

    writes = np.arange(EVENTS) < PAIRS
    return trace.assign_coords(
        write_start=("event", np.where(writes, START, np.nan), {"units": "ms"}),
        write_stop=("event", np.where(writes, START + 500, np.nan), {"units": "ms"}),
        read_start=("event", np.where(writes, np.nan, START), {"units": "ms"}),
        read_stop=("event", np.where(writes, np.nan, START + 500), {"units": "ms"}),
    )


@pytest.fixture(scope="session")
def spikes(program: xr.Dataset) -> xr.Dataset:
    """Poisson spikes at background and, within the 500 ms of each event, at evoked rates."""
    rng = np.random.default_rng(1)
    end = START[-1] + 700
    keys = (program["key"].values + program["query"].values > 0) * 60.0
    drive = np.repeat(1 + np.nan_to_num(program["value"].values + program["target"].fillna(0).values), 4, axis=-1)
    columns: list[tuple[float, int, int, int]] = []
    for episode in range(EPISODES):
        for code, (background, evoked) in enumerate(((0.5, keys), (2.0, 20 * drive), (4.0, 15 * drive[..., ::2]))):
            for cell in range(evoked.shape[-1]):
                times = list(rng.uniform(0, end, rng.poisson(background * end / 1000)))
                for event, hz in enumerate(evoked[episode, :, cell]):
                    times += list(START[event] + rng.uniform(0, 500, rng.poisson(hz / 2)))
                columns += [(float(t), episode, cell, code) for t in times]
    time, episodes, cells, populations = (np.array(column) for column in zip(*sorted(columns), strict=True))
    flags = {"units": "1", "flag_values": np.array([0, 1, 2], np.int8), "flag_meanings": "key value interneuron"}
    return xr.Dataset(
        {
            "spike_time": ("spike", time, {"units": "ms"}),
            "spike_episode": ("spike", episodes, {"units": "1"}),
            "spike_cell": ("spike", cells, {"units": "1"}),
            "spike_population": ("spike", populations.astype(np.int8), flags),
        },
        attrs={"kind": "neurofwp.spike_trains", "episodes": EPISODES},
    )


@pytest.fixture(scope="session")
def probes(program: xr.Dataset) -> xr.Dataset:
    """Three synapses of one key cell: an ON one that gains, an OFF one that loses, and one in between."""
    time = np.arange(0.0, 2400.0, 2.0)
    pre = int(np.flatnonzero(program["key"].values[0, 1])[0])
    inside = (time >= START[1]) & (time < START[1] + 500)
    s = np.zeros(len(time))
    for i in range(1, len(time)):
        s[i] = s[i - 1] * np.exp(-2 / 100) + (0.5 * (1 - s[i - 1]) if inside[i] and i % 8 == 0 else 0)
    rows = []
    for drive, change in ((1.0, 0.9), (0.2, -0.45), (0.5, 0.1)):
        voltage = -70 + 40 * drive * inside + 1.5 * np.sin(time / 17 + drive)
        calcium = s * (0.1 + drive * inside)
        rows.append((s, voltage, calcium, 1 + change * np.clip((time - START[1]) / 500, 0, 1)))
    names = ("probe_nmda", "probe_dendrite", "probe_calcium", "probe_conductance")
    units = ("1", "mV", "1", "nS")
    probes = xr.Dataset(
        {
            name: (("probe", "time"), np.array(values), {"units": unit})
            for name, unit, values in zip(names, units, zip(*rows, strict=True), strict=True)
        },
        coords={
            "time": ("time", time, {"units": "ms"}),
            "probe_episode": ("probe", [0, 0, 0]),
            "probe_polarity": ("probe", ["on", "off", "on"]),
            "probe_post": ("probe", [12, 12, 40]),
            "probe_pre": ("probe", [pre, pre, pre]),
        },
    )
    probes["probe_calcium"].attrs |= {"potentiation_threshold": 0.6, "depression_threshold": 0.27}
    return probes


@pytest.fixture(scope="session")
def curve() -> xr.Dataset:
    """Recall against pairs: 1, 2, 4, ... 32 in 10 episodes."""
    rng = np.random.default_rng(2)
    pairs = np.array([1, 2, 4, 8, 16, 32])
    ideal = np.stack([0.99 - 0.0035 * pairs, 1 - 0.002 * pairs])[..., np.newaxis]
    r2 = ideal + 0.02 * rng.standard_normal((2, len(pairs), 10))
    chance = 0.42 - 0.3 / pairs[:, np.newaxis] + 0.02 * rng.standard_normal((len(pairs), 10))
    right = np.clip(1 - 0.002 * (pairs[:, np.newaxis] - 8) * rng.random((2, len(pairs), 10)), 0, 1)
    dims = ("network", "pairs", "episode")
    return xr.Dataset(
        {
            "r2": (dims, r2, {"units": "1"}),
            "identified": (dims, right, {"units": "1"}),
            "chance": (dims[1:], chance, {"units": "1"}),
        },
        coords={"network": ["spiking", "rate"], "pairs": pairs},
    )


RULES = (
    "hebbian",
    "fixed_decay",
    "scalar_decay",
    "delta",
    "gated_delta",
    "soft_bound",
    "outstar",
    "calcium_threshold",
    "oja",
)


@pytest.fixture(scope="session")
def fits() -> xr.Dataset:
    """A table of fits in which delta and gated delta tie, and oja fails."""
    share = np.array([0.66, 0.74, 0.745, 0.957, 0.964, 0.88, 0.883, 0.878, -1.4])
    return xr.Dataset(
        {
            "feve": ("rule", share, {"units": "1"}),
            "low": ("rule", share - 0.02, {"units": "1"}),
            "high": ("rule", share + 0.015, {"units": "1"}),
            "best": ("rule", share > 0.95, {"units": "1"}),
            "noise_ceiling": ((), 0.9, {"units": "1"}),
            "noise_ceiling_sem": ((), 0.009, {"units": "1"}),
        },
        coords={"rule": list(RULES)},
        attrs={"drive": "nominal"},
    )


@pytest.fixture(scope="session")
def both_drives(fits: xr.Dataset) -> xr.Dataset:
    """Nominal and measured presynaptic activity, where gated delta alone wins with the measured one."""
    measured = fits.copy(deep=True)
    for name in ("feve", "low", "high"):
        measured[name] += 0.02 + 0.005 * (measured["rule"] == "gated_delta")
    measured["best"] = measured["rule"] == "gated_delta"
    return xr.concat([fits, measured], dim=xr.DataArray(["nominal", "measured"], dims="drive", name="drive"))


def visible_texts(artist: Artist) -> Iterator[Text]:
    """Every text that will be drawn; tick labels only within the limits of their axis."""
    if not artist.get_visible():
        return
    if isinstance(artist, Text):
        if artist.get_text().strip():
            yield artist
    elif isinstance(artist, Axis):
        yield from visible_texts(artist.label)
        yield from visible_texts(artist.get_offset_text())
        low, high = sorted(artist.get_view_interval())
        for tick in [*artist.get_major_ticks(), *artist.get_minor_ticks()]:
            if low <= tick.get_loc() <= high:
                yield from visible_texts(tick.label1)
    else:
        for child in artist.get_children():
            yield from visible_texts(child)


@pytest.fixture(scope="session")
def assert_legible() -> Callable[[Figure], None]:
    """Fails where a text leaves the figure or lies on another one."""

    def check(figure: Figure) -> None:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        width, height = canvas.get_width_height()
        boxes = [(text.get_text(), text.get_window_extent()) for text in visible_texts(figure)]
        for text, box in boxes:
            assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= 0, f"{text!r} is cut"
        for i, (text, box) in enumerate(boxes):
            for other, its in boxes[:i]:
                across = min(box.x1, its.x1) - max(box.x0, its.x0)
                up = min(box.y1, its.y1) - max(box.y0, its.y0)
                assert across <= 0.5 or up <= 0.5, f"{text!r} lies on {other!r}"

    return check
