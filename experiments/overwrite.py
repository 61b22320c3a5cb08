"""Error correction against overwriting: reassigned keys, and where the two diverge as keys come to share synapses.

Every key is written several times under one value, and half of the keys then once more under a new one. What is read
from a reassigned key is projected on its new and its old value. To read the new one is no evidence for error
correction: a synapse that overwrites itself does so as well. Overlap distinguishes them, since overwriting a shared
synapse destroys the other memory, and what is written again need not be written twice where the error is known.

Synapse models and rate rules do the same. Those in the contest are given several write speeds (rules: a grid), and the
recall of each episode is that of the speed that is best on all others, so that nothing loses by its settings. At one
speed, error correction without its feedback (the interneurons' inhibition) is the causal test.

Error correction and overwriting diverge at the crossing: the least overlap at which the mean recall R^2 of error
correction is above that of the best per-synapse overwrite by a margin. In rate networks this gain is .01 for nearly
separate keys and .12 to .14 where keys share two fifths of their cells; the margin, .075, lies halfway, where the gain
rises fastest and its place is best determined. As any margin is a choice, crossings at others are reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, torch, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.spiking.jobs import Job

# in the contest
CORRECTING = {"spiking": "error-correcting", "rate": "delta"}
ALONE = {"spiking": ("thresholds", "soft-bound", "omega", "btsp-network"), "rate": ("outstar", "soft_bound")}
WITHOUT = "error-correcting, no feedback"
OTHERS = (WITHOUT, "additive", "decay")  # as they are
OTHER_MARGINS = (0.05, 0.1, 0.15)
SCORES = ("r2", "reassigned_r2", "new", "old", "once")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    pairs: int = 8
    """Pairs per episode."""
    episodes: int = 4
    """Episodes of the spiking networks."""
    rate_episodes: int = 16
    """Episodes of the rate networks: the same ones, and more."""
    repeats: int = 2
    """How often every pair is written."""
    reassign: float = 0.5
    """Share of the keys that are then written again with new values."""
    overlap: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    """Share of active cells that two keys have in common on average; reassignment is shown at the first."""
    margin: float = 0.075
    """By how much R^2 must be higher for error correction and overwriting to have diverged."""
    speeds: tuple[float, ...] = (1.0, 0.25)
    """Write speeds of the synapses in the contest, relative to their model files."""
    pixels: int = 4
    """How many pixels the values have: those that differ most between digits."""
    backend: Literal["auto", "cython", "cpp_standalone", "numpy"] = "auto"
    """How Brian2 runs."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate every synapse model at all overlaps and speeds as one network, and run the rate rules.

    Raises
    ------
    InputError
        for overlaps that do not rise, too few episodes to choose a speed on others, no reassigned keys, or no speed
        above 0.
    """
    check(settings)
    programs = [write_program(settings, settings.rate_episodes, overlap, seed) for overlap in settings.overlap]
    shown = [program.isel(episode=slice(settings.episodes)) for program in programs]
    jobs = [make_job(name, shown, settings, seed) for name in (CORRECTING["spiking"], *ALONE["spiking"], *OTHERS)]
    with nf.spiking.jobs.start(jobs, folder=folder) as trace:
        rate = {rule: score_rule(rule, programs, device) for rule in candidates()}
        spiking = {job.name: score_conditions(trace(job.name), shown) for job in jobs}
    overlap = xr.DataArray(list(settings.overlap), dims="overlap", name="overlap", attrs={"units": "1"})
    tree = {}
    for network, scores, at in (("spiking", spiking, shown), ("rate", rate, programs)):
        memories = xr.DataArray(list(scores), dims="memory", name="memory")
        table = xr.concat(list(scores.values()), dim=memories, join="outer").assign_coords(overlap=overlap)
        for name, of in (("chance", None), ("reassigned_chance", "reassigned")):
            each = [nf.metrics.chance_r2(program, by="episode", where=program[of] if of else None) for program in at]
            table[name] = xr.concat(each, dim=overlap).assign_attrs(units="1")
        tree[f"/{network}"] = table.assign_attrs(margin=settings.margin)
    return xr.DataTree.from_dict(tree)


def check(settings: Settings) -> None:
    if not settings.overlap or any(later <= former for former, later in pairwise(settings.overlap)):
        raise InputError(f"overlap must have one number or more, and rise, but is {settings.overlap}")
    if min(settings.episodes, settings.rate_episodes) < 2:
        raise InputError("episodes and rate_episodes must be 2 or more: a speed is chosen on the other episodes")
    if settings.rate_episodes < settings.episodes:
        raise InputError(f"rate_episodes must be episodes ({settings.episodes}) or more, not {settings.rate_episodes}")
    if round(settings.reassign * settings.pairs) < 1:
        raise InputError(f"reassign must leave one of the {settings.pairs} keys or more to be reassigned")
    if not settings.speeds or min(settings.speeds) <= 0:
        raise InputError(f"speeds must have one number above 0 or more, but are {settings.speeds}")


def write_program(settings: Settings, episodes: int, overlap: float, seed: int) -> xr.Dataset:
    """The Program of all episodes at one overlap of keys."""
    task = nf.tasks.digit_pairs(
        settings.pairs, episodes, reassign=settings.reassign, repeats=settings.repeats, seed=seed
    )
    encoder = nf.slownet.FixedEncoder(seed=seed, overlap=overlap)
    return nf.transforms.selection.keep_most_varied(encoder(task), settings.pixels)


def make_job(name: str, programs: Sequence[xr.Dataset], settings: Settings, seed: int) -> Job:
    """One network whose conditions are all overlaps and speeds, the last fastest."""
    in_contest = name in (CORRECTING["spiking"], *ALONE["spiking"])
    speeds = np.array(settings.speeds if in_contest else (1.0,))
    program = xr.concat([program for program in programs for _ in speeds], dim="condition", combine_attrs="override")
    network: dict[str, Any] = {
        "synapse": CORRECTING["spiking"] if name == WITHOUT else name,
        "backend": settings.backend,
    }
    if name == WITHOUT:
        network["parameters"] = {"g_gaba": "0 nS"}
    own = None
    if in_contest and len(speeds) > 1:
        slow = nf.synapses.at_speed(name, np.tile(speeds, len(programs)))
        own = nf.spiking.conditions.from_quantities(**slow)
    program = nf.transforms.selection.without_silent_cells(program)
    return nf.spiking.jobs.Job(name, program, network, seed=seed, conditions=own)


def score_conditions(trace: xr.Dataset, programs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Scores (overlap, setting, episode) of one spiking network."""
    speeds = trace.sizes["condition"] // len(programs)
    every = trace[["weight", "recall"]]
    rows = [
        [score(program, nf.trace.of_condition(every, number * speeds + speed)) for speed in range(speeds)]
        for number, program in enumerate(programs)
    ]
    return tabulate(rows)


