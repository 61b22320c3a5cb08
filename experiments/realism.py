"""How much of the truth can the circuit hold? Facts of cells, one by one and together, and what one can block.

Each fact changes the coupled two-compartment circuit in one thing (`neurofwp.spiking.facts`): how strongly soma and
dendrite are coupled, whether NMDA receptors carry current, whether the write gate is spikes, whose interneurons tell a
cell its prediction and how late, where AMPA receptors lie, how much cells differ. Parameters are those of the closed
form, and nothing is tuned to a verdict. Every condition is run twice, with other spikes: measured are recall, of
reassigned keys too, what reading does to weights, rates of all cells, and the verdict with null and reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neurofwp as nf
from neurofwp.errors import InputError, unknown
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.spiking.facts import Fact

FITTED = ["weight", "recall", "conductance"]
ABOUT = ("factor", "level", "unit", "prediction")  # what is said of each condition
UNIT = {"units": "1"}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    facts: tuple[str, ...] = ()
    """Factors, as "shared feedback", or names of single conditions; by default all."""
    pairs: int = 8
    """Pairs per episode."""
    key_cells: int = 200
    """Key cells; 20 of them are active in a key."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average."""
    reassign: float = 0.5
    """Share of the keys that are reassigned: written again with new values."""
    episodes: int = 12
    """Episodes: rules are fitted to the first half and judged on the others."""
    pixels: int = 8
    """How many pixels the values have: those that differ most between digits."""
    networks: int = 1
    """Networks of each condition, with keys, values and spikes of their own; their seeds follow `--seed`."""
    rules: tuple[str, ...] = ("hebbian", "fixed_decay", "scalar_decay", "key_decay", "delta", "gated_delta",
                              "key_gated_delta", "soft_bound", "outstar", "calcium_threshold")  # fmt: skip
    """Rules to fit; empty for all that can be, which takes three times as long."""
    restarts: int = 2
    """Random starts of each fit."""
    transfer_pairs: int = 0
    """Run every condition with so many pairs too, of which the rules fitted at `pairs` predict the weights; 0: not."""
    verdicts: bool = True
    """Run every condition twice and identify its rule; without, recall and rates are measured, in half the time."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate all conditions with all seeds, and identify each.

    Raises
    ------
    InputError
        for fewer than two episodes, or a fact that there is not.
    """
    check(settings)
    facts, numbers = select_facts(settings), range(seed, seed + settings.networks)
    loads = [settings.pairs, settings.transfer_pairs][: 1 + bool(settings.transfer_pairs and settings.verdicts)]
    runs = range(1 + settings.verdicts)
    programs = {
        (each.duration, number, pairs): write_program(settings, number, each.duration, pairs)
        for each in facts for number in numbers for pairs in loads
    }  # fmt: skip
    jobs = [
        nf.spiking.jobs.Job(f"{label(each, number)}, {pairs} pairs, run {run}",
                            programs[each.duration, number, pairs], each.network, seed=2 * number + run,
                            recorded=pairs == settings.pairs and run == 0)
        for each in facts for number in numbers for pairs in loads for run in runs
    ]  # fmt: skip
    found: dict[str, xr.Dataset] = {}
    cases: dict[str, Any] = {}
    with nf.spiking.jobs.start(jobs, folder=folder) as finished:
        for each, number in product(facts, numbers):
            name, known = label(each, number), []
            for pairs in loads:
                program = programs[each.duration, number, pairs]
                traces = [finished(f"{name}, {pairs} pairs, run {run}") for run in runs]
                known.append((program, *(own[FITTED] for own in traces)))
                if pairs == settings.pairs:
                    recording = finished.recording(f"{name}, {pairs} pairs, run 0")
                    found[name] = measure(program, traces[0], recording["spikes"].to_dataset())
            cases[name] = (known, settings, number, device)
    if settings.verdicts:
        judged = parallel_map(judge, cases, folder=folder, description="fitting rules")
    else:
        judged = dict.fromkeys(found, no_verdict(settings, "not judged", "no rule was fitted"))
    return xr.DataTree.from_dict({"/measured": join(facts, numbers, found), "/verdicts": join(facts, numbers, judged)})


def label(fact: Fact, seed: int) -> str:
    """Of a condition with one seed."""
    return f"{fact.name}, seed {seed}"


def check(settings: Settings) -> None:
    """Refuse what leaves nothing to judge."""
    if settings.episodes < 2 or settings.networks < 1:
        raise InputError("realism needs 2 episodes, one to fit and one to judge, and 1 seed, or more of each")


def select_facts(settings: Settings) -> list[Fact]:
    """The conditions that are named, by factor or by name."""
    every = nf.spiking.facts.facts()
    known = {each.factor for each in every} | {each.name for each in every}
    for name in settings.facts:
        if name not in known:
            raise unknown("fact", name, sorted(known))
    return [each for each in every if not settings.facts or {each.name, each.factor} & set(settings.facts)]


def write_program(settings: Settings, seed: int, duration: float, pairs: int) -> xr.Dataset:
    """Pairs of digits under keys that overlap."""
    task = nf.tasks.digit_pairs(pairs, settings.episodes, reassign=settings.reassign, seed=seed)
    encoder = nf.slownet.FixedEncoder(
        pre=settings.key_cells, active=20, seed=seed, overlap=settings.overlap, duration=duration
    )
    return nf.transforms.selection.keep_most_varied(encoder(task), settings.pixels)


