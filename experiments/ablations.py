"""Ablations: what recall and the winning rule rest on, as a table: NMDA receptors, gates, interneurons, plateaus.

Every key is shown twice, the second time with another value. Half of these second values are distractors, which are
not to be stored: there the write gate stays closed. So recall asks for the right gates, and rules are tested on them.
The same Programs run intact and with one thing taken away:

- NMDA blocked: no receptor binds glutamate, so no calcium enters.
- gate shuffled: synapses see the gates of each episode at other writes. Recall and rules are judged by what the Program
  says, not by what synapses saw. The row "gate shuffled, known" judges the same conductances by the shuffled gates: a
  synapse whose rule is unchanged has the same rule and recall there as an intact one.
- interneurons removed: the prediction does not reach the dendrite.
- plateaus removed, for synapses that only plateaus write: the gate, without which there is none, stays closed.

An ablation of what a model does not have does not apply. Where weights never move there is no learning, and no rule to
look for. Each Program runs twice with other spikes, which gives the noise ceiling; rules are fitted to one half of the
episodes and judged on the other. BTSP has pauses between events that outlast its eligibility trace, and a scale of
conductance, which is not published, at which value cells do not saturate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURED = ["weight", "recall", "conductance"]  # of a Trace: all that fits and scores look at
STILL = 1e-3  # weights that differ by less, relative to the largest, have not moved: single precision rounds them
RUNS = 2  # of everything: what repeats is the noise ceiling
INTACT, SHUFFLED, KNOWN = "intact", "gate shuffled", "gate shuffled, known"
LEARNS, STAYS, NEVER = "learns", "no learning", "does not apply"
SCORES = ("r2", "reassigned_r2", "identified")
VERDICT = ("noise_ceiling", "noise_ceiling_sem", "feve", "low", "high")  # of the best supported rule
UNIT = {"units": "1"}


@dataclass(frozen=True)
class Ablation:
    """What is done to the Program that synapses see and to the network, and which networks have such a thing."""

    program: Callable[[xr.Dataset, np.random.Generator], xr.Dataset] = lambda program, rng: program
    parameters: Mapping[str, str] = field(default_factory=dict)
    applies: Callable[[nf.SpikingNetwork], bool] = lambda network: True


ABLATIONS = {
    INTACT: Ablation(),
    "NMDA blocked": Ablation(
        parameters={"alpha_nmda": "0"}, applies=lambda network: "alpha_nmda" in network.synapse.values
    ),
    SHUFFLED: Ablation(lambda program, rng: nf.transforms.gates.shuffle(program, rng)),
    "interneurons removed": Ablation(
        parameters={"g_gaba": "0 nS"}, applies=lambda network: float(network.circuit["g_gaba"]) > 0
    ),
    "plateaus removed": Ablation(
        lambda program, rng: nf.transforms.gates.close(program, rng),
        applies=lambda network: "plateau_length" in network.synapse.values,
    ),
}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    regimes: tuple[str, ...] = ("btsp-network", "error-correcting", "thresholds", "additive")
    """Synapse models: of `neurofwp list synapses`, or TOML files."""
    episodes: int = 8
    """Episodes: rules are fitted to the first half and judged on the others."""
    pairs: int = 6
    """Keys per episode; each is shown twice."""
    distractors: float = 0.5
    """Share of the second values that are distractors, not to be stored."""
    overlap: float = 0.2
    """Share of active cells that two keys have in common on average."""
    pixels: int = 6
    """How many pixels the values have: those that differ most between digits."""
    plateau_pause: float = 2.0
    """Pause after each write and each read, s, where plateaus write."""
    plateau_scale: float = 0.15
    """Conductance of a weight of one, nS, where plateaus write."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate every synapse model, its ablations and a repeat of each side by side; score recall and fit the rules.

    Raises
    ------
    InputError
        for fewer than four episodes, no synapse models or one that there is not, or a share outside [0, 1].
    """
    check(settings)
    program = write_program(settings, seed)
    seen = {
        name: ablation.program(program, np.random.default_rng((seed, 1, index)))
        for index, (name, ablation) in enumerate(ABLATIONS.items())
    }
    judging = {}
    for name in ABLATIONS:
        judging[name] = program
        if name == SHUFFLED:
            judging[KNOWN] = nf.transforms.gates.retarget(seen[SHUFFLED])
    traces = simulate(settings, seen, seed, folder)
    fits = parallel_map(
        fit_rules,
        {
            f"{model}-{name}": (judging[name], *pair, seed, device)
            for (model, name), pair in traces.items()
            if moves(pair[0])
        },
        folder=folder,
        description="fitting all rules",
    )
    tree = {"/program": program, "/recall": score_recall(judging, traces, settings)}
    for model, name in traces:
        if f"{model}-{name}" in fits:
            tree[f"/fits/{model}/{name}"] = fits[f"{model}-{name}"]
    return xr.DataTree.from_dict(tree)


def check(settings: Settings) -> None:
    """Refuse what leaves nothing to fit or to judge."""
    if settings.episodes < 4 or not settings.regimes:
        raise InputError("give a synapse model or more, and 4 episodes or more: one half is fitted, the other judged")


def write_program(settings: Settings, seed: int) -> xr.Dataset:
    """Every key twice, with the write gate closed at distractors."""
    task = nf.tasks.digit_pairs(settings.pairs, settings.episodes, reassign=1.0, seed=seed)
    program = nf.slownet.FixedEncoder(pre=200, seed=seed, overlap=settings.overlap)(task)
    program = nf.transforms.selection.keep_most_varied(program, settings.pixels)
    program = nf.transforms.selection.without_silent_cells(program)
    return nf.transforms.gates.close_reassignments(program, settings.distractors, np.random.default_rng((seed, 0)))


def simulate(
    settings: Settings, seen: Mapping[str, xr.Dataset], seed: int, folder: Path | None
) -> dict[tuple[str, str], list[xr.Dataset]]:
    """Traces of both runs of every synapse model under every ablation that applies, which are conditions of a network.

    seen : by ablation, the Program that synapses see.
    """
    intact = {model: network_arguments(model, settings) for model in settings.regimes}
    applying = {
        model: [name for name, each in ABLATIONS.items() if each.applies(nf.SpikingNetwork(**arguments))]
        for model, arguments in intact.items()
    }
    jobs = [
        nf.spiking.jobs.Job(
            model, xr.concat([seen[name] for name in RUNS * applying[model]], dim="condition", data_vars="all"),
            arguments, seed=seed, conditions=ablate(arguments, applying[model], seed),
        )
        for model, arguments in intact.items()
    ]  # fmt: skip
    with nf.spiking.jobs.start(jobs, folder=folder) as trace:
        every = {model: trace(model)[MEASURED] for model in intact}
    traces = {
        (model, name): [nf.trace.of_condition(every[model], number) for number in (one, one + len(names))]
        for model, names in applying.items()
        for one, name in enumerate(names)
    }
    return traces | {(model, KNOWN): traces[model, SHUFFLED] for model in intact}


def network_arguments(model: str, settings: Settings) -> dict[str, Any]:
    """The intact network: SpikingNetwork's arguments."""
    values = nf.SpikingNetwork(model).synapse.values
    if "plateau_length" not in values:
        return {"synapse": model}
    scaled = {name: settings.plateau_scale * values[name] for name in ("w_initial", "w_max")}
    return {"synapse": model, "parameters": scaled | {"pause": f"{settings.plateau_pause} s"}}