def candidates() -> dict[str, list[dict[str, float]]]:
    """Parameters of every rate rule to choose from; keys have norm one and weights cannot be negative."""
    rates = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
    grid = product((0.3, 1.0, 3.0), (0.5, 1.0, 2.0, 4.0, 8.0, 16.0))
    return {
        "delta": [{"rate": rate} for rate in rates],
        "outstar": [{"rate": 4 * rate} for rate in rates],  # an active cell of 20 is about 1/4.5: up to a full write
        "soft_bound": [{"g_plus": up, "g_minus": down} for up, down in grid],
        "hebbian": [{}],
        "fixed_decay": [{"decay": decay} for decay in (0.7, 0.8, 0.9, 0.95, 0.98)],
    }


def score_rule(rule: str, programs: Sequence[xr.Dataset], device: str) -> xr.Dataset:
    """Scores (overlap, setting, episode) of one rule."""
    kind: dict[str, Any] = {"on_off": True, "bounds": (0, np.inf), "device": device, "dtype": torch.float32}
    networks = [nf.RateNetwork(rule, parameters=each, **kind) for each in candidates()[rule]]
    return tabulate([[score(program, network.run(program)) for network in networks] for program in programs])


def tabulate(rows: Sequence[Sequence[xr.Dataset]]) -> xr.Dataset:
    """Scores (overlap, setting, episode) from rows of overlaps."""
    setting = xr.DataArray(np.arange(len(rows[0])), dims="setting", name="setting")
    return xr.concat([xr.concat(row, dim=setting) for row in rows], dim="overlap")


def score(program: xr.Dataset, trace: xr.Dataset) -> xr.Dataset:
    """Recall of the last values, of all keys and of reassigned ones, (episode), and `metrics.projections`."""
    return nf.metrics.projections(program, trace).assign(
        r2=nf.metrics.recall_r2(program, trace, by="episode"),
        reassigned_r2=nf.metrics.recall_r2(program, trace, by="episode", where=program["reassigned"]),
    )


def choose_speeds(table: xr.Dataset) -> xr.Dataset:
    """Scores (memory, overlap, episode), each of the setting with the highest mean R^2 on all other episodes."""
    r2 = table["r2"].transpose("memory", "overlap", "setting", "episode")
    return table[list(SCORES)].isel(setting=nf.metrics.best_on_others(r2)).drop_vars("setting", errors="ignore")


def compare(chosen: xr.Dataset, network: str) -> xr.Dataset:
    """By how much error correction recalls better than the best overwrite: r2 (overlap, episode), which (overlap)."""
    alone = chosen["r2"].sel(memory=list(ALONE[network]))
    best = alone.mean("episode").idxmax("memory")
    gain = chosen["r2"].sel(memory=CORRECTING[network]) - alone.sel(memory=best)
    return xr.Dataset({"r2": gain.drop_vars("memory", errors="ignore").assign_attrs(units="1"), "best_overwrite": best})


