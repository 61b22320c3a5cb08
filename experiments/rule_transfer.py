"""Does a rule fitted under one condition predict others? Loads, overlaps, background, pools, encoders, durations.

One synapse model runs pairs of digits under a baseline condition and under others that differ from it in one thing
each: how many pairs are stored, how much keys overlap, how fast the background fires, how many cells a pool has, which
encoder makes the keys, and how long a write lasts. Every condition runs twice, with other spikes; rules are fitted to
the first half of its episodes and, without being fitted again, predict the increments of the second half of every
condition. Diagonals are thus what `identify` scores, and all else is transfer.

Events do not say how long they last. Scores are given for a beta per event, as the Program has it, with which transfer
between durations must fail, and for a beta in proportion to the duration of the write ("per time").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FITTED = ["weight", "recall", "conductance"]  # of a Trace: all that fits look at
BACKGROUND = ("soma_exc_mean", "soma_inh_mean")  # in proportion to the rates of the background synapses of value cells
# of the models, what figures show: a named one of each kind, then nulls and references
SHOWN = (
    "delta", "gated_delta", "outstar", "calcium_threshold", "hebbian", "null: mean_value", "reference: local",
    "reference: local and prediction",
)  # fmt: skip
UNIT = {"units": "1"}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    synapse: str = "error-correcting"
    """Synapse model: of `neurofwp list synapses`, or a TOML file."""
    rules: tuple[str, ...] = (
        "hebbian", "fixed_decay", "scalar_decay", "delta", "gated_delta", "soft_bound", "outstar", "calcium_threshold",
        "oja",
    )  # fmt: skip
    """Rules to fit; empty for all that can be, which takes many times as long."""
    references: bool = False
    """Fit the flexible references to every condition as well, which takes longer than all of these rules."""
    pairs: int = 8
    """Pairs per episode of the baseline."""
    other_pairs: tuple[int, ...] = (3, 24)
    """Pairs per episode of further conditions."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average, at baseline."""
    other_overlaps: tuple[float, ...] = (0.1, 0.4)
    """The same of further conditions."""
    backgrounds: tuple[float, ...] = (0.5, 1.25, 2.0)
    """Factors on the rates of the background synapses of value cells, of further conditions."""
    cells_per_pool: int = 4
    """Value cells of each ON and each OFF pool at baseline."""
    other_cells: tuple[int, ...] = (2, 8)
    """The same of further conditions."""
    encoders: int = 1
    """Further conditions with another encoder each."""
    duration: float = 500.0
    """How long a write lasts at baseline, ms."""
    other_durations: tuple[float, ...] = (250.0, 1000.0)
    """The same of further conditions, ms."""
    episodes: int = 8
    """Episodes of each condition: rules are fitted to the first half, the others judge."""
    reassign: float = 0.5
    """Share of the keys that are reassigned: written again with new values."""
    pixels: int = 8
    """How many pixels the values have: those that differ most between digits, at baseline."""
    restarts: int = 2
    """Random starts of each fit, besides its defaults and the optima of nested rules."""


@dataclass(frozen=True)
class Condition:
    """One condition. factor : what it differs from the baseline in. background : factor on rates."""

    name: str
    factor: str
    pairs: int
    overlap: float
    cells: int
    duration: float
    background: float = 1.0
    encoder: int = 0


