"""How much must be seen of synapses to say which rule they run? A few, with noise, only before and after, or none.

Rate networks of known rules, whose keys and values are disturbed at every event as spikes disturb them, leave weights
of which an experimenter sees a part: synapses at random, all synapses of a few postsynaptic cells, or all synapses with
an error of measurement; after every event, or only before the first and after the last one. Or weights are latent, and
only the answers to keys are seen, as spikes of value cells give them: to some key after every event and to all keys at
the end, or only at the end. Each Program runs twice, with other disturbances, and the same is seen of both runs. Rules
run on all synapses and are fitted to what was seen: a synapse that was not still is part of the prediction W k.
Verdicts are right where they name the rule that was run, alone or in a class, wrong where they name others, a mixture,
or none, and undecided else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMES = ("every event", "before and after")
OUTCOMES = ("right", "wrong", "undecided")
ALL, SYNAPSES, CELLS, ERROR, READS = "all", "synapses", "cells", "error", "reads"  # kinds of what is seen


@dataclass(frozen=True)
class Settings:
    """What to run."""

    truths: tuple[str, ...] = ("hebbian", "fixed_decay", "delta", "outstar", "soft_bound")
    """Rules that are run, with drawn parameters; the same rules compete, with those of `others`."""
    others: tuple[str, ...] = ("gated_delta",)
    """Further rules that compete."""
    draws: int = 3
    """Data sets of each rule."""
    synapses: tuple[float, ...] = (0.2, 0.05)
    """Shares of all synapses that are seen, at random."""
    cells: tuple[float, ...] = (0.05,)
    """Shares of the postsynaptic cells all of whose synapses are seen; at least one cell."""
    errors: tuple[float, ...] = (0.25, 1.0)
    """Standard deviations of the error of measurement, in root mean squares of all weights that are not zero."""
    noise: float = 0.15
    """Coefficient of variation of keys and values at every event."""
    episodes: int = 16
    """Episodes: rules are fitted to the first half and judged on the others."""
    pairs: int = 4
    """Pairs per episode."""
    reassign: float = 0.5
    """Share of the keys that are reassigned: written again with new values."""
    key_cells: int = 100
    """Presynaptic cells, of which ten are active in a key."""
    pixels: int = 10
    """How many pixels the values have; each has an ON and an OFF cell."""
    restarts: int = 1
    """Random starts of each fit, besides its defaults and the optima of nested rules."""


@dataclass(frozen=True)
class View:
    """What is seen. kind : "all", a share of "synapses" or of "cells", all with an "error", or "reads", no weights but
    answers; level : how much."""

    kind: str
    level: float

    @property
    def name(self) -> str:
        if self.kind in (ALL, READS):
            return {ALL: "all synapses", READS: "answers alone"}[self.kind]
        return f"error {self.level:g}" if self.kind == ERROR else f"{100 * self.level:g} % of {self.kind}"


def views(settings: Settings) -> list[View]:
    """All synapses, then less of them."""
    kinds = {SYNAPSES: settings.synapses, CELLS: settings.cells, ERROR: settings.errors}
    some = [View(kind, level) for kind, levels in kinds.items() for level in levels]
    return [View(ALL, 1.0), *some, View(READS, 1.0)]


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Make all data sets, and identify each from every view of it.

    Raises
    ------
    InputError
        for too few episodes, no data set, shares outside (0, 1], or errors that are not above 0.
    """
    check(settings)
    program = write_program(settings, seed)
    known = [(rule, draw) for rule in settings.truths for draw in range(settings.draws)]
    children = np.random.SeedSequence(seed).spawn(len(known))
    cases = {
        f"{rule}-{draw}": (program, rule, settings, child, device)
        for (rule, draw), child in zip(known, children, strict=True)
    }
    found = parallel_map(look, cases, folder=folder, description="identifying from what is seen")
    each = [xr.concat([found[f"{rule}-{draw}"] for draw in range(settings.draws)], "draw") for rule in settings.truths]
    truth = xr.DataArray(list(settings.truths), dims="truth", name="truth", attrs={"units": "1"})
    return xr.DataTree.from_dict({"/verdicts": xr.concat(each, truth)})


