"""What the experiment with slow nets on spiking synapses does to Programs, and what it reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from neurofwp.errors import InputError
from neurofwp.experiments import slow_net_to_spikes as experiment
from neurofwp.experiments.slow_net_to_spikes import INTACT, NETWORKS, Settings
from neurofwp.rate import RateNetwork
from neurofwp.slownet import TrainedSlowNet
from neurofwp.slownet.families import gated_pairs
from neurofwp.slownet.training.meta_training import initial_programmer
from neurofwp.slownet.training.settings import MetaTraining
from neurofwp.spiking import jobs
from neurofwp.spiking.jobs import Job
from neurofwp.tasks.gated_pairs import CONTEXTS
from neurofwp.transforms import gates

TASK = gated_pairs.Settings(stored=2, distractors=3)


def slow_net(folder: Path, gain: float) -> str:
    """An untrained slow net whose gate follows what tells stored pairs from distractors, with a given gain."""
    training = MetaTraining(pre=60, active=4, hidden=4)
    model = initial_programmer(gated_pairs.family(TASK), training, seed=7)
    difference = torch.tensor(CONTEXTS[1] - CONTEXTS[0], dtype=torch.float32)
    with torch.no_grad():
        for parameter in (*model.controller.parameters(), *model.gate.parameters()):
            parameter.zero_()
        model.controller.input.weight[0, -len(difference) :] = difference
        model.controller.input.weight[1, -len(difference) :] = -difference
        model.gate.weight[0, :2] = gain * torch.tensor([1.0, -1.0])
    return str(TrainedSlowNet(model, "gated-pairs").save(folder / f"{gain:g}.safetensors"))


def settings(folder: Path) -> Settings:
    names = (slow_net(folder, 5.0), slow_net(folder, 4.0))
    return Settings(names, episodes=1, stored=2, distractors=3, noise=0.1)


@contextmanager
def stand_in(every: Sequence[Job], *, folder: Path | None) -> Iterator[jobs.Traces]:
    """The rate network in place of the simulator; without NMDA receptors nothing is written."""

    def record(name: str) -> xr.DataTree:
        (job,) = (job for job in every if job.name == name)
        blocked = job.network["parameters"].get("alpha_nmda") == "0"
        trace = RateNetwork("delta").run(gates.close(job.program, None) if blocked else job.program)
        return xr.DataTree.from_dict({"trace": trace})

    yield jobs.Traces(record)


def test_gates_decide_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "start", stand_in)
    check(experiment.run(settings(tmp_path), seed=3, device="cpu"))


@pytest.mark.slow
def test_gates_decide_what_spiking_synapses_keep(tmp_path: Path) -> None:
    result = experiment.run(settings(tmp_path), seed=3, device="cpu")
    check(result)
    figures = experiment.plot(result)
    assert set(figures) == {"gating", "ablations", "recall"}
    calcium = {float(line.get_ydata().max()) for line in figures["gating"].axes[1].lines if len(line.get_ydata()) > 2}
    assert max(calcium) > 2 * min(calcium)  # it enters where the gate opens


def check(result: xr.DataTree) -> None:
    """Two stored pairs come back and three distractors do not; nothing does without NMDA receptors; all does without a
    gate that closes."""
    numbers = experiment.EXPERIMENT.summary(result)
    assert numbers["write_gate.stored.mean"] > 0.99
    assert numbers["write_gate.distractors.mean"] < 0.01
    for network in NETWORKS:
        assert numbers[f"recall.intact.{network}.stored.r2"] > 0.8
        assert numbers[f"recall.intact.{network}.distractors.r2"] < numbers["chance.distractors.r2"]
        assert abs(numbers[f"recall.nmda_blocked.{network}.stored.r2"]) < 0.1
        assert numbers[f"recall.gate_open.{network}.distractors.r2"] > 0.7
    both = (numbers[f"recall.intact.{network}.stored.r2"] for network in NETWORKS)
    assert numbers["stored_ratio"] == next(both) / next(both)


def test_synapses_that_are_recorded_are_of_one_key_alone_where_it_has_such_a_cell() -> None:
    key = np.array([[[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 0, 0, 1, 1], [1, 1, 0, 0, 0]]], dtype=float)
    value = np.array([[[0.1, 0.9], [0.8, 0.2], [0.3, 0.4], [0.5, 0.1]]])
    program = xr.Dataset(
        {
            "key": (("episode", "event", "pre"), key),
            "value": (("episode", "event", "post"), value),
            "write": (("episode", "event"), [[True, True, True, False]]),
        }
    )
    assert experiment.probes(program) == [(0, "on", 1, 1), (0, "on", 0, 2), (0, "on", 1, 3)]


def test_means_and_errors_are_over_slow_nets() -> None:
    conditions = list(experiment.ablations())
    r2 = np.random.default_rng(2).random((len(conditions), 2, 2, 3))
    recall = xr.Dataset(
        {"r2": (("condition", "network", "pairs", "slow_net"), r2), "chance": (("pairs", "slow_net"), np.ones((2, 3)))},
        coords={"condition": conditions, "network": list(NETWORKS), "pairs": ["stored", "distractors"]},
    )
    program = xr.Dataset(
        {
            "write_gate": (("episode", "event"), [[0.9, 0.2, 0.0]]),
            "write": (("episode", "event"), [[True, True, False]]),
            "stored": (("episode", "event"), [[True, False, True]]),
        }
    )
    numbers = experiment.EXPERIMENT.summary(xr.DataTree.from_dict({"/recall": recall, "/program": program}))
    first = r2[conditions.index(INTACT), NETWORKS.index("spiking"), 1]
    assert numbers["recall.intact.spiking.distractors.r2"] == pytest.approx(first.mean())
    assert numbers["recall.intact.spiking.distractors.r2.sem"] == pytest.approx(first.std(ddof=1) / np.sqrt(3))
    assert numbers["recall.gate_shuffled.spiking.stored.r2"] == pytest.approx(r2[1, 0, 0].mean())
    assert numbers["write_gate.stored.mean"] == 0.9
    assert numbers["write_gate.distractors.mean"] == 0.2


def test_bad_slow_nets_are_refused() -> None:
    with pytest.raises(InputError, match="must name one slow net or more"):
        experiment.run(Settings(slow_nets=()), seed=0, device="cpu")
    with pytest.raises(InputError, match="unknown slow net 'gated-pears'"):
        experiment.run(Settings(slow_nets=("gated-pears",)), seed=0, device="cpu")
