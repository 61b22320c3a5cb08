"""Rows that sleep, against rows that advance at every step."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brian2 import ms

from neurofwp.brian import backends, rows, sleep
from neurofwp.synapses import model
from neurofwp.synapses.model import SynapseModel

from .test_rows import CELLS, EPISODES, PRE, by_statements, kernels, used

SLEEPERS = (
    "additive",
    "decay",
    "error-correcting",
    "error-correcting-short-term",
    "soft-bound",
    "thresholds",
    "linear",
    "graupner-brunel-cortical-slice-nmda",
)
STEPS = 1500
ROWS = EPISODES * PRE


def why_awake(synapse: SynapseModel) -> str:
    try:
        sleep.find(synapse, rows._loops(synapse, skip=True))
    except sleep.CannotSleep as reason:
        return str(reason)
    return ""


def activity(synapse: SynapseModel, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Gating (step, row), of bursts, of single spikes and of one cell that never fires; variables of value cells."""
    rng = np.random.default_rng(seed)
    rate = np.where(np.arange(ROWS) % PRE == 0, 0, np.where(np.arange(ROWS) % PRE == 1, 0.002, 0.0005))
    burst = (np.arange(STEPS) % 700 < 60)[:, None] & (np.arange(ROWS) % PRE == 2)
    spikes = rng.random((STEPS, ROWS)) < np.where(burst, 0.05, rate)
    gating, s = np.empty((STEPS, ROWS)), np.zeros(ROWS)
    for step, fired in enumerate(spikes):
        s = s * np.exp(-1 / float(synapse.values["tau_nmda"] / ms))
        s = gating[step] = np.where(fired, s + 0.5 * (1 - s), s)
    gating[-1] = 20  # wakes all, and keeps them from falling asleep at once
    opened = np.where(np.arange(STEPS) % 500 < 200, 1.0, 0.04)[:, None, None]
    drive = opened * rng.uniform(0.2, 1, (1, EPISODES, CELLS)) * rng.uniform(0.8, 1.2, (STEPS, EPISODES, CELLS))
    retained = np.where(np.arange(STEPS) % 600 < 100, 0.999, 1.0)[:, None, None]
    return gating, {"calcium_drive_post": drive, "survival_post": np.broadcast_to(retained, drive.shape)}


def advance(kernel: Any, synapse: SynapseModel, gating: np.ndarray, cells: dict[str, np.ndarray]) -> dict[str, Any]:
    """States after every step (step, row, cell), in single precision."""
    states, constants, _, post = used(synapse)
    own = synapse.constants(1 * ms)
    fixed = np.array([float(own[each]) for each in constants], np.float32)
    flat = np.zeros(len(states) * ROWS * CELLS, np.float32)
    flat[states.index("weight") * ROWS * CELLS :] = 1e-9
    made = []
    for step, gates in enumerate(gating):
        others = np.concatenate([np.ascontiguousarray(cells[each][step]).ravel() for each in post])
        arrays = flat, fixed, np.ascontiguousarray(gates), others
        kernel(*(each.ctypes.data_as(ctypes.c_void_p) for each in arrays))
        made.append(flat.reshape(len(states), ROWS, CELLS).copy())
    return dict(zip(states, np.moveaxis(np.array(made), 1, 0), strict=True))


def by_steps(synapse: SynapseModel, gating: np.ndarray, cells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same by the statements of the model, in double precision."""
    states, constants, (gate,), post = used(synapse)
    own = synapse.constants(1 * ms)
    fixed = {each: float(own[each]) for each in constants}
    now: dict[str, Any] = {each: np.full((ROWS, CELLS), 1e-9 if each == "weight" else 0.0) for each in states}
    made: dict[str, list[np.ndarray]] = {each: [] for each in states}
    for step, gates in enumerate(gating):
        given = {each: cells[each][step].repeat(PRE, axis=0) for each in post} | {gate: gates[:, None]}
        now = by_statements(synapse, fixed | now | given)
        for each in states:
            made[each].append(now[each])
    return {each: np.array(own) for each, own in made.items()}


def test_sleeping_rows_wake_with_the_states_that_they_would_have_had(
    tmp_path: Path, shared_library: Callable[..., ctypes.CDLL]
) -> None:
    """Bursts, single spikes and silence; gates that open and close; weights that decay for a while."""
    names = list(SLEEPERS)
    compiled = shared_library(kernels(names, tmp_path, "float", awake=[1]), backends.flags())
    for number, name in enumerate(names):
        synapse = model.load(name)
        gating, cells = activity(synapse, number)
        found = advance(getattr(compiled, f"advance_{number}"), synapse, gating, cells)
        expected = by_steps(synapse, gating, cells)
        scale = expected["calcium"].max()
        np.testing.assert_allclose(found["weight"], expected["weight"], rtol=3e-5, atol=1e-14, err_msg=name)
        assert abs(found["calcium"][-1] - expected["calcium"][-1]).max() < 2e-6 * scale, name
        differ = (abs(found["calcium"] - expected["calcium"]) > 1e-5 * scale).any(axis=2).mean(axis=0)
        assert differ[1] == 0, name  # a row that is watched
        assert differ[2] > 0.2, name  # what is in the memory of a row that sleeps is no calcium


def test_gating_that_falls_faster_than_calcium_keeps_rows_awake(
    tmp_path: Path, shared_library: Callable[..., ctypes.CDLL]
) -> None:
    slow = model.load("error-correcting")
    slow = replace(slow, values=slow.values | {"tau_calcium": 120 * ms})
    gating, cells = activity(slow, 0)
    compiled = shared_library(kernels(["error-correcting"], tmp_path, "float", awake=[]), backends.flags())
    found = advance(compiled.advance_0, slow, gating[:300], {name: own[:300] for name, own in cells.items()})
    expected = by_steps(slow, gating[:300], cells)
    np.testing.assert_allclose(found["calcium"], expected["calcium"], rtol=0, atol=2e-6 * expected["calcium"].max())


@pytest.mark.parametrize("name", SLEEPERS)
def test_what_makes_a_row_sleep_is_read_from_the_equations(name: str) -> None:
    synapse = model.load(name)
    found = sleep.find(synapse, rows._loops(synapse, skip=True))
    assert (found.state, found.gate) == ("calcium", "s_nmda_pre")
    assert eval(found.drive, {"calcium_drive_post": 3.0, "calcium_survival": 0.9}) == pytest.approx(0.3)
    assert "tau_nmda" in found.constants


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("shouval-2002", "nothing says when weights stand still"),
        ("btsp-network", "nothing says when weights stand still"),
        ("error-correcting-release", "no low-pass of an axon's gating"),
        ("error-correcting-vargas-caballero", ""),
    ],
)
def test_models_that_cannot_sleep_say_why(name: str, reason: str) -> None:
    assert reason in (found := why_awake(model.load(name)))
    assert bool(found) == bool(reason)


def test_calcium_that_events_change_does_not_sleep() -> None:
    synapse = model.load("error-correcting")

    class Jumping(type(synapse.stages[2])):
        spike = "calcium = calcium + 1"

    stages = tuple(Jumping() if each.stage == "calcium" else each for each in synapse.stages)
    assert why_awake(replace(synapse, stages=stages)) == "events name 'calcium'"