def check(settings: Settings) -> None:
    """Refuse what no experimenter can see."""
    if settings.episodes < 4:
        raise InputError("episodes must be 4 or more: rules are fitted to one half and judged on the other")
    if not settings.truths or settings.draws < 1:
        raise InputError("give one truth or more, and draws of 1 or more")
    for name in ("synapses", "cells"):
        if not all(0 < share <= 1 for share in getattr(settings, name)):
            raise InputError(f"{name} must be shares above 0 and at most 1, not {getattr(settings, name)}")
    if not all(error > 0 for error in settings.errors):
        raise InputError(f"errors must be above 0, not {settings.errors}")
    if not settings.noise > 0:
        raise InputError(f"noise must be above 0, not {settings.noise:g}: runs would repeat exactly")


def write_program(settings: Settings, seed: int) -> xr.Dataset:
    """Pairs of digits under keys that overlap; after every write a key that was written is read, all at the end."""
    task = nf.tasks.digit_pairs(settings.pairs, settings.episodes, reassign=settings.reassign, seed=seed)
    program = nf.slownet.FixedEncoder(pre=settings.key_cells, active=10, seed=seed, overlap=0.2)(task)
    rng, query = np.random.default_rng(seed), program["query"].copy(deep=True)
    for event in np.flatnonzero(written(program)):
        asked = rng.integers(event + 1, size=settings.episodes)
        query[:, event] = program["key"].values[np.arange(settings.episodes), asked]
    size = (query**2).sum("pre") ** 0.5  # of norm one, as keys are that `disturb` makes
    program = program.assign(query=(query / size.where(size > 0, 1.0)).assign_attrs(query.attrs))
    return nf.transforms.selection.keep_most_varied(program, settings.pixels)


def written(program: xr.Dataset) -> np.ndarray:
    """Which events (event,) write."""
    found: np.ndarray = (program["write_gate"] > 0).any("episode").values
    return found


def look(program: xr.Dataset, rule: str, settings: Settings, child: np.random.SeedSequence, device: str) -> xr.Dataset:
    """One data set: outcome and noise ceiling of every view of it (time, view)."""
    rng = np.random.default_rng(child)
    network = nf.identification.recovery.network_of(rule, nf.identification.recovery.truth(rule, rng, program))
    runs = [network.run(nf.identification.recovery.disturb(program, settings.noise, rng)) for _ in range(2)]
    rules = list(dict.fromkeys((*settings.truths, *settings.others)))
    every = views(settings)
    outcome, ceiling = [], []
    for view in every:
        for shown, one, other in observe(program, runs, view, rng).values():
            fits = nf.identify(
                shown, one, rules, repeat=other, observed="reads" if view.kind == READS else "weights",
                unit_keys=True, references=False, restarts=settings.restarts, seed=int(rng.integers(2**31)),
                device=device, progress=False,
            )  # fmt: skip
            outcome.append(nf.identification.recovery.outcome(rule, nf.identification.verdict(fits)))
            ceiling.append(float(fits["noise_ceiling"]))
    shape, dims = (len(every), len(TIMES)), ("view", "time")
    found = xr.Dataset(
        {"outcome": (dims, np.reshape(outcome, shape)), "noise_ceiling": (dims, np.reshape(ceiling, shape))},
        coords={
            "view": [view.name for view in every], "time": list(TIMES),
            "kind": ("view", [view.kind for view in every]), "level": ("view", [view.level for view in every]),
        },
    ).transpose("time", "view")  # fmt: skip
    for name in found.variables:
        found[name].attrs["units"] = "1"
    return found


