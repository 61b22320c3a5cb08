"""Slow nets: sixty steps of training in every family, fifteen of others; Programs of those that come trained."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.same_science.names import call, find, select_arguments

FAMILIES: dict[str, dict[str, Any]] = {
    "gated_pairs": {"stored": 2, "distractors": 3},
    "digit_pairs": {"pairs": 3},
    "few_shot": {"ways": 3, "shots": 2},
    "regression": {"inputs": 4, "examples": 6},
}
SMALL = {"hidden": 8, "batch": 8, "steps": 60, "evaluate_every": 30}
VARIANTS: dict[str, dict[str, Any]] = {
    "gru": {"architecture": "gru", "rule": "hebbian", "steps": 15},
    "recurrent": {"architecture": "recurrent", "nonnegative": True, "w_max": 2.0, "steps": 15},
    "gate-cost": {"gate_cost": 0.01, "weight_decay": 0.1, "steps": 15},
}
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "gated-pairs": ("gated_pairs", {"stored": 2, "distractors": 2, "episodes": 2}),
    "digit-pairs": ("digit_pairs", {"pairs": 3, "episodes": 2, "reassign": 0.4}),
    "few-shot": ("few_shot", {"ways": 5, "shots": 2, "queries": 1, "episodes": 2}),
}


def cases() -> dict[str, Callable[[], Any]]:
    """Training and Programs."""
    made: dict[str, Callable[[], Any]] = {f"train-{family}": partial(train, family) for family in FAMILIES}
    for name, settings in VARIANTS.items():
        made[f"train-gated_pairs-{name}"] = partial(train, "gated_pairs", **settings)
    for name in find("slownet.trained.shipped")():
        made[f"program-{name}"] = partial(write_program, name)
    return made | {"encoder": encoder}


def train(family: str, **settings: Any) -> dict[str, Any]:
    """Parameters after training, and every evaluation on the way."""
    module = find(f"slownet.families.{family}")
    kind = find("slownet.training.settings.MetaTraining")
    sparse = {} if family == "regression" else {"pre": 120, "active": 6}
    own = kind(**select_arguments(kind, {**SMALL, **sparse, **settings}))
    tasks = module.family(module.Settings(**select_arguments(module.Settings, FAMILIES[family])))
    model, outcome = call("slownet.training.meta_training.meta_train", tasks, own, seed=9, progress=False)
    return {
        "parameters": dict(model.state_dict()),
        "best": outcome.best,
        "history": outcome.history,
        "tested": call("slownet.training.meta_training.test_model", model, tasks, seed=9),
    }


def write_program(name: str) -> Any:
    """What a trained slow net makes of two episodes."""
    task, settings = TASKS[name.rsplit("-", 1)[0]]
    episodes = call(f"tasks.{task}", **settings, seed=8, split="test")
    return find("slownet.load")(name)(episodes)


def encoder() -> dict[str, Any]:
    """Programs of the fixed slow net, with the overlap of their keys."""
    task = call("tasks.digit_pairs", pairs=4, episodes=2, reassign=0.5, repeats=2, seed=3)
    ways: dict[str, dict[str, Any]] = {"plain": {}, "overlap": {"overlap": 0.3}, "small": {"pre": 50, "active": 5}}
    made = {}
    for name, settings in ways.items():
        program = call("slownet.FixedEncoder", seed=6, **settings)(task)
        made[name] = {"program": program, "overlap": find("slownet.key_overlap")(program)}
    return made