def measure(program: xr.Dataset, trace: xr.Dataset, spikes: xr.Dataset) -> xr.Dataset:
    """Recall (episode), change of weights in reads relative to writes, and rates (population, phase, statistic)."""
    change = np.diff(trace["conductance"].values, axis=1, prepend=0.0)
    written = (program["write_gate"].values > 0).any(0)
    moved = [float(np.sqrt((change[:, events] ** 2).sum())) for events in (written, ~written)]
    recall = {
        "r2": nf.metrics.recall_r2(program, trace, by="episode"),
        "reassigned_r2": nf.metrics.recall_r2(program, trace, by="episode", where=program["reassigned"]),
        "chance": nf.metrics.chance_r2(program, by="episode"),
    }
    made = xr.Dataset({name: each.assign_attrs(UNIT) for name, each in recall.items()})
    made["written_in_reads"] = ((), moved[1] / moved[0] if moved[0] else np.nan, UNIT)
    return made.assign(rate=nf.metrics.population_rates(trace, spikes))


def judge(
    known: list[tuple[xr.Dataset, xr.Dataset, xr.Dataset]], settings: Settings, seed: int, device: str
) -> xr.Dataset:
    """The verdict on one condition, what it is measured against, and FEVE of the rules, there and at another load.

    known : Program and both Traces, and the same of another load, if there is one.
    """
    (program, one, other), *loads = known
    if np.ptp(one["conductance"].values) == 0:
        return no_verdict(settings, "nothing is learned", "no weight changes")
    fits = nf.identify(
        program, one, settings.rules or None, repeat=other, restarts=settings.restarts, seed=seed, device=device,
        progress=False,
    )  # fmt: skip
    table = nf.identification.verdict_table(fits).assign(
        fits[["feve", "low", "high", "noise_ceiling", "sentence"]].rename(low="feve_low", high="feve_high")
    )
    table["transfer"] = xr.full_like(table["feve"], np.nan)
    for each in loads:  # whose images no fit has seen judge
        judges = range(settings.episodes // 2, settings.episodes)
        scores = nf.identification.transfer.transfer(fits, *each, judge=judges, device=device)
        table["transfer"][:] = scores["feve"].isel(measure=0).sel(model=table["rule"].values).values
    return table.drop_vars([name for name in table.coords if name != "rule"])


def no_verdict(settings: Settings, verdict: str, sentence: str) -> xr.Dataset:
    """What is said of a condition whose weights no rule was fitted to."""
    rules = list(settings.rules) or [rule.id for rule in nf.identification.candidates()]
    words = {"verdict": verdict, "rules": "", "sentence": sentence}
    numbers = dict.fromkeys(("unexplained", "low", "high", "null", "reference", "noise_ceiling"), np.nan)
    scalars = {name: ((), each, UNIT) for name, each in (words | numbers).items()}
    scores = {
        name: ("rule", np.full(len(rules), np.nan), UNIT) for name in ("feve", "feve_low", "feve_high", "transfer")
    }
    return xr.Dataset(scalars | scores, coords={"rule": rules})


def join(facts: list[Fact], numbers: range, found: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Datasets of all conditions and seeds (condition, seed, ...), with what each condition is."""
    rows = [
        xr.concat(
            [found[label(each, number)] for number in numbers],
            xr.DataArray(list(numbers), dims="seed", name="seed"),
        )
        for each in facts
    ]
    names = xr.DataArray([each.name for each in facts], dims="condition", name="condition")
    about = {name: ("condition", [getattr(each, name) for each in facts]) for name in ABOUT}
    return xr.concat(rows, names, join="outer").assign_coords(about)


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """``conditions`` (condition): recall with SEM over episodes of all seeds, its chance, change of weights in reads
    relative to writes; verdict, rules, unexplained share, null and reference of the first seed. ``blocks``: predictions
    and what came of them. ``rates`` (condition, population, phase, statistic): mean and 95 % quantile, Hz. ``rules``
    (condition, rule): FEVE, and that at the other load (``transfer``), means of seeds."""
    predicted = result["measured"]["prediction"].values
    measured, verdicts = (result[name].to_dataset().drop_vars(ABOUT) for name in ("measured", "verdicts"))
    first = verdicts.isel(seed=0, drop=True)
    samples = measured[["r2", "reassigned_r2"]].drop_vars("seed").stack(sample=("seed", "episode"), create_index=False)
    words = first[["verdict", "rules", "unexplained", "low", "high", "null", "reference", "noise_ceiling"]]
    conditions = xr.Dataset(
        {
            **nf.metrics.mean_and_sem("r2", samples["r2"], "sample"),
            **nf.metrics.mean_and_sem("reassigned_r2", samples["reassigned_r2"], "sample"),
            "chance": measured["chance"].mean(("seed", "episode"), keep_attrs=True),
            "written_in_reads": measured["written_in_reads"].mean("seed", keep_attrs=True),
            **words.data_vars,
        }
    )
    blocks = first[["sentence"]].assign(prediction=("condition", predicted, UNIT)).isel(condition=predicted != "")
    return {
        "conditions": conditions,
        "blocks": blocks[["prediction", "sentence"]],
        "rates": measured[["rate"]].mean("seed", keep_attrs=True),
        "rules": verdicts[["feve", "transfer"]].mean("seed", keep_attrs=True),
    }


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """Curves of recall and of what rules explain against the level of each fact; and what blocks do."""
    measured, verdicts = result["measured"].to_dataset(), result["verdicts"].to_dataset()
    drawings = {"circuits_and_blocks": partial(nf.plots.circuits_and_blocks, measured, verdicts)}
    if np.isfinite(measured["level"].values).any() and bool(verdicts["feve"].notnull().any()):
        drawings["realism"] = partial(nf.plots.realism, measured, verdicts)
    return nf.plots.LazyFigures(drawings)


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
