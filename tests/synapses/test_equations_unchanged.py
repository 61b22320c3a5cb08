"""The code of every shipped synapse: a change of its equations is meant, and says so by a new hash here."""

from __future__ import annotations

import hashlib
import json

from neurofwp.cli import catalogue
from neurofwp.synapses import model

HASHES = {
    "additive": "ba9aaf8274a78512",
    "btsp-example": "46c4f5dd3e0bb08f",
    "btsp-network": "46c4f5dd3e0bb08f",
    "chindemi-2022": "a3e7a81dda9d0e04",
    "clopath-visual-cortex": "a8fbf3e4e4f4fdf1",
    "decay": "ba9aaf8274a78512",
    "error-correcting": "3935b8d9f48ecb3a",
    "error-correcting-release": "0ed4191e7f94b16f",
    "error-correcting-short-term": "2c9a7222e47a1e6d",
    "error-correcting-vargas-caballero": "bf33135ddd559fc5",
    "finite-pool": "935f3e2244c47e44",
    "graupner-brunel-cortical-slice": "b558f1695e9cf277",
    "graupner-brunel-cortical-slice-nmda": "747baaa0dbd89128",
    "graupner-brunel-d-curve": "13ed9072634f551c",
    "graupner-brunel-d-prime": "13ed9072634f551c",
    "graupner-brunel-dp-curve": "953c39e7360756d0",
    "graupner-brunel-dpd": "17d9129e72e3d643",
    "graupner-brunel-dpd-prime": "6cfa7b747ab5ae5c",
    "graupner-brunel-hippocampal-culture": "31c199c6541f96e9",
    "graupner-brunel-hippocampal-slice": "51d669b9910cb6f1",
    "graupner-brunel-hippocampal-slice-nmda": "747baaa0dbd89128",
    "graupner-brunel-in-vivo": "b558f1695e9cf277",
    "graupner-brunel-p-curve": "13ed9072634f551c",
    "linear": "96e305964536e269",
    "omega": "950d6b555fa13cf0",
    "shouval-2002": "c0974752f7a81a16",
    "soft-bound": "a05af507c61488d5",
    "thresholds": "93ad7ffd756e16e6",
    "pair-hippocampal-culture": "b97c15a4eb1897f7",
    "pair-nearest-hippocampal-culture": "4c37b85b056930e5",
    "pair-song-2000": "b97c15a4eb1897f7",
    "triplet-hippocampal-culture": "a3a5ac765d09de0e",
    "triplet-visual-cortex": "a3a5ac765d09de0e",
}


def test_the_code_of_every_shipped_synapse_is_what_it_was() -> None:
    made = {
        name: hashlib.sha256(json.dumps(model.load(name).shape, sort_keys=True).encode()).hexdigest()[:16]
        for name in catalogue.synapses()
    }
    assert made == HASHES
