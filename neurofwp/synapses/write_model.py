"""A synapse model written as a TOML file: another one with some of its parameters, and of its circuit's, replaced."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tomli_w

from neurofwp.runtime import migrations
from neurofwp.synapses.parameters import read_toml
from neurofwp.synapses.stage import ORDER


def model_toml(start: str | Path, found: Mapping[str, tuple[float, str, str]], *, description: str, source: str) -> str:
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
    whole = f"{source}. {content.get('source', '')}"
    about = {migrations.ATTRIBUTE: migrations.FORMAT, "description": description, "source": whole}
    return tomli_w.dumps(about | tables)
