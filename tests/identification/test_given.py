"""Weights of one's own, from files: what is read is what was written, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neurofwp import program, trace
from neurofwp.errors import InputError
from neurofwp.identification import given
from neurofwp.rate import RateNetwork

EPISODES, EVENTS, PRE, POST = 2, 3, 4, 2
SEEN = ["episode", "event", "post", "pre"]

Arrays = dict[str, np.ndarray]


@pytest.fixture
def arrays() -> Arrays:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(EPISODES, EVENTS, POST, PRE))
    weight[0, :, 1, 2] = np.nan  # a synapse that was not seen in one episode
    return {
        "key": rng.uniform(0, 1, (EPISODES, EVENTS, PRE)),
        "value": rng.uniform(-1, 1, (EPISODES, EVENTS, POST)),
        "weight": weight,
        "repeat": weight + rng.normal(size=weight.shape),
        "write_gate": rng.uniform(0.5, 1, (EPISODES, EVENTS)),
        "retention": rng.uniform(0.5, 1, (EPISODES, EVENTS)),
        "initial_weight": rng.normal(size=(POST, PRE)),
    }


def as_npy(arrays: Arrays, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return folder


def as_netcdf(arrays: Arrays, folder: Path, **attrs: float) -> Path:
    """With dims in another order than the library's."""
    dims = {name: dims if name != "initial_weight" else dims[1:] for name, dims in given.DIMS.items()}
    data = xr.Dataset({name: (dims[name], array) for name, array in arrays.items()}, attrs=attrs)
    data["weight"].attrs["units"] = "nS"
    folder.mkdir(exist_ok=True)
    data.transpose("pre", "post", "event", "episode").to_netcdf(folder / "own.nc", engine="h5netcdf")
    return folder / "own.nc"


CELLS: dict[str, list[object]] = {
    "episode": [1, 2],
    "event": [10, 20, 30],
    "pre": ["b", "a", "d", "c"],
    "post": [7, 8],
}


def tidy(array: np.ndarray, dims: list[str], name: str) -> pd.DataFrame:
    labels = [CELLS[dim] for dim in dims]
    return pd.DataFrame(product(*labels), columns=dims).assign(**{name: array.ravel()})


def as_csv(arrays: Arrays, folder: Path) -> Path:
    """Rows of weights in any order; those that were not seen are left out."""
    folder.mkdir(exist_ok=True)
    tables = {
        "keys": tidy(arrays["key"], ["episode", "event", "pre"], "key"),
        "values": tidy(arrays["value"], ["episode", "event", "post"], "value"),
        "initial_weights": tidy(arrays["initial_weight"], ["post", "pre"], "weight"),
        "events": tidy(arrays["write_gate"], ["episode", "event"], "write_gate").assign(
            retention=arrays["retention"].ravel()
        ),
    }
    for name, array in (("weights", "weight"), ("repeat", "repeat")):
        tables[name] = tidy(arrays[array], SEEN, "weight").dropna().sample(frac=1, random_state=1)
    tables["weights"] = tables["weights"].rename(columns={"weight": "weight (nS)"})
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


@pytest.mark.parametrize("write", [as_npy, as_netcdf, as_csv])
def test_every_kind_of_file_gives_the_same(
    write: Callable[[Arrays, Path], Path], arrays: Arrays, tmp_path: Path
) -> None:
    path = write(arrays, tmp_path / "own")
    got = given.read(path, units="nS" if write is as_npy else None)
    names = {"key", "value", "write_gate", "retention"}
    expected = program.from_arrays(**{name: arrays[name] for name in names})
    xr.testing.assert_allclose(got.program, expected, rtol=1e-12)
    np.testing.assert_allclose(got.trace["weight"], arrays["weight"], rtol=1e-12)
    np.testing.assert_allclose(got.trace["initial_weight"], arrays["initial_weight"], rtol=1e-12)
    assert got.repeat is not None
    np.testing.assert_allclose(got.repeat["weight"], arrays["repeat"], rtol=1e-12)
    assert got.trace["weight"].attrs["units"] == got.repeat["weight"].attrs["units"] == "nS"
    assert got.noise is None
    assert str(path) in got.trace.attrs["config"], "where it came from"


def test_what_is_of_one_episode_needs_no_episode(arrays: Arrays, tmp_path: Path) -> None:
    one = {name: arrays[name][0] for name in ("key", "value", "weight")} | {"noise": np.array(0.5)}
    got = given.read(as_npy(one, tmp_path / "own"), units="1")
    assert got.trace["weight"].sizes["episode"] == 1
    assert got.noise == 0.5
    (tmp_path / "csv").mkdir()
    for name, dims in (("key", ["event", "pre"]), ("value", ["event", "post"]), ("weight", SEEN[1:])):
        tidy(one[name], dims, name).to_csv(tmp_path / "csv" / f"{name}s.csv", index=False)
    csv = given.read(tmp_path / "csv", units="1")
    np.testing.assert_allclose(csv.trace["weight"], got.trace["weight"])


