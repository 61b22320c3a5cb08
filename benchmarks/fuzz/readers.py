"""All that reads files, with valid files to begin from."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from brian2 import ms

from benchmarks.fuzz import mutations
from benchmarks.fuzz.mutations import Mutation
from neurofwp import program, trace
from neurofwp.cli import manifest, results
from neurofwp.identification import given
from neurofwp.laboratory import measurements
from neurofwp.runtime import files, store
from neurofwp.slownet import trained
from neurofwp.slownet.training import checkpoint
from neurofwp.spike_trains import tables
from neurofwp.spiking import circuits
from neurofwp.synapses import model

OWN_EQUATIONS = """
[expression]
form = "equations"
source = "Irie & Gershman 2025"
synaptic_update = "weight = weight + plasticity_step*eta*clip(calcium - c_floor, 0, inf)"
eta = { value = 3, unit = "nS/s", source = "chosen" }
c_floor = { value = 0.4, unit = "1", source = "chosen" }
"""
CELLS = "cell,dt_ms,before,after,protocol,spikes_per_train,frequency_hz,trains,train_period_s\n" + "".join(
    f"c{n},{n - 3},100,{100 + n},pairing,5,10,12,10\n" for n in range(6)
)
SPIKES = "cell,time (ms),episode,population\n0,1.5,0,key\n0,3,0,key\n1,2,1,key\n2,5,0,value\n"


@dataclass(frozen=True)
class Reader:
    """What writes valid files into a folder, and what reads the folder."""

    write: Callable[[Path], None]
    read: Callable[[Path], object]


BY_SUFFIX: dict[str, Mutation] = {
    ".toml": mutations.of_toml, ".csv": mutations.of_text, ".json": mutations.of_json, ".nc": mutations.of_netcdf,
    ".npy": mutations.of_npy, ".safetensors": mutations.of_safetensors, ".xlsx": mutations.of_workbook,
}  # fmt: skip


def _shipped(folder: str, suffix: str) -> list[Path]:
    return sorted(Path(str(resources.files("neurofwp.models"))).joinpath(folder).glob(f"*{suffix}"))


def _one_of(paths: list[Path], name: str) -> Callable[[Path], None]:
    """Writes one of these files under a name, another at every call."""
    rng = random.Random(0)

    def write(folder: Path) -> None:
        (folder / name).write_bytes(rng.choice(paths).read_bytes())

    return write


def _write_synapse(folder: Path) -> None:
    """A shipped model, or, every other time, one with equations of its own."""
    names = _shipped("synapses", ".toml")
    if _coin.random() < 0.5:
        (folder / "mine.toml").write_bytes(_coin.choice(names).read_bytes())
        return
    linear = next(each for each in names if each.stem == "linear").read_text()
    before, _, after = linear.partition("[expression]")
    (folder / "mine.toml").write_text(before + OWN_EQUATIONS.strip() + "\n\n[" + after.partition("\n[")[2])


_coin = random.Random(0)


def _read_synapse(folder: Path) -> None:
    found = model.load(folder / "mine.toml")
    found.constants(1 * ms)
    str(found)


def _recording() -> tuple[xr.Dataset, xr.Dataset]:
    rng = np.random.default_rng(0)
    key, value = (rng.random((2, 3, 4)) < 0.5).astype(float), rng.uniform(-1, 1, (2, 3, 2))
    made = program.from_arrays(
        key, value, query=key[:, ::-1], write_gate=0.5, retention=0.9, duration=400, target=value
    )
    weight = rng.normal(size=(2, 3, 2, 4))
    return made, trace.from_weights(weight, units="nS", initial_weight=0.0)


def _write_netcdf(folder: Path) -> None:
    made, seen = _recording()
    names = ["key", "value", "query", "write_gate", "retention", "duration"]
    own = made[names].drop_attrs().assign(weight=seen["weight"], noise=((), 0.1))
    files.write_netcdf(own, folder / "mine.nc")


def _write_npy(folder: Path) -> None:
    made, seen = _recording()
    for name in ("key", "value", "query"):
        np.save(folder / f"{name}.npy", made[name].values)
    np.save(folder / "weight.npy", seen["weight"].values)
    np.save(folder / "write_gate.npy", made["write_gate"].values)


def _write_csv(folder: Path) -> None:
    made, seen = _recording()
    both = {"keys": made["key"], "values": made["value"], "queries": made["query"], "weights": seen["weight"]}
    for name, array in both.items():
        column = {"keys": "key", "values": "value", "queries": "query", "weights": "weight (nS)"}[name]
        array.drop_attrs().to_series().rename(column).to_csv(folder / f"{name}.csv")
    made[["write_gate", "retention", "duration"]].to_dataframe().to_csv(folder / "events.csv")


def _write_result(folder: Path) -> None:
    made, seen = _recording()
    tree = xr.DataTree.from_dict({"/program": made, "/spiking": seen})
    tree.attrs |= {"experiment": "hetero-associative", "settings": "{}", "seed": 0, "device": "cpu"}
    files.write_netcdf(tree, folder / "result.nc")
    files.write_json({"recall.spiking.r2": 0.5, "best": "delta"}, folder / "summary.json")
    about = {"command": "run", "settings": {"a": 1}, "seed": 0}
    files.write_json({"about": about, "key": "0", "files": {"result.nc": "0"}}, folder / "manifest.json")


def _read_result(folder: Path) -> None:
    found = results.open_result(folder)[1]
    results.read_summary(folder / "summary.json")
    mine = manifest.Manifest(folder, {"command": "run", "settings": {"a": 1}, "seed": 0}, ("result.nc",), "0")
    mine.is_complete()
    mine.check(overwrite=False)
    given.read(folder)
    for name in ("program", "spiking"):
        if name in found.children:
            (program if name == "program" else trace).check(found[name].to_dataset())


def _write_kept(folder: Path) -> None:
    made, _ = _recording()
    store.Entry(folder / "tree").write(made)
    store.Entry(folder / "array").write(np.arange(6.0).reshape(2, 3))
    store.Entry(folder / "numbers").write({"a": [1.5, None, "x"]})


def _write_measurements(folder: Path) -> None:
    data = Path(str(resources.files("neurofwp.data")))
    for name in ("wang_2005_hippocampal_culture", "bi_poo_1998_hippocampal_culture"):
        for suffix in (".csv", ".toml"):
            (folder / f"{name}{suffix}").write_bytes((data / f"{name}{suffix}").read_bytes())
    (folder / "cells.csv").write_text(CELLS)


def _read_measurements(folder: Path) -> None:
    refused: Exception | None = None
    for path in sorted(folder.iterdir()):
        if path.suffix in (".csv", ".xlsx"):
            try:
                measurements.read(path)
            except ValueError as error:
                refused = error
    if refused is not None:
        raise refused


def _write_spikes(folder: Path) -> None:
    (folder / "mine.csv").write_text(SPIKES)


def _write_workbook(folder: Path) -> None:
    pd.read_csv(io.StringIO(CELLS)).to_excel(folder / "mine.xlsx", index=False, engine="openpyxl")


READERS: dict[str, Reader] = {
    "synapse": Reader(_write_synapse, _read_synapse),
    "circuit": Reader(
        _one_of(_shipped("circuits", ".toml"), "mine.toml"), lambda at: circuits.load(at / "mine.toml", {})
    ),
    "measurements": Reader(_write_measurements, _read_measurements),
    "workbook": Reader(_write_workbook, _read_measurements),
    "spikes": Reader(_write_spikes, lambda at: tables.read_csv(at / "mine.csv")),
    "recording-netcdf": Reader(_write_netcdf, lambda at: given.read(at / "mine.nc")),
    "recording-npy": Reader(_write_npy, lambda at: given.read(at, units="nS")),
    "recording-csv": Reader(_write_csv, given.read),
    "result": Reader(_write_result, _read_result),
    "kept": Reader(_write_kept, lambda at: [store.Entry(at / n).read() for n in ("tree", "array", "numbers")]),
    "slow-net": Reader(
        _one_of(_shipped("slownets", ".safetensors"), "mine.safetensors"),
        lambda at: trained.load(at / "mine.safetensors"),
    ),
    "checkpoint": Reader(
        _one_of(_shipped("slownets", ".safetensors"), "mine.safetensors"),
        lambda at: json.dumps(checkpoint.load(at / "mine.safetensors")[1]),
    ),
}
