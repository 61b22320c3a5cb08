"""The code of every shipped synapse: a change of its equations is meant, and says so by a new hash here."""

from __future__ import annotations

import hashlib
import json

from neurofwp.cli import catalogue
from neurofwp.synapses import model

HASHES = {
    "additive": "b5849a10eabd7030",
    "btsp-example": "46c4f5dd3e0bb08f",
    "btsp-network": "46c4f5dd3e0bb08f",
    "chindemi-2022": "a3e7a81dda9d0e04",
    "clopath-visual-cortex": "a8fbf3e4e4f4fdf1",
    "decay": "b5849a10eabd7030",
    "error-correcting": "d76ce22715dd19f9",
    "error-correcting-release": "10d395d00510f5c5",
    "error-correcting-vargas-caballero": "31d461dc77cafd31",
    "finite-pool": "bd59ecf694ad24f8",
    "graupner-brunel-cortical-slice": "b558f1695e9cf277",
    "graupner-brunel-cortical-slice-nmda": "20177a2cee3e843a",
    "graupner-brunel-d-curve": "13ed9072634f551c",
    "graupner-brunel-d-prime": "13ed9072634f551c",
    "graupner-brunel-dp-curve": "953c39e7360756d0",
    "graupner-brunel-dpd": "17d9129e72e3d643",
    "graupner-brunel-dpd-prime": "6cfa7b747ab5ae5c",
    "graupner-brunel-hippocampal-culture": "31c199c6541f96e9",
    "graupner-brunel-hippocampal-slice": "51d669b9910cb6f1",
    "graupner-brunel-hippocampal-slice-nmda": "20177a2cee3e843a",
    "graupner-brunel-in-vivo": "b558f1695e9cf277",
    "graupner-brunel-p-curve": "13ed9072634f551c",
    "linear": "7af011ecb07b1e64",
    "omega": "ab0f7d8a172329ed",
    "shouval-2002": "54c7c9a509e5cac7",
    "soft-bound": "3bb9a44ad95941f9",
    "thresholds": "7759888c43628519",
    "triplet-hippocampal-culture": "a3a5ac765d09de0e",
    "triplet-visual-cortex": "a3a5ac765d09de0e",
}


def test_the_code_of_every_shipped_synapse_is_what_it_was() -> None:
    made = {
        name: hashlib.sha256(json.dumps(model.load(name).shape, sort_keys=True).encode()).hexdigest()[:16]
        for name in catalogue.synapses()
    }
    assert made == HASHES