def test_on_and_off_pools_are_conductances(arrays: Arrays, tmp_path: Path) -> None:
    pools = np.abs(np.stack([arrays["weight"], arrays["repeat"]], axis=2))
    own = {"key": arrays["key"], "value": arrays["value"], "weight": pools}
    got = given.read(as_npy(own, tmp_path / "own"), units="nS")
    np.testing.assert_array_equal(got.trace["conductance"], pools)
    np.testing.assert_array_equal(got.trace["weight"], pools[:, :, 0] - pools[:, :, 1])


def test_noise_may_be_an_attribute_of_a_netcdf_file(arrays: Arrays, tmp_path: Path) -> None:
    assert given.read(as_netcdf(arrays, tmp_path, noise=0.25)).noise == 0.25


def test_a_spreadsheet_of_another_country_is_read(arrays: Arrays, tmp_path: Path) -> None:
    """Semicolons between columns, a byte order mark, and an empty row at the end."""
    folder = as_csv(arrays, tmp_path / "own")
    before = given.read(folder)
    for file in folder.iterdir():
        file.write_text("\ufeff" + file.read_text().replace(",", ";") + ";;\n", encoding="utf-8")
    xr.testing.assert_identical(given.read(folder).program, before.program)


def test_a_run_is_read_with_its_repeat(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    asked = program.from_arrays(rng.uniform(0, 1, (2, 3, 4)), rng.uniform(-1, 1, (2, 3, 2)))
    ran = RateNetwork("delta").run(asked)
    tree = xr.DataTree.from_dict({"/program": asked, "/spiking": ran, "/repeat": ran})
    tree.attrs["experiment"] = "hetero-associative"
    tree.to_netcdf(tmp_path / "result.nc", engine="h5netcdf")
    for path in (tmp_path, tmp_path / "result.nc"):
        got = given.read(path)
        xr.testing.assert_equal(got.program, asked)
        xr.testing.assert_equal(got.trace, ran)
        assert got.repeat is not None
        assert trace.check(got.trace).attrs["network"] == ran.attrs["network"]


def edit(folder: Path, file: str, change: Callable[[pd.DataFrame], object]) -> None:
    table = pd.read_csv(folder / file).astype(object)
    changed = change(table)
    (table if changed is None else changed).to_csv(folder / file, index=False)  # type: ignore[attr-defined]


def put(row: int, column: str, value: object) -> Callable[[pd.DataFrame], None]:
    """Into that row of the file, in which the heading is row 1."""
    return lambda table: table.__setitem__(column, [*table[column][: row - 2], value, *table[column][row - 1 :]])


@pytest.mark.parametrize(
    ("file", "change", "sentence"),
    [
        ("keys.csv", put(3, "key", "high"), r"keys.csv', row 3: key is 'high', but must be a number, finite and >= 0"),
        ("keys.csv", put(4, "key", np.nan), r"keys.csv', row 4: key is empty, but must be a number"),
        ("keys.csv", put(2, "key", -0.5), r"keys.csv', row 2: key is -0.5, but must be a number, finite and >= 0"),
        ("keys.csv", put(5, "event", "third"), r"keys.csv', row 5: event is 'third', but must be a number"),
        ("keys.csv", put(6, "pre", np.nan), r"keys.csv', row 6: pre is empty"),
        ("keys.csv", lambda t: t.drop(index=7), r"keys.csv' has no row for episode 1, event 20, pre c: .* silent"),
        ("values.csv", put(2, "value", 1.5), r"values.csv', row 2: value is 1.5, but must be .* in \[-1, 1\]"),
        ("weights.csv", put(9, "weight (nS)", "?"), r"weights.csv', row 9: weight is '\?', but must be .*, or empty"),
        ("weights.csv", put(9, "pre", "e"), r"weights.csv', row 9: pre e is not in keys.csv, which has b, a, d, c"),
        ("weights.csv", put(4, "post", 9), r"weights.csv', row 4: post 9 is not in values.csv, which has 7, 8"),
        ("weights.csv", lambda t: pd.concat([t, t[:1]]), r"weights.csv', row 47: there is a row for .* already"),
        ("weights.csv", lambda table: table[:0], r"weights.csv' has no rows below its heading"),
        ("weights.csv", lambda t: t.rename(columns={"pre": "pree"}), r"weights.csv': 'pree'; did you mean 'pre'\?"),
        ("weights.csv", lambda t: t.drop(columns="post"), r"weights.csv' has no column 'post': it needs episode"),
        ("weights.csv", lambda t: t.drop(columns="episode"), r"weights.csv' has no column 'episode', but keys.csv has"),
        ("repeat.csv", lambda t: t.rename(columns={"weight": "weight (pS)"}), r"in nS and pS: use one unit"),
        ("events.csv", put(2, "write_gate", 2), r"events.csv', row 2: write_gate is 2, but must be .* \[0, 1\]"),
    ],
)  # fmt: skip
def test_a_table_that_is_wrong_is_named_with_its_row(
    file: str, change: Callable[[pd.DataFrame], object], sentence: str, arrays: Arrays, tmp_path: Path
) -> None:
    folder = as_csv(arrays, tmp_path / "own")
    edit(folder, file, change)
    with pytest.raises(InputError, match=sentence):
        given.read(folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a.pop("key"), r"has no key: .*key.npy' is missing"),
        (lambda a: a.update(keys=a.pop("key")), r"'keys.npy'; did you mean 'key.npy'\?"),
        (lambda a: a.update(weight=a["weight"][..., :3]), r"weight.npy' has 3 along 'pre', but '.*key.npy' has 4"),
        (lambda a: a.update(value=a["value"][:1]), r"value.npy' has 1 along 'episode', but '.*key.npy' has 2"),
        (lambda a: a.update(initial_weight=np.ones((3, PRE))), r"initial_weight.npy' has 3 along 'post'"),
        (lambda a: a.update(write_gate=np.ones((2, 2))), r"write_gate.npy' has 2 along 'event', but .* has 3"),
        (lambda a: a.update(weight=a["weight"][0, 0]), r"weight.npy' has the shape \(2, 4\), but needs the dims"),
        (lambda a: a.update(weight=a["weight"].astype(str)), r"weight.npy' must hold numbers, not <U"),
        (lambda a: a["key"].__setitem__((1, 2, 3), np.nan), r"key must be .* nan at episode 1, event 2, pre 3"),
        (lambda a: a.update(noise=np.array(-1.0)), r"noise.npy' must be one number above 0"),
    ],
)
def test_an_array_that_is_wrong_is_named(
    change: Callable[[Arrays], object], sentence: str, arrays: Arrays, tmp_path: Path
) -> None:
    change(arrays)
    with pytest.raises(InputError, match=sentence):
        given.read(as_npy(arrays, tmp_path / "own"), units="nS")