def conditions(settings: Settings) -> list[Condition]:
    """The baseline, and those that differ from it in one thing."""
    first = Condition(
        "baseline", "baseline", settings.pairs, settings.overlap, settings.cells_per_pool, settings.duration
    )

    def vary(factor: str, field: str, name: str, values: Any) -> list[Condition]:
        return [replace(first, name=name.format(each), factor=factor, **{field: each}) for each in values]

    return [
        first,
        *vary("load", "pairs", "{} pairs", settings.other_pairs),
        *vary("overlap", "overlap", "overlap {:g}", settings.other_overlaps),
        *vary("background", "background", "background × {:g}", settings.backgrounds),
        *vary("cells per pool", "cells", "{} cells", settings.other_cells),
        *vary("encoder", "encoder", "encoder {}", range(1, settings.encoders + 1)),
        *vary("duration", "duration", "{:g} ms", settings.other_durations),
    ]


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate all conditions, fit all rules to each, and let each fit predict all of them.

    Raises
    ------
    InputError
        for fewer than two episodes, no further condition, or a condition that is there twice.
    """
    check(settings)
    every = conditions(settings)
    programs = write_programs(settings, every, seed)
    traces = simulate(settings, every, programs, seed, folder)
    cases = {name: (program, *traces[name], settings, seed, device) for name, program in programs.items()}
    fits = parallel_map(fit_rules, cases, folder=folder, description="fitting all rules")
    cases = {name: (fits[name], program, traces[name][0], settings, seed) for name, program in programs.items()}
    predictors = parallel_map(fit_others, cases, description="fitting nulls and references")
    known = {name: (program, *traces[name]) for name, program in programs.items()}
    # conditions have images in common: only episodes that no fit has seen judge
    judge = range(settings.episodes // 2, settings.episodes)
    matrix = nf.identification.transfer.matrix(predictors, known, judge=judge, device=device)
    about = {
        "factor": ("test", [each.factor for each in every], UNIT),
        "duration": ("test", [each.duration for each in every], {"units": "ms"}),
    }
    tree = {"/transfer": matrix.assign_coords(about)}
    tree |= {f"/fits/{name}": each for name, each in fits.items()}
    return xr.DataTree.from_dict(tree)


def check(settings: Settings) -> None:
    """Refuse what leaves nothing to judge, or nothing to transfer to."""
    if settings.episodes < 2:
        raise InputError("episodes must be 2 or more: rules are fitted to one half and judged on the other")
    every = conditions(settings)
    if len(every) < 2:
        raise InputError("give one further condition or more: there is nothing to transfer to")
    if len({replace(each, name="", factor="") for each in every}) < len(every):
        raise InputError("the baseline and all further conditions must differ from each other")


def write_programs(settings: Settings, every: list[Condition], seed: int) -> dict[str, xr.Dataset]:
    """The Program of every condition, of the same pixels."""
    made = {}
    for each in every:
        task = nf.tasks.digit_pairs(each.pairs, settings.episodes, reassign=settings.reassign, seed=seed)
        encoder = nf.slownet.FixedEncoder(
            pre=200, active=20, seed=seed + each.encoder, overlap=each.overlap, duration=each.duration
        )
        program = encoder(task)
        made[each.name] = program.assign_coords(post=np.arange(program.sizes["post"]))
    pixels = nf.transforms.selection.keep_most_varied(made["baseline"], settings.pixels)["post"].values
    return {name: program.isel(post=pixels).drop_vars("post") for name, program in made.items()}


def simulate(
    settings: Settings, every: list[Condition], programs: Mapping[str, xr.Dataset], seed: int, folder: Path | None
) -> dict[str, list[xr.Dataset]]:
    """Both Traces of every condition, of seeds of their own."""
    jobs = [
        nf.spiking.jobs.Job(
            f"{each.name}-{run}", programs[each.name], network(settings, each),
            seed=2 * (len(every) * seed + number) + run,
        )
        for number, each in enumerate(every)
        for run in (0, 1)
    ]  # fmt: skip
    with nf.spiking.jobs.start(jobs, folder=folder) as trace:
        return {each.name: [trace(f"{each.name}-{run}")[FITTED] for run in (0, 1)] for each in every}


def network(settings: Settings, condition: Condition) -> dict[str, Any]:
    """The arguments of SpikingNetwork."""
    found: dict[str, Any] = {"synapse": settings.synapse, "cells_per_pool": condition.cells}
    if condition.background != 1:
        circuit = nf.SpikingNetwork(settings.synapse).circuit
        found["parameters"] = {name: condition.background * circuit[name] for name in BACKGROUND}
    return found


def fit_rules(
    program: xr.Dataset, one: xr.Dataset, other: xr.Dataset, settings: Settings, seed: int, device: str
) -> xr.Dataset:
    """All rules fitted to one condition."""
    return nf.identify(
        program, one, settings.rules or None, repeat=other, references=False, restarts=settings.restarts, seed=seed,
        device=device, progress=False,
    )  # fmt: skip


def fit_others(
    fits: xr.Dataset, program: xr.Dataset, trace: xr.Dataset, settings: Settings, seed: int
) -> dict[str, Any]:
    """What predicts weights by name: the rules, and nulls and references fitted to the same episodes."""
    found: dict[str, Any] = nf.identification.transfer.predictors(
        fits, program, trace, references=settings.references, seed=seed
    )
    return found


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """How well parameters that were fitted under one condition (train) predict others (test).

    ``increments`` and ``weights`` (beta, train, test, model): FEVE; models are rules and, where there are any, nulls
    and references. ``models`` (beta, model): FEVE within conditions, mean, and between them, median and worst; also
    the worst where durations are the same. ``conditions``: noise ceiling, and verdict within each. ``parameters``
    (condition, parameter), of the rule that transfers best. beta is "per event", as Programs have it, or "per time", in
    proportion to durations.
    """
    scores = result["transfer"].to_dataset()
    feve = scores["feve"].drop_vars(["factor", "duration"])
    within = scores[["noise_ceiling", "noise_ceiling_sem"]].drop_vars(["factor", "duration"]).rename(test="condition")
    fits = [result["fits"][str(name)].to_dataset() for name in within["condition"].values]
    rules = [" or ".join(nf.identification.best_rules(each)) for each in fits]
    verdicts = [str(each["sentence"].item()) for each in fits]
    best = best_rule(result)
    values = [each["parameter_value"].sel(rule=best, drop=True) for each in fits]
    parameters = xr.concat(values, dim=within["condition"]).dropna("parameter", how="all")
    return {
        "summary": xr.Dataset({"transfers_best": ((), best, UNIT)}),
        "increments": feve.sel(measure="increments", drop=True).to_dataset(name="feve"),
        "weights": feve.sel(measure="weights", drop=True).to_dataset(name="feve"),
        "models": model_table(scores),
        "conditions": within.assign(rules=("condition", rules, UNIT), verdict=("condition", verdicts, UNIT)),
        "parameters": parameters.to_dataset(name="value"),
    }


def model_table(scores: xr.Dataset) -> xr.Dataset:
    """FEVE of every model on increments (beta, model): within conditions and between them."""
    feve = scores["feve"].sel(measure="increments", drop=True)
    other = feve["train"] != feve["test"]
    between = feve.where(other)
    lasting = xr.DataArray(scores["duration"].values, dims="train", coords={"train": scores["train"]})
    alike = between.where(lasting == scores["duration"])
    pairs = ("train", "test")
    table = xr.Dataset(
        {
            "within": feve.where(~other).mean(pairs), "between": between.median(pairs), "worst": between.min(pairs),
            "worst_of_same_duration": alike.min(pairs),
        }
    )  # fmt: skip
    return table.map(lambda each: each.assign_attrs(UNIT))


def best_rule(result: xr.DataTree) -> str:
    """The rule with the largest median FEVE between conditions, beta per event."""
    between = model_table(result["transfer"].to_dataset())["between"].sel(beta="per event")
    rules = next(iter(result["fits"].children.values())).to_dataset()["rule"].values
    return str(between.sel(model=rules).idxmax("model").item())


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """Fitted conditions against predicted ones for the rules that matter; durations under both assumptions."""
    scores = result["transfer"].to_dataset()
    names = [str(name) for name in scores["model"].values]
    shown = [name for name in dict.fromkeys([best_rule(result), *SHOWN]) if name in names]
    return nf.plots.LazyFigures(
        {
            "transfer": lambda: nf.plots.rule_transfer(scores, shown),
            "durations": lambda: nf.plots.transfer_of_durations(scores, shown),
        }
    )


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
