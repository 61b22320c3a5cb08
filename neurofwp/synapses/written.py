"""A synapse model written as a TOML file: another one with some of its parameters, and of its circuit's, replaced."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurofwp.synapses.parameters import read_toml
from neurofwp.synapses.stage import ORDER


def text(start: str | Path, found: Mapping[str, tuple[float, str, str]], *, description: str, source: str) -> str:
    """The TOML of the model `start` with `found` (value, unit, source) by name, each marked as tuned.

    What is no parameter of the synapse goes into the table [circuit]. Others keep their sources; `source` is put before
    that of the whole file.

    Raises
    ------
    InputError
        if there is no model `start`.
    """
    _, content = read_toml(start, "synapses", "synapse model")
    entries = {
        name: {"value": value, "unit": unit, "source": why, "tuned": True} for name, (value, unit, why) in found.items()
    }
    tables = {stage: dict(content[stage]) for stage in ORDER if stage in content}
    for table in tables.values():
        table |= {name: entries.pop(name) for name in list(entries) if name in table}
    tables["circuit"] = content.get("circuit", {}) | entries
    if "laboratory" in content:
        tables["laboratory"] = content["laboratory"]
    lines = [f"description = {_value(description)}", f"source = {_value(source + '. ' + content.get('source', ''))}"]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{key} = {_value(entry)}" for key, entry in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else str(value)  # inf, nan: the same words in TOML
    return json.dumps(value, ensure_ascii=False)  # of strings, integers, booleans and lists, JSON is TOML