def ablate(arguments: Mapping[str, Any], names: Sequence[str], seed: int) -> xr.Dataset:
    """Conditions: every ablation of an intact network, and every one again with other noise."""
    own = arguments.get("parameters", {})
    networks = [nf.SpikingNetwork(**{**arguments, "parameters": own | ABLATIONS[name].parameters}) for name in names]
    seeds = [each for each in nf.spiking.conditions.seeds_of_runs(seed, RUNS) for _ in names]
    return nf.spiking.conditions.of_networks(RUNS * networks, seed=seeds)


def moves(trace: xr.Dataset) -> bool:
    """Whether any conductance of a Trace differs from the others, beyond rounding."""
    weight = trace["conductance"].values
    return bool(np.ptp(weight) > STILL * np.abs(weight).max())


def fit_rules(program: xr.Dataset, one: xr.Dataset, other: xr.Dataset, seed: int, device: str) -> xr.Dataset:
    """All rules fitted to one network."""
    return nf.identify(program, one, repeat=other, restarts=4, seed=seed, device=device, progress=False)


def score_recall(
    judging: Mapping[str, xr.Dataset], traces: Mapping[tuple[str, str], list[xr.Dataset]], settings: Settings
) -> xr.Dataset:
    """Scores (synapse_model, condition, episode), NaN where an ablation does not apply; chance (condition, episode).

    judging : by condition, the Program that says what should be recalled.
    """
    shape = (len(settings.regimes), len(judging), settings.episodes)
    found = {name: np.full(shape, np.nan) for name in SCORES}
    status = np.full(shape[:2], NEVER, dtype=object)
    for i, model in enumerate(settings.regimes):
        for j, (name, program) in enumerate(judging.items()):
            if (model, name) in traces:
                trace = traces[model, name][0]
                status[i, j] = LEARNS if moves(trace) else STAYS
                for score, values in recall_scores(program, trace).items():
                    found[score][i, j] = values
    chance = np.stack([nf.metrics.chance_r2(program, by="episode").values for program in judging.values()])
    dims = ("synapse_model", "condition", "episode")
    return xr.Dataset(
        {name: (dims, values, UNIT) for name, values in found.items()}
        | {"status": (dims[:2], status.astype(str), UNIT), "chance": (dims[1:], chance, UNIT)},
        coords={"synapse_model": list(settings.regimes), "condition": list(judging)},
    )