def test_other_dims_and_variables_of_a_netcdf_file_are_named(arrays: Arrays, tmp_path: Path) -> None:
    path = as_netcdf(arrays, tmp_path)
    data = xr.load_dataset(path, engine="h5netcdf")
    data.rename(post="neuron").to_netcdf(path, engine="h5netcdf")
    with pytest.raises(
        InputError,
        match=r"value' of '.*own.nc' has the dims \(neuron, event, episode\), but needs \(episode, event, post\)",
    ):
        given.read(path)
    data.rename(write_gate="write_gates").to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match=r"own.nc'.* 'write_gates'; did you mean 'write_gate'\?"):
        given.read(path)


def test_folders_and_units_that_do_not_do_are_refused(arrays: Arrays, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no CSV or NPY files: it needs keys.csv, values.csv and weights.csv, or"):
        given.read(tmp_path / "empty")
    with pytest.raises(InputError, match="there is no file or folder"):
        given.read(tmp_path / "nowhere")
    folder = as_npy(arrays, tmp_path / "own")
    with pytest.raises(InputError, match="does not say the unit of its weights"):
        given.read(folder)
    with pytest.raises(InputError, match="name the folder that it is in"):
        given.read(folder / "key.npy")
    with pytest.raises(InputError, match=r"are in 'nS', as it says itself, and not in 'mV'"):
        given.read(as_netcdf(arrays, tmp_path / "netcdf"), units="mV")
    as_csv(arrays, folder)
    with pytest.raises(InputError, match="has CSV and NPY files"):
        given.read(folder)
    (folder / "key.npy").write_text("no array")
    for file in folder.glob("*.csv"):
        file.unlink()
    with pytest.raises(InputError, match=r"key.npy' is not an NPY file of numbers"):
        given.read(folder, units="nS")
    (folder / "a.csv").write_text("x\n")
    for file in folder.glob("*.npy"):
        file.unlink()
    with pytest.raises(InputError, match=r"'a.csv'"):
        given.read(folder)


def answered(arrays: Arrays) -> Arrays:
    """Answers in place of weights, to queries in the last event alone."""
    rng = np.random.default_rng(1)
    query = np.zeros((EPISODES, EVENTS, PRE))
    query[:, -1] = rng.uniform(0.1, 1, (EPISODES, PRE))
    recall = np.full((EPISODES, EVENTS, POST), np.nan)
    recall[:, -1] = rng.normal(size=(EPISODES, POST))
    return {name: arrays[name] for name in ("key", "value")} | {
        "query": query, "recall": recall, "recall_repeat": recall + 0.1
    }  # fmt: skip


def answers_as_csv(arrays: Arrays, folder: Path) -> Path:
    """Rows of the last event alone: nothing was asked in the others."""
    folder.mkdir(exist_ok=True)
    tables = {
        "keys": tidy(arrays["key"], ["episode", "event", "pre"], "key"),
        "values": tidy(arrays["value"], ["episode", "event", "post"], "value"),
        "queries": tidy(arrays["query"], ["episode", "event", "pre"], "query").query("query > 0"),
        "recall": tidy(arrays["recall"], ["episode", "event", "post"], "recall (nS)").dropna(),
        "recall_repeat": tidy(arrays["recall_repeat"], ["episode", "event", "post"], "recall").dropna(),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return folder


def answers_as_netcdf(arrays: Arrays, folder: Path) -> Path:
    data = xr.Dataset({name: (given.DIMS[name], array) for name, array in arrays.items()})
    data["recall"].attrs["units"] = "nS"
    folder.mkdir(exist_ok=True)
    data.to_netcdf(folder / "own.nc", engine="h5netcdf")
    return folder / "own.nc"


@pytest.mark.parametrize("write", [as_npy, answers_as_netcdf, answers_as_csv])
def test_answers_stand_in_for_weights(arrays: Arrays, tmp_path: Path, write: Callable[[Arrays, Path], Path]) -> None:
    own = answered(arrays)
    read = given.read(write(own, tmp_path / "own"), units="nS" if write is as_npy else None)
    assert read.observed == "reads"
    np.testing.assert_array_equal(read.program["query"], own["query"])
    assert read.repeat is not None
    for run, name in ((read.trace, "recall"), (read.repeat, "recall_repeat")):
        np.testing.assert_allclose(run["recall"], own[name])
        assert run["recall"].attrs["units"] == "nS"
        assert bool(run["weight"].isnull().all())
        assert run["weight"].shape == (EPISODES, EVENTS, POST, PRE)


def test_units_of_a_whole_file_are_not_those_of_its_weights(arrays: Arrays, tmp_path: Path) -> None:
    data = xr.Dataset(
        {name: (given.DIMS[name], arrays[name]) for name in ("key", "value", "weight")}, attrs={"units": "mV"}
    )
    data.to_netcdf(tmp_path / "own.nc", engine="h5netcdf")
    with pytest.raises(InputError, match="does not say the unit of its weights"):
        given.read(tmp_path / "own.nc")


def test_answers_need_their_questions(arrays: Arrays, tmp_path: Path) -> None:
    own = answered(arrays)
    del own["query"]
    with pytest.raises(InputError, match="has no query: .*query.npy' is missing"):
        given.read(as_npy(own, tmp_path / "npy"), units="nS")
    folder = answers_as_csv(answered(arrays), tmp_path / "csv")
    (folder / "queries.csv").unlink()
    with pytest.raises(InputError, match=r"has no queries.csv: it needs keys.csv, values.csv, queries.csv"):
        given.read(folder)


def test_weights_are_what_is_seen_where_there_are_both(arrays: Arrays, tmp_path: Path) -> None:
    own = answered(arrays) | {"weight": arrays["weight"]}
    read = given.read(as_npy(own, tmp_path / "own"), units="nS")
    assert read.observed == "weights"
    np.testing.assert_allclose(read.trace["weight"], arrays["weight"])
    np.testing.assert_allclose(read.trace["recall"], own["recall"])


def test_an_npy_file_whose_header_is_damaged_is_refused_by_name(arrays: Arrays, tmp_path: Path) -> None:
    folder = as_npy(arrays, tmp_path / "own")
    file = folder / "key.npy"
    content = file.read_bytes()
    file.write_bytes(content.replace(b"'shape': (", b"\0\0\0\0\0\0\0\0\0(("))
    with pytest.raises(InputError, match=r"key\.npy' is not an NPY file of numbers"):
        given.read(folder, units="nS")


@pytest.mark.parametrize("label", ["9" * 30, "x", "\0"])
def test_an_event_that_has_no_number_is_refused_with_its_row(label: str, arrays: Arrays, tmp_path: Path) -> None:
    folder = as_csv(arrays, tmp_path / "own")
    lines = (folder / "keys.csv").read_text().splitlines()
    place = lines[0].split(",").index("event")
    cells = lines[2].split(",")
    lines[2] = ",".join([*cells[:place], label, *cells[place + 1 :]])
    (folder / "keys.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=rf"keys\.csv'.*({label}|event)"):
        given.read(folder)
