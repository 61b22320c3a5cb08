"""Laboratory protocols and measurements as numbers, and what closed forms say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from benchmarks.same_science.names import call, find

DATA = ("bi_poo_1998_hippocampal_culture", "paired_recordings", "sjostrom_2001_visual_cortex",
        "wang_2005_hippocampal_culture")  # fmt: skip
SETS = ("dpd", "cortical-slice", "hippocampal-slice")
PREDICTED = ("graupner-brunel-cortical-slice", "triplet-visual-cortex", "clopath-visual-cortex")
KINDS: dict[str, dict[str, Any]] = {
    "spike_timing": {"dts": (-20, 10), "pairs": 5},
    "pairing_frequency": {},
    "triplets": {},
    "quadruplets": {},
    "voltage_pairing": {},
    "presynaptic_frequency": {},
    "poisson": {"seed": 3, "duration": 2.0},
    "plateau_induction": {"delays": (-1.0, 0.5)},
    "calcium_series": {},
}


def cases() -> dict[str, Callable[[], Any]]:
    """Protocols, measurements, predictions and closed forms."""
    made: dict[str, Callable[[], Any]] = {f"measurements-{name}": partial(measurements, name) for name in DATA}
    made |= {f"two-threshold-{name}": partial(two_threshold, name) for name in SETS}
    made |= {f"predicted-{model}": partial(predict, model) for model in PREDICTED}
    return made | {"protocols": protocols, "shot-noise": shot_noise}


def protocols() -> dict[str, Any]:
    """All kinds of protocols."""
    return {kind: _columns(call(f"laboratory.kinds.{kind}", **settings)) for kind, settings in KINDS.items()}


def measurements(name: str) -> dict[str, Any]:
    """A table of measurements, with the protocol of each."""
    read = _read(name)
    numbers = {column: [getattr(each, column) for each in read] for column in ("ratio", "sem", "n")}
    return numbers | _columns([each.protocol for each in read])


def predict(model: str) -> Any:
    """What closed forms say of what was measured."""
    measured = [each.protocol for name in DATA[1:] for each in _read(name)]
    return find("laboratory.prediction.predict")(find("synapses.model.load")(model), measured)


def two_threshold(name: str) -> dict[str, Any]:
    """Two-threshold synapses: protocols step by step and on average, and lasting firing."""
    model = find("synapses.model.load")(f"graupner-brunel-{name}")
    made = find("laboratory.kinds.spike_timing")((-30, -10, 10, 30), pairs=20)
    names = ("exact_change", "time_averaged_change", "poisson_shares")
    forms = {form: find(f"theory.graupner_brunel.{form}") for form in names}
    shares = forms["poisson_shares"](model.values, 5.0, 3.0)
    return {
        "exact": [forms["exact_change"](model, each) for each in made],
        "averaged": [forms["time_averaged_change"](model, each) for each in made],
        "shares": shares,
        "relaxation": find("theory.graupner_brunel.relaxation")(model.values, *shares),
    }


def shot_noise() -> list[float]:
    """Shares of time above a threshold under Poisson firing."""
    above = find("theory.shot_noise.share_above")
    return [above(1.3, (1.0, 2.0), rates, 0.02) for rates in ((1.0, 1.0), (10.0, 5.0), (0.0, 20.0), (40.0, 40.0))]


def _columns(protocols: Sequence[Any]) -> dict[str, Any]:
    """What several protocols do, as few arrays: times one after the other, with how many each protocol has."""
    made: dict[str, Any] = {
        name: [getattr(each, name) for each in protocols]
        for name in ("name", "trains", "period", "voltage", "calcium", "initial", "length", "duration")
    }
    for name in ("pre", "post", "held", "plateaus"):
        times = [np.ravel(getattr(each, name)).tolist() for each in protocols]
        made |= {name: list(chain(*times)), f"{name}_count": list(map(len, times))}
    coordinates = dict.fromkeys(name for each in protocols for name in each.coordinates)
    return made | {name: [each.coordinates.get(name) for each in protocols] for name in coordinates}


def _read(name: str) -> list[Any]:
    read: list[Any] = find("laboratory.measurements.read")(name)
    return read
