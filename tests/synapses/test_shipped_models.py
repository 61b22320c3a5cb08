"""The parameter files that come with the library: documented number by number, and synapses all."""

import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from brian2 import mV

from neurofwp.synapses import model

FOLDER = resources.files("neurofwp.models")
SYNAPSES = sorted(
    Path(entry.name).stem for entry in FOLDER.joinpath("synapses").iterdir() if entry.name.endswith(".toml")
)

CIRCUITS = sorted(
    Path(entry.name).stem for entry in FOLDER.joinpath("circuits").iterdir() if entry.name.endswith(".toml")
)

# the others' calcium, if they have any, does not only enter through receptors that both cells have to open
COINCIDENT = [
    name
    for name in SYNAPSES
    if "low-pass" in {stage.form for stage in model.load(name).stages if stage.stage == "calcium"}
    and "U" not in model.load(name).values  # whose weights are of a release of everything, many times what a train gets
]
CALCIUM = [name for name in SYNAPSES if model.load(name).thresholds]


def test_the_regimes_and_the_published_sets_are_there():
    regimes = {"additive", "decay", "soft-bound", "thresholds", "error-correcting"}
    published = {"shouval-2002", "graupner-brunel-cortical-slice-nmda", "graupner-brunel-hippocampal-slice-nmda"}
    assert regimes | published | {"linear"} <= set(SYNAPSES)


def _tables(content):
    """The tables of numbers in a file, however deep: the file itself, its stages, and settings of circuits by form."""
    inner = {name: entry for name, entry in content.items() if isinstance(entry, dict)}
    yield inner
    for entry in inner.values():
        if "value" not in entry:
            yield from _tables(entry)


@pytest.mark.parametrize(
    "path", [f"synapses/{name}.toml" for name in SYNAPSES] + [f"circuits/{name}.toml" for name in CIRCUITS]
)
def test_every_number_has_a_unit_and_a_source(path):
    content = tomllib.loads(FOLDER.joinpath(path).read_text(encoding="utf-8"))
    tables = list(_tables(content))
    entries = {name: entry for table in tables for name, entry in table.items() if "value" in entry}
    assert len(entries) > 5
    assert content["description"].strip()
    assert content["source"].strip()
    for name, entry in entries.items():
        assert entry["unit"].strip(), name
        assert entry["source"].strip(), name
        assert entry.get("tuned", True) is True, name


@pytest.mark.parametrize("name", CALCIUM)
def test_depression_needs_less_calcium_than_potentiation(name):
    thresholds = model.load(name).thresholds
    assert thresholds["potentiation"] > thresholds.get("depression", 0)


@pytest.mark.parametrize("name", COINCIDENT)
def test_a_synapse_detects_coincidence(bench, name):
    # a key cell at 60 Hz or silent, on a dendrite that the gate and teaching depolarise or not, for half a second
    loaded = model.load(name)
    spikes = np.zeros((500, 4))
    spikes[::17, 2:] = 1
    rig = bench(*loaded.stages, n=4, spikes=spikes, **loaded.values)
    rig.value.v_dendrite = [-78, -32, -78, -32] * mV
    rig.run(500)
    *others, coincident = rig.weight
    assert 0.1 < coincident < 2
    assert max(others) < 0.02 * coincident
    assert min(others) >= 0


HIPPOCAMPUS = {"tau_rho": 688.355, "gamma_p": 1645.59, "gamma_d": 313.0965, "theta_p": 1.3, "theta_d": 1}
CORTEX = {"tau_rho": 346.3615, "gamma_p": 725.085, "gamma_d": 331.909, "theta_p": 1.3, "theta_d": 1}
SHOUVAL = {"a1": 0.35, "a2": 0.55, "slope": 80, "P1": 0.1, "P2": 1e-5, "P4": 1, "E_calcium": 0.13}


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("graupner-brunel-hippocampal-slice-nmda", HIPPOCAMPUS | {"tau_calcium": 0.0488373}),
        ("graupner-brunel-cortical-slice-nmda", CORTEX | {"tau_calcium": 0.0226936}),
        # 1/500 uM/(ms mV), in 1/(s V), times the 50 ms of calcium
        ("shouval-2002", SHOUVAL | {"tau_calcium": 0.05, "g_calcium": 1e6 / 500 * 0.05}),
    ],
)
def test_published_numbers_are_those_published(name, table):
    values = model.load(name).values  # in SI units
    assert {key: float(np.asarray(values[key])) for key in table} == pytest.approx(table)


def test_the_steeper_magnesium_block_is_the_only_difference_and_meets_the_other_where_the_gate_is_open(bench):
    one, other = (model.load(name) for name in ("error-correcting", "error-correcting-vargas-caballero"))
    assert {name for name in one.values if one.values[name] != other.values[name]} == {"g_calcium"}
    assert one.circuit == other.circuit
    drives = []
    for loaded in (one, other):
        rig = bench(*loaded.stages, n=2, **loaded.values)
        rig.value.v_dendrite = [-46, -78] * mV
        rig.run()
        drives.append(np.array(rig.value.calcium_drive))
    assert drives[1][0] == pytest.approx(drives[0][0], rel=0.01)
    assert drives[1][1] < 0.8 * drives[0][1]  # and it blocks better while the gate is closed