def observe(
    program: xr.Dataset, runs: list[xr.Dataset], view: View, rng: np.random.Generator
) -> dict[str, list[xr.Dataset]]:
    """The Program and what is seen of its two runs, by time."""
    writes = written(program)
    if view.kind == READS:
        at_end = program.assign(query=program["query"].where(xr.DataArray(~writes, dims="event"), 0.0))
        return {TIMES[0]: [program, *runs], TIMES[1]: [at_end, *runs]}
    events = {"event": np.flatnonzero(writes)}
    seen = see_some([each.isel(events) for each in runs], view, rng)
    shown = program.isel(events)
    return {TIMES[0]: [shown, *seen], TIMES[1]: [shown, *map(before_and_after, seen)]}


def see_some(runs: list[xr.Dataset], view: View, rng: np.random.Generator) -> list[xr.Dataset]:
    """What is seen of weights, NaN elsewhere: the same synapses in both runs, with errors of their own."""
    conductance = runs[0]["conductance"].transpose(..., "polarity", "post", "pre")
    shape = conductance.shape[-3:]
    if view.kind == ERROR:
        size = view.level * float(np.sqrt((conductance.values[conductance.values > 0] ** 2).mean()))
        return [see(each, each["conductance"] + size * rng.standard_normal(conductance.shape)) for each in runs]
    seen = np.ones(shape, dtype=bool)
    if view.kind == SYNAPSES:
        seen = _some(shape, view.level, rng)
    if view.kind == CELLS:
        seen = np.broadcast_to(_some(shape[:2], view.level, rng)[..., None], shape)
    mask = xr.DataArray(seen, dims=("polarity", "post", "pre"))
    return [see(each, each["conductance"].where(mask)) for each in runs]


def before_and_after(trace: xr.Dataset) -> xr.Dataset:
    """The same where no weight is seen but those after the last event; those before the first are known."""
    last = xr.DataArray(np.arange(trace.sizes["event"]) == trace.sizes["event"] - 1, dims="event")
    return see(trace, trace["conductance"].where(last))


def see(trace: xr.Dataset, conductance: xr.DataArray) -> xr.Dataset:
    """The Trace with other conductances."""
    own = trace["conductance"]
    return trace.assign(conductance=conductance.transpose(*own.dims).assign_attrs(own.attrs))


def _some(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> np.ndarray:
    """That share of places, rounded, at least one, at random."""
    size = int(np.prod(shape))
    chosen = np.zeros(size, dtype=bool)
    chosen[rng.permutation(size)[: max(1, round(share * size))]] = True
    return chosen.reshape(shape)


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Shares of verdicts by what is seen: ``verdicts`` (time, view), all rules together, and ``rules`` (.., truth).

    ``wrong_high`` is the upper 95 % confidence limit of the share of wrong verdicts (Clopper & Pearson 1934), taking
    data sets as independent; ``noise_ceiling`` the median.
    """
    every = result["verdicts"].to_dataset()
    over = ("truth", "draw")
    count = every["outcome"].sizes["truth"] * every["outcome"].sizes["draw"]
    wrong = (every["outcome"] == "wrong").sum(over)
    high = xr.apply_ufunc(nf.metrics.upper_limit, wrong, count)
    together = shares(every["outcome"], over).assign(wrong_high=high, noise_ceiling=every["noise_ceiling"].median(over))
    by_rule = shares(every["outcome"], ("draw",))
    found = {"verdicts": together, "rules": by_rule.transpose("time", "view", "truth")}
    found = {name: table.drop_vars(["kind", "level"]).map(_unit) for name, table in found.items()}
    return {"summary": xr.Dataset({"data_sets": ((), count, {"units": "1"})}), **found}


def shares(outcome: xr.DataArray, over: tuple[str, ...]) -> xr.Dataset:
    """Shares of the `OUTCOMES`."""
    return xr.Dataset({name: (outcome == name).mean(over) for name in OUTCOMES})


def _unit(variable: xr.DataArray) -> xr.DataArray:
    return variable.assign_attrs(units="1")


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Shares of right, wrong and undecided verdicts against what is seen."""
    every = result["verdicts"].to_dataset()
    return {"partial_observation": nf.plots.partial_observation(shares(every["outcome"], ("truth", "draw")))}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