def find_crossing(chosen: xr.Dataset, network: str, margin: float) -> tuple[float, float]:
    """The overlap at which the mean gain first reaches the margin, and its jackknife error over episodes.

    Both as `metrics.crossing` and `metrics.jackknife`: NaN where it never does, and an error of NaN if it does not
    without any one of the episodes.
    """

    def place(some: xr.Dataset) -> float:
        gain = compare(some, network)["r2"].mean("episode")
        return nf.metrics.crossing(gain["overlap"], gain, margin)

    return nf.metrics.jackknife(chosen, "episode", place)


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Recall and projections, and where error correction and overwriting diverge; means over episodes with SEM.

    ``spiking`` and ``rate`` (memory, overlap): recall of all keys and of reassigned ones, projections ``new`` and
    ``old`` of reassigned keys on their values, and ``once`` of the others. ``gain`` (network, overlap): R^2 of error
    correction less that of the best overwrite. ``crossing`` (network): the overlap at which it reaches the margin, NaN
    if it never does. ``difference``: spiking less rate (SEM as of independent ones), its size in steps of the grid of
    overlaps, and whether that is at most 1. ``other_margins`` (margin, network): crossings at other margins.
    """
    margin = float(result["spiking"].attrs["margin"])
    chosen = {network: choose_speeds(result[network].to_dataset()) for network in CORRECTING}
    found = {network: average(table, SCORES) for network, table in chosen.items()}
    chance = result["spiking"].to_dataset()[["chance", "reassigned_chance"]].mean("episode", keep_attrs=True)
    found["chance"] = chance.rename(chance="r2", reassigned_chance="reassigned_r2")
    network = xr.DataArray(list(chosen), dims="network", name="network")
    gains = [average(compare(table, name), ["r2"]) for name, table in chosen.items()]
    crossings = [find_crossings(chosen, each) for each in (margin, *OTHER_MARGINS)]
    margins = xr.DataArray(list(OTHER_MARGINS), dims="margin", name="margin", attrs={"units": "1"})
    return found | {
        "gain": xr.concat(gains, network),
        "crossing": crossings[0][["overlap", "overlap_sem"]],
        "difference": measure_difference(crossings[0]).assign(margin=((), margin, {"units": "1"})),
        "other_margins": xr.concat(crossings[1:], margins)[["overlap", "overlap_sem", "steps_apart"]],
    }


def average(table: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Means over episodes with SEM of these variables; others as they are."""
    means = table.drop_dims("episode")
    for name in names:
        means = means.assign(nf.metrics.mean_and_sem(name, table[name], "episode"))
    return means


def find_crossings(chosen: Mapping[str, xr.Dataset], margin: float) -> xr.Dataset:
    """Crossings with SEM (network), and how far they are apart in steps of the grid of overlaps."""
    places = [find_crossing(table, network, margin) for network, table in chosen.items()]
    overlap, sem = np.transpose(places)
    unit = {"units": "1"}
    grid = next(iter(chosen.values()))["overlap"].values
    return xr.Dataset(
        {
            "overlap": ("network", overlap, unit),
            "overlap_sem": ("network", sem, unit),
            "steps_apart": ((), steps_apart(grid, overlap.tolist()), unit),
        },
        coords={"network": list(chosen)},
    )


def steps_apart(grid: np.ndarray, places: Sequence[float]) -> float:
    """How far two places are apart in steps of the grid, between its points in proportion."""
    first, second = np.interp(places, grid, np.arange(len(grid)))
    return float(abs(first - second))


def measure_difference(crossings: xr.Dataset) -> xr.Dataset:
    """Crossing of spiking networks less that of rate networks."""
    spiking, rate = (crossings.sel(network=network, drop=True) for network in ("spiking", "rate"))
    table = xr.Dataset(
        {
            "overlap": spiking["overlap"] - rate["overlap"],
            "overlap_sem": np.hypot(spiking["overlap_sem"], rate["overlap_sem"]),
            "steps_apart": crossings["steps_apart"],
            "within_one_step": (crossings["steps_apart"] <= 1).astype(float),
        }
    )
    for variable in table.values():
        variable.attrs = {"units": "1"}
    return table


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Projections on new and old values; recall and gain against overlap, spiking and rate in one figure."""
    margin = float(result["spiking"].attrs["margin"])
    chosen = {network: choose_speeds(result[network].to_dataset()) for network in CORRECTING}
    gains = {network: compare(table, network)["r2"] for network, table in chosen.items()}
    places = {network: find_crossing(table, network, margin) for network, table in chosen.items()}
    return {"overwrite": nf.plots.overwrite(chosen, gains, places, margin, result["spiking"].to_dataset()["chance"])}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
