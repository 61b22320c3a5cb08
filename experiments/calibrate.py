"""From a rule to a synapse: receptor and circuit parameters with which the spiking network runs a given rule.

CMA-ES moves ten parameters of synapse and circuit within physiological bounds, away from a start model that runs
another rule. Candidates of a generation run side by side, as conditions of one network in each process, and are scored
by the fraction of the weights' explainable variance that the rule explains (FEVE) on episodes that it was not fitted
to, by the recall of reassigned keys, and by the rule's lead over its rivals. The best run once more on other episodes,
and one is chosen.

The chosen model is written as a model file, and judged as that file says, beside the start model: on Programs and with
spikes that the search has not seen, at a time step of 0.1 ms, against every rule of the library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime import files, provenance
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import b2, np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurofwp.calibration import Space

MODELS = ("start", "chosen")
SEARCHED, FINAL, JUDGED = range(3)  # Programs, by what they are for
UNIT = {"units": "1"}
OWN_UNIT = {"units": "that of each parameter"}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    rule: str = "delta"
    """Rule that the network is to run; any that can be fitted."""
    start: str = "soft-bound"
    """Synapse model to start from: one of `neurofwp list synapses` with graded calcium control, or a TOML file."""
    generations: int = 20
    """Generations of candidates, without the final one."""
    population: int = 12
    """Candidates in a generation."""
    pairs: int = 6
    """Pairs per episode of the search."""
    overlap: float = 0.1
    """Share of active cells that two keys have in common on average. Where keys share next to none, error correction
    and the overwriting of single synapses do the same, and a search for the one finds the other."""
    pixels: int = 8
    """How many pixels the values have: those that differ most between digits."""
    search_step: float = 0.5
    """Time step of membranes in the search, ms; the judgement takes 0.1 ms."""
    episodes: int = 8
    """Episodes of the judgement: rules are fitted to the first half and judged on the others."""
    judged_pairs: int = 8
    """Pairs per episode of the judgement."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Search, write the model file beside `folder`, and judge.

    Raises
    ------
    InputError
        for a rule that cannot be fitted, a start model without the parameters that are searched, or settings below
        what a search needs.
    """
    candidates = nf.identification.candidates()
    if nf.rules.get(settings.rule) not in candidates:
        known = ", ".join(each.id for each in candidates)
        raise InputError(f"rule {settings.rule!r} cannot be fitted to weights; these can: {known}")
    check(settings)
    space = nf.calibration.Space(settings.start)
    network = {"synapse": settings.start, "membrane_step": settings.search_step * b2.ms}
    nf.SpikingNetwork(**network)  # refuses a step that does not fit, before any work
    searched, final = (write_program(settings, settings.pairs, 2, seed, purpose) for purpose in (SEARCHED, FINAL))
    every = nf.calibration.search.search(
        space, settings.rule, (searched, final), network, generations=settings.generations,
        population=settings.population, seed=seed, folder=folder,
    )  # fmt: skip
    every.attrs |= {"rule": settings.rule, "start": settings.start}
    text = write_model(settings, every, seed)
    own = folder.parent if folder else Path()
    path = files.output_folder(own) / f"{settings.rule.replace('_', '-')}-calibrated.toml"
    with files.replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    parameters = describe_parameters(space, every).assign_attrs(model=text)
    tree = {"/search": every, "/parameters": parameters} | judge(settings, path, seed, device, folder)
    return xr.DataTree.from_dict(tree)


def check(settings: Settings) -> None:
    """Refuse what is less than a search needs."""
    if settings.generations < 1 or settings.population < 4 or settings.episodes < 4 or settings.pairs < 2:
        raise InputError("calibrate needs 1 generation, 4 candidates in each, 4 episodes to judge and 2 pairs, or more")


def write_program(settings: Settings, pairs: int, episodes: int, seed: int, purpose: int) -> xr.Dataset:
    """Half of the keys are reassigned. Every purpose has its own expansion of images, the judgement its own images."""
    own = int(np.random.SeedSequence((seed, purpose)).generate_state(1)[0])
    task = nf.tasks.digit_pairs(
        pairs, episodes, reassign=0.5, seed=own, split="test" if purpose == JUDGED else "train"
    )  # fmt: skip
    program = nf.slownet.FixedEncoder(seed=own, overlap=settings.overlap)(task)
    selection = nf.transforms.selection
    return selection.without_silent_cells(selection.keep_most_varied(program, settings.pixels))


def write_model(settings: Settings, every: xr.Dataset, seed: int) -> str:
    """The chosen model, in TOML."""
    value = every["value"].values[np.flatnonzero(every["chosen"].values)[0]]
    where = f"neurofwp run calibrate --rule {settings.rule} --start {settings.start} --seed {seed}"
    tried = f"commit {provenance.commit()}, {every.sizes['candidate']} candidates"
    source = f"{where}, {tried}; what was not searched as in {settings.start}"
    found = {
        each.name: (float(number), each.unit, f"found by search in [{each.low:g}, {each.high:g}]")
        for each, number in zip(nf.calibration.SPACE, value, strict=True)
    }
    description = f"Calibrated to run the {settings.rule} rule, from {Path(settings.start).stem}"
    return nf.synapses.model_toml(settings.start, found, description=description, source=source)


def describe_parameters(space: Space, every: xr.Dataset) -> xr.Dataset:
    """Over ``parameter``: where the start and the chosen model are, between which bounds, and why there."""
    searched = nf.calibration.SPACE
    at = np.flatnonzero(every["chosen"].values)[0]
    numbers = {
        "start": [float(b2.Quantity(space.own[each.name]) / space.unit(each.name)) for each in searched],
        "found": every["value"].values[at],
        "low": [each.low for each in searched],
        "high": [each.high for each in searched],
    }
    texts = {"unit": [each.unit for each in searched], "reason": [each.reason for each in searched]}
    table = xr.Dataset({name: ("parameter", column, OWN_UNIT) for name, column in numbers.items()})
    table = table.assign({name: ("parameter", column, UNIT) for name, column in texts.items()})
    return table.assign_coords(parameter=[each.name for each in searched])


def judge(settings: Settings, path: Path, seed: int, device: str, folder: Path | None) -> dict[str, xr.Dataset]:
    """Every rule fitted to the start and to the chosen model, and recall of both, on what the search has not seen."""
    program = write_program(settings, settings.judged_pairs, settings.episodes, seed, JUDGED)
    spikes = np.random.SeedSequence((seed, JUDGED)).generate_state(2)
    synapse = dict(zip(MODELS, (settings.start, path), strict=True))
    jobs = [
        nf.spiking.jobs.Job(f"{model}-{run}", program, {"synapse": synapse[model]}, seed=int(spikes[run]))
        for model in MODELS
        for run in (0, 1)
    ]
    with nf.spiking.jobs.start(jobs, folder=folder) as trace:
        both = {model: [trace(f"{model}-{run}") for run in (0, 1)] for model in MODELS}
    cases = {model: (program, *runs, seed, device) for model, runs in both.items()}
    fits = parallel_map(fit_rules, cases, folder=folder, description="fitting all rules")
    models = xr.DataArray(list(MODELS), dims="model", name="model")
    recall = xr.concat([score_recall(program, one) for one, _ in both.values()], dim=models)
    return {f"/fits/{model}": each for model, each in fits.items()} | {"/recall": recall}


def fit_rules(program: xr.Dataset, one: xr.Dataset, other: xr.Dataset, seed: int, device: str) -> xr.Dataset:
    """All rules fitted to one model."""
    return nf.identify(program, one, repeat=other, restarts=4, seed=seed, device=device, progress=False)


def score_recall(program: xr.Dataset, trace: xr.Dataset) -> xr.Dataset:
    """R^2 of every episode: of all keys, of reassigned ones, and of the mean value as the answer to these."""
    reassigned = program["reassigned"]
    found = {
        "r2": nf.metrics.recall_r2(program, trace, by="episode"),
        "reassigned_r2": nf.metrics.recall_r2(program, trace, by="episode", where=reassigned),
        "chance_r2": nf.metrics.chance_r2(program, by="episode", where=reassigned),
    }
    return xr.Dataset({name: each.assign_attrs(units="1") for name, each in found.items()})


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """How the start and the chosen model were judged, what the search moved, and every candidate.

    ``models`` has, of the rule that was searched for, the FEVE with its interval; the noise ceiling; and the best
    supported rules. ``rules`` has the scores of every rule, ``recall`` R^2 by the kind of keys.
    """
    every, recall = result["search"].to_dataset(), result["recall"].to_dataset()
    parameters = result["parameters"].to_dataset()
    models = xr.DataArray(list(MODELS), dims="model", name="model")
    scored = [*nf.identification.SCORES, "best", "noise_ceiling"]
    each_model = [result[f"fits/{model}"].to_dataset()[scored] for model in MODELS]
    fits = xr.concat(each_model, models, data_vars="all", combine_attrs="override")
    own = fits[["feve", "low", "high", "noise_ceiling"]].sel(rule=every.attrs["rule"], drop=True)
    best = [" or ".join(nf.identification.best_rules(fits.sel(model=model))) for model in MODELS]
    averages = [nf.metrics.mean_and_sem(name, recall[name], "episode") for name in map(str, recall.data_vars)]
    scores = every[[name for name in every if every[name].dims == ("candidate",)]]
    values = {
        str(name): every["value"].sel(parameter=name, drop=True).assign_attrs(units=str(unit))
        for name, unit in zip(parameters["parameter"].values, parameters["unit"].values, strict=True)
    }
    return {
        "summary": xr.Dataset({"candidates": ((), every.sizes["candidate"], UNIT)}),
        "models": own.assign(best=("model", best, UNIT)),
        "rules": nf.identification.score_table(fits).assign(best=fits["best"]),
        "recall": xr.Dataset({name: each for average in averages for name, each in average.items()}),
        "parameters": parameters,
        "candidates": scores.assign(values),
    }


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """The front of recall against FEVE, with what was found; and the FEVE of every rule of both models."""
    found = tables(result)
    judged = found["models"][["feve", "low", "high"]].assign(
        recall=found["recall"]["reassigned_r2"], recall_sem=found["recall"]["reassigned_r2_sem"]
    )
    return nf.plots.LazyFigures(
        {
            "front": lambda: nf.plots.calibration(result["search"].to_dataset(), found["parameters"], judged),
            "rules_of_the_chosen": lambda: nf.plots.rule_bars(result["fits/chosen"].to_dataset()),
            "rules_of_the_start": lambda: nf.plots.rule_bars(result["fits/start"].to_dataset()),
        }
    )


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