def recall_scores(program: xr.Dataset, trace: xr.Dataset) -> dict[str, xr.DataArray]:
    """R^2 of all keys and of reassigned ones, where there are any, and the share of values identified, by episode."""
    scores = {
        "r2": nf.metrics.recall_r2(program, trace, by="episode"),
        "identified": nf.metrics.identified(program, trace, by="episode"),
    }
    if bool(program["reassigned"].any()):
        scores["reassigned_r2"] = nf.metrics.recall_r2(program, trace, by="episode", where=program["reassigned"])
    return scores


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Recall, noise ceiling and best supported rules (synapse_model, condition); every rule's scores; chance.

    ``rules`` of ``ablations`` names the best supported ones, and ``feve`` is what the best of them explains.
    """
    recall = result["recall"].to_dataset()
    fits = {
        (model, name): each.to_dataset()
        for model, group in (result["fits"].children.items() if "fits" in result.children else ())
        for name, each in group.children.items()
    }
    found = {"ablations": ablation_table(recall, fits)}
    found["chance"] = xr.Dataset(nf.metrics.mean_and_sem("r2", recall["chance"], "episode"))
    if fits:
        every = {case: each[[*nf.identification.SCORES, "best"]].astype(float) for case, each in fits.items()}
        none = xr.full_like(next(iter(every.values())), np.nan)
        rows = [
            xr.concat([every.get((model, name), none) for name in recall["condition"].values], recall["condition"])
            for model in recall["synapse_model"].values
        ]
        found["rules"] = xr.concat(rows, recall["synapse_model"])
    return found


def ablation_table(recall: xr.Dataset, fits: Mapping[tuple[str, str], xr.Dataset]) -> xr.Dataset:
    """Over (synapse_model, condition): NaN, and no rules, where there are no fits."""
    table = recall[["status"]]
    for name in SCORES:
        table = table.assign(nf.metrics.mean_and_sem(name, recall[name], "episode"))
    rules = xr.full_like(recall["status"], "", dtype=object)
    numbers = {name: xr.full_like(recall["status"], np.nan, dtype=float) for name in VERDICT}
    for (model, name), each in fits.items():
        here = {"synapse_model": model, "condition": name}
        best = nf.identification.best_fit(each, "feve")
        rules.loc[here] = " or ".join(nf.identification.best_rules(each))
        for column, values in numbers.items():
            values.loc[here] = float(best[column])
    return table.assign({**numbers, "rules": rules.astype(str)})


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Recall and the best supported rules of every network."""
    chance = float(result["recall"].to_dataset()["chance"].sel(condition=INTACT).mean())
    return {"ablations": nf.plots.recall_and_rules(tables(result)["ablations"], chance)}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
