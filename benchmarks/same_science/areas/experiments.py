"""Every experiment at small settings: its tree of results and its summary."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.same_science.names import find, select_arguments

SEED = 101
FIT_DATA = {"train": Path("sjostrom_2001_visual_cortex"), "test": Path("paired_recordings")}
SETTINGS: dict[str, dict[str, Any]] = {
    "ablations": {
        "synapses": ("btsp-network", "error-correcting", "thresholds"), "episodes": 4, "pairs": 2, "pixels": 2,
        "plateau_pause": 1.0,
    },
    "associative-retrieval": {"pairs": (20,), "steps": 10, "evaluated": 4},
    "attention-equivalence": {"lengths": (32, 64), "slope_from": 32, "width": 8, "repeats": 1},
    "calibrate": {
        "rule": "outstar", "generations": 1, "population": 4, "pairs": 2, "pixels": 2, "episodes": 4, "judged_pairs": 2,
    },
    "capacity": {
        "key_cells": 16, "value_cells": 8, "pairs": (4, 32), "draws": 6, "slots": 8, "patterns": (1, 4, 8, 10),
        "openings": (2, 4), "groups": 3, "episodes": 4,
    },
    "closed-form": {"sets": ("dpd-prime", "cortical-slice"), "intervals": (5.0, -5.0), "pairs": 60, "repeats": 10},
    "fit-synapse": {**FIT_DATA, "model": "triplet-visual-cortex", "bootstrap": 2},
    "hetero-associative": {
        "pairs": 2, "episodes": 2, "load": (1, 2), "load_episodes": 1, "cells_per_pool": 1,
    },
    "hetero-associative+ablation": {
        "regime": "thresholds", "pairs": 2, "episodes": 2, "repeats": 2, "overlap": 0.2, "load": (), "fit": False,
        "cells_per_pool": 1, "key_cells": "poisson", "gate": "conductance", "ablation": "gate-open",
        "parameters": ("D=150",),
    },
    "hetero-vs-auto": {
        "items": 4, "shares": (0.3, 0.6), "episodes": 2, "key_cells": 60, "active": 8, "cells_per_pool": 1,
        "duration": 250.0,
    },
    "in-context-learning": {
        "models": ("lstm", "delta"), "networks": 2, "steps": 4, "episodes": 20, "examples": 5, "width": 8, "heads": 1,
        "size": 4, "blocks": 1,
    },
    "in-context-regression": {"inputs": 3, "longest": 4, "episodes": 300},
    "key-overlap": {
        "key_cells": 32, "value_cells": 12, "keys": 8, "active": (1, 6), "draws": 3, "tuning_draws": 2,
        "potentiations": (0.2,),
    },
    "language-modelling": {
        "width": 16, "heads": 1, "size": 8, "blocks": 1, "length": 32, "batch": 2, "steps": 3, "validated": 4,
        "tested": 8, "networks": 2,
    },
    "leave-one-study-out": {
        "models": ("clopath-visual-cortex",),
        "data": (Path("sjostrom_2001_visual_cortex"), Path("wang_2005_hippocampal_culture")),
    },
    "meta-learning": {
        "networks": 2, "inputs": 3, "examples": 4, "ways": 3, "shots": 2, "regression_steps": 20, "few_shot_steps": 5,
        "gate_steps": 5, "episodes": 100,
    },
    "overwrite": {"pairs": 2, "episodes": 2, "rate_episodes": 3, "overlap": (0.05, 0.4), "pixels": 2},
    "phase-diagram": {"turnover": (2.0, 64.0), "gain": (0.0, 1.0), "episodes": 4, "pairs": 2, "pixels": 2},
    "place-fields": {"rules": ("hebbian", "outstar"), "restarts": 1},
    "plasticity-protocols": {"protocols": ("triplets",), "repeats": 4},
    "plasticity-protocols+measured": {
        "model": "triplet-visual-cortex", "data": Path("wang_2005_hippocampal_culture"), "repeats": 1,
    },
    "plasticity-protocols+plateaus": {"model": "btsp-example", "protocols": ("plateau-induction",)},
    "posterior-calibration": {"datasets": 2, "steps": 40},  # needs neurofwp[posterior]
    "realism": {
        "facts": ("circuit", "NMDA receptors blocked"), "pairs": 2, "episodes": 2, "pixels": 2, "key_cells": 200,
        "rules": ("hebbian", "delta"), "restarts": 1,
    },
    "recall-benchmark": {
        "vocabulary": 12, "length": 10, "pairs": 2, "sequences": 40, "tested": 40, "width": 8, "sizes": (2, 4),
        "networks": 2, "steps": 3,
    },
    "partial-observation": {
        "truths": ("hebbian", "delta"), "others": (), "draws": 1, "synapses": (0.2,), "cells": (0.2,),
        "errors": (0.25,), "episodes": 6, "pairs": 2, "key_cells": 30, "pixels": 3,
    },
    "retention": {
        "synapses": ("decay",), "holds": (0.0, 1.2, 2.4), "background": (6.0,), "turnover": (2.0,), "pairs": 2,
        "episodes": 2, "pixels": 2, "ungated": ("graupner-brunel-in-vivo",), "rates": (5.0, 20.0),
    },
    "rule-identification": {
        "synapses": ("additive", "thresholds"), "episodes": 4, "pairs": 2, "pixels": 2, "noises": (0.1,),
        "recovery_episodes": 4, "draws": 1,
    },
    "rule-transfer": {
        "rules": ("hebbian", "delta"), "pairs": 2, "other_pairs": (3,), "other_overlaps": (0.4,), "backgrounds": (2.0,),
        "other_cells": (2,), "encoders": 1, "other_durations": (250.0,), "episodes": 6, "pixels": 2, "restarts": 1,
    },
    "slow-net-to-spikes": {
        "slow_nets": ("gated-pairs-0", "gated-pairs-3"), "episodes": 1, "stored": 2, "distractors": 2,
    },
    "spiking-capacity": {
        "pairs": (2, 4), "active": (3, 6), "key_cells": 30, "cells": (1, 2), "standard_active": 6, "standard_cells": 2,
        "dimensions": 3, "episodes": 2, "rate_episodes": 3, "duration": 250.0,
    },
    "state-tracking": {"length": 4, "steps": 20, "networks": 2, "episodes": 20},
    "synapse-models": {
        "models": ("triplet-visual-cortex", "clopath-visual-cortex"), "data": (Path("sjostrom_2001_visual_cortex"),),
    },
}  # fmt: skip

# tables that were not in the summary: what they are called in it, the columns that are labels there, and those that it
# had already
TABLES: dict[str, dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]] = {
    "ablations": {"rules": ("rules", ("regime", "condition", "rule"), ())},
    "calibrate": {"candidates": ("candidates", (), ()), "found": ("parameters", ("parameter",), ("found",))},
    "closed-form": {"table": ("pairs", ("set", "dt"), ())},
    "fit-synapse": {
        "points": ("points", (), ()),
        "parameters": ("parameters", ("parameter",), ("fitted", "low", "high", "published")),
    },
    "phase-diagram": {"map": ("rules", ("gain", "turnover", "rule"), ("noise_ceiling", "recall", "recall_sem"))},
    "plasticity-protocols": {"table": ("points", (), ())},
    "synapse-models": {"points": ("points", (), ()), "parameters": ("parameters", (), ())},
}
COLUMNS = {"sem": "measured.sem"}  # those that have another name now


def cases() -> dict[str, Callable[[], Any]]:
    """All experiments, some with several settings (after a +); and points of a sweep that share networks."""
    return {name: partial(results, name) for name in SETTINGS} | {"hetero-associative+together": together}


def results(name: str) -> dict[str, Any]:
    """What an experiment leaves: all that it measured, and its summary, which holds the numbers of its tables."""
    module = _module(name)
    settings = module.Settings(**select_arguments(module.Settings, SETTINGS[name]))
    with tempfile.TemporaryDirectory(prefix="same-science-") as folder:
        tree = module.run(settings, seed=SEED, device="cpu", folder=Path(folder) / "parts")
    if not hasattr(module, "summary"):
        return {"result": tree, "summary": _texts(module.EXPERIMENT.summary(tree))}
    tables = _tables(name.split("+")[0], module.tables(tree)) if hasattr(module, "tables") else {}
    return {"result": tree, "summary": _texts(tables | module.summary(tree))}


def together() -> Any:
    """Points of a sweep, side by side in one network."""
    module = _module("hetero-associative")
    given = SETTINGS["hetero-associative"] | {"fit": False, "load": ()}
    points = [
        module.Settings(**select_arguments(module.Settings, given | {"parameters": (text,)}))
        for text in ("g_gaba=0", "g_gaba=3")
    ]
    return module.run_together(points, seed=SEED, device="cpu")


def _texts(summary: dict[str, Any]) -> dict[str, Any]:
    """The summary with lists of rules, and lists of such lists, as one text, which some of them were or became."""

    def text(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        parts = [text(each) for each in value]
        return " or ".join(parts) if all(isinstance(each, str) for each in parts) else value

    return {key: text(value) for key, value in summary.items()}


def _tables(experiment: str, frames: Mapping[str, Any]) -> dict[str, Any]:
    """Tables that were beside the summary, as it has them now: by keys of labels, or as columns."""
    made: dict[str, Any] = {}
    for name, (stem, labels, known) in TABLES.get(experiment, {}).items():
        if name not in frames:
            continue
        frame = frames[name].astype(object).where(frames[name].notna(), None)
        for column in frame.columns.difference((*labels, *known)):
            values, number = frame[column].tolist(), re.sub("_sem$", ".sem", column)
            if not labels:
                made[f"{stem}.{COLUMNS.get(column, number)}"] = values
                continue
            for row, value in zip(frame[list(labels)].itertuples(index=False), values, strict=True):
                words = [each if isinstance(each, str) else f"{each:g}" for each in row]
                made[".".join((stem, *words, number))] = value
    return made


def _module(name: str) -> Any:
    return find(f"experiments.{name.split('+')[0].replace('-', '_')}")
