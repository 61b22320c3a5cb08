"""Synapses advanced in rows, against the statements of their models."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brian2 import Equations, ms

from neurofwp.brian import backends, rows
from neurofwp.brian.translate import words
from neurofwp.cli import catalogue
from neurofwp.spiking.circuits.apical_feedback import VALUE
from neurofwp.synapses import model
from neurofwp.synapses.model import SynapseModel
from neurofwp.synapses.stage import Stage

PRE, CELLS, EPISODES = 3, 37, 2
LOOP = ("finite-pool",)  # writes to its value cells


def stored(synapse: SynapseModel) -> set[str]:
    """Variables that value cells hold, and do not compute on demand."""
    equations = Equations(VALUE + synapse.text("postsynaptic"))
    return {name for name in equations.names if equations[name].type != "subexpression"}


def in_rows() -> list[str]:
    names = catalogue.synapses()
    return [name for name in names if (own := model.load(name)).update and not rows.obstacle(own, stored(own))]


def used(synapse: SynapseModel) -> tuple[list[str], ...]:
    """States, constants, variables of key cells and of value cells that the statements name."""
    named = sorted({word for code, idle in synapse.updates for word in re.findall(r"\w+", f"{code} {idle}")})
    constants = synapse.constants(1 * ms)
    return (
        [word for word in named if word in synapse.states],
        [word for word in constants if word in {*named, "tau_nmda", "plasticity_step"}],
        [word for word in named if word.endswith("_pre")],
        [word for word in named if word.endswith("_post")],
    )


def kernels(names: list[str], folder: Path, real: str, awake: Collection[int] = range(EPISODES * PRE)) -> Path:
    """All kernels in one C++ file, each in a namespace of its own; rows that are not `awake` may sleep."""
    parts = ["#include <algorithm>\n#include <cmath>\n#include <cstddef>\n#include <cstdint>\n#include <vector>\n"]
    for number, name in enumerate(names):
        synapse = model.load(name)
        states, constants, pre, post = used(synapse)
        arrays = [f"static {real}* _array_plastic_{each};" for each in constants]
        arrays += [f"static std::vector<{real}> _dynamic_array_plastic_{each};" for each in states]
        arrays += [f"static double* _array_value_{each.removesuffix('_post')};" for each in post]
        arrays += [f"static double* _array_key_{each.removesuffix('_pre')};" for each in pre]
        given = [f"brian::_array_plastic_{each} = constants + {i};" for i, each in enumerate(constants)]
        size = EPISODES * PRE * CELLS
        given += [
            f"brian::_array_key_{each.removesuffix('_pre')} = pre + {i * EPISODES * PRE};" for i, each in enumerate(pre)
        ]
        given += [
            f"brian::_dynamic_array_plastic_{each}.assign(states + {i * size}, states + {(i + 1) * size});"
            for i, each in enumerate(states)
        ]
        given += [
            f"brian::_array_value_{each.removesuffix('_post')} = post + {i * EPISODES * CELLS};"
            for i, each in enumerate(post)
        ]
        back = [
            f"for (int k = 0; k < {size}; k++) states[{i * size} + k] = brian::_dynamic_array_plastic_{each}[k];"
            for i, each in enumerate(states)
        ]
        arguments = ", ".join(["row", *(f"pre[{i * EPISODES * PRE} + row]" for i in range(len(pre)))])
        parts.append(
            f"namespace m{number} {{ namespace brian {{ {' '.join(arrays)} }}\n"
            f"{rows._code(synapse, pre, (EPISODES, PRE, CELLS), (), real, awake)}\n"
            f'extern "C" void advance_{number}'
            f"({real}* states, {real}* constants, double* pre, double* post) {{ {' '.join(given)}\n"
            f"for (int row = 0; row < {EPISODES * PRE}; row++) advance_row({arguments}); {' '.join(back)} }} }}\n"
        )
    source = folder / "rows.cpp"
    folder.mkdir(exist_ok=True)
    source.write_text("".join(parts))
    return source


def by_statements(synapse: SynapseModel, values: dict[str, Any]) -> dict[str, Any]:
    """What NumPy makes of the statements."""
    functions = {
        "exp": np.exp, "expm1": np.expm1, "sqrt": np.sqrt, "log": np.log, "inf": np.inf, "Hz": 1.0,
        "clip": np.clip, "int": lambda truth: np.asarray(truth, dtype=float),
    }  # fmt: skip
    known = {**functions, **values}
    exec(synapse.update, known)
    return {name: known[name] for name in used(synapse)[0]}


def test_every_model_advances_in_rows_as_its_statements_say(
    tmp_path: Path, shared_library: Callable[..., ctypes.CDLL]
) -> None:
    names = in_rows()
    assert set(names) >= {"additive", "decay", "error-correcting", "soft-bound", "thresholds", "omega", "btsp-network"}
    compiled = shared_library(kernels(names, tmp_path, "double"), ["-O1"])
    pointer = ctypes.POINTER(ctypes.c_double)
    for number, name in enumerate(names):
        synapse = model.load(name)
        states, constants, pre, post = used(synapse)
        rng = np.random.default_rng(number)
        shape = (EPISODES * PRE, CELLS)
        scale = {"weight": 1e-9, "slots": 1e-9, "insertion_post": 0.1}
        before = {each: rng.uniform(0, 1.5, shape) * scale.get(each, 1) for each in states}
        own = synapse.constants(1 * ms)
        fixed = np.array([float(own[each]) for each in constants])
        gates = rng.uniform(0, 1, (len(pre), EPISODES * PRE))
        cells = {each: rng.uniform(0, 1.5, (EPISODES, CELLS)) * scale.get(each, 1) for each in post}
        flat = np.concatenate([before[each].ravel() for each in states])
        others = np.concatenate([cells[each].ravel() for each in post]) if post else np.zeros(1)
        getattr(compiled, f"advance_{number}")(*(each.ctypes.data_as(pointer) for each in (flat, fixed, gates, others)))
        after = dict(zip(states, flat.reshape(len(states), *shape), strict=True))
        expected = by_statements(
            synapse,
            before
            | dict(zip(constants, fixed, strict=True))
            | {each: own[:, np.newaxis] for each, own in zip(pre, gates, strict=True)}
            | {each: cells[each].repeat(PRE, axis=0) for each in post},
        )
        for each in states:
            np.testing.assert_allclose(after[each], expected[each], rtol=1e-12, atol=0, err_msg=f"{name}: {each}")


def test_passing_over_idle_synapses_changes_no_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_library: Callable[..., ctypes.CDLL]
) -> None:
    """Calcium from far below the level at which synapses change to above it, as compiled for a network."""
    names = [name for name in in_rows() if any("calcium" in idle for _, idle in model.load(name).updates)]
    assert set(names) >= {"additive", "decay", "error-correcting", "thresholds", "linear"}
    passing = shared_library(kernels(names, tmp_path / "passing", "float"), backends.flags())
    loops = rows._loops
    monkeypatch.setattr(rows, "_loops", lambda synapse, *, skip: loops(synapse, skip=False))
    every = shared_library(kernels(names, tmp_path / "every", "float"), backends.flags())
    shape = (EPISODES * PRE, CELLS)
    for number, name in enumerate(names):
        synapse = model.load(name)
        states, constants, pre, post = used(synapse)
        own = synapse.constants(1 * ms)
        level = float(own.get("c_idle", own.get("c_floor")))
        fixed = np.array([float(own[each]) for each in constants], np.float32)
        # what nothing but the loop that may be passed over reads; without a number there is no weight after it
        rest = [word for code, idle in loops(synapse, skip=True) if "calcium" not in idle for word in words(code)]
        idles = [word for _, idle in synapse.updates for word in words(idle)]
        poisoned = np.where([each in (*rest, *idles) for each in constants], fixed, np.nan).astype(np.float32)
        assert np.isnan(poisoned).any()
        rng = np.random.default_rng(number)
        passed_over = []
        for share in np.linspace(0.1, 1.5, 57):
            calcium = np.clip(rng.uniform(-1.5, 1.5, shape), -share, share) * level
            before = {"calcium": calcium, "weight": rng.uniform(0, 3e-9, shape), "s_nmda": rng.uniform(0, 1, shape)}
            cells = {each: rng.uniform(-share * level, share * level, (EPISODES, CELLS)) for each in post}
            cells |= {"survival_post": rng.choice([1, 0.999], (EPISODES, 1)) * np.ones((EPISODES, CELLS))}
            gates = rng.uniform(0, 1, (len(pre), EPISODES * PRE))
            others = np.concatenate([cells[each].ravel() for each in post])
            ends = []
            for compiled, numbers in ((passing, fixed), (every, fixed), (passing, poisoned)):
                flat = np.concatenate([before[each].ravel() for each in states]).astype(np.float32)
                arrays = flat, numbers, gates, others
                getattr(compiled, f"advance_{number}")(*(each.ctypes.data_as(ctypes.c_void_p) for each in arrays))
                ends.append(flat.reshape(-1, *shape))
            np.testing.assert_array_equal(ends[0], ends[1], err_msg=f"{name} at {share:g}")
            most = abs(ends[0][states.index("calcium")]).max(axis=1)
            untouched = np.isfinite(ends[2][states.index("weight")]).all(axis=1)
            assert untouched[most < 0.999 * level].all()
            assert not untouched[ends[0][states.index("calcium")].max(axis=1) > 1.001 * level].any()
            passed_over += untouched.tolist()
        assert 0.2 < np.mean(passed_over) < 0.9


@pytest.mark.parametrize("name", LOOP)
def test_a_model_that_writes_to_cells_keeps_the_loop(name: str) -> None:
    synapse = model.load(name)
    assert rows.obstacle(synapse, stored(synapse)) == (
        "its update writes to 'pool_change_post', a variable of a cell that synapses share"
    )


def test_every_reason_is_a_phrase() -> None:
    by_clock = model.load("graupner-brunel-cortical-slice-nmda")
    assert not rows.obstacle(by_clock, stored(by_clock))
    error_correcting = model.load("error-correcting")
    missing = stored(error_correcting) - {"survival"}
    assert "looks up 'survival', which the value cell computes on demand" in rows.obstacle(error_correcting, missing)
    events = model.load("graupner-brunel-cortical-slice")
    assert rows.obstacle(events, stored(events)) == "gone_at, last_event of each synapse need double precision"
    noisy = replace(by_clock, stages=(*by_clock.stages[:-1], Noisy()))
    assert "no translation of the statement 'weight = weight*randn()'" in rows.obstacle(noisy, stored(noisy))


class Noisy(Stage):
    stage = "turnover"
    form = "noisy"
    source = "a test"
    synaptic_update = "weight = weight*randn()"


def test_a_reason_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "neurofwp")
    for _ in range(2):
        rows.tell("a-model", "a reason")
    assert [record.message for record in caplog.records] == [
        "the synapses of a-model advance in Brian2's own loop, which is slower: a reason"
    ]
