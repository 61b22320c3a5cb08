"""Finished parts: kept, taken up again, and made anew where anything differs."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from neurofwp.runtime import parts


def doubled(data: xr.Dataset, note: str, made_in: str) -> xr.Dataset:
    (Path(made_in) / f"{note}-{float(data['x'][0]):g}").touch()
    return 2 * data


def numbers(first: float) -> xr.Dataset:
    return xr.Dataset({"x": ("a", [first, 1.0]), "name": ("a", np.array(["one", "two"], dtype=object))})[["x"]]


@pytest.mark.usefixtures("clean_tree")
def test_only_what_is_not_kept_is_made(tmp_path: Path) -> None:
    log, folder = tmp_path / "log", tmp_path / "parts"
    log.mkdir()
    cases = {"one": (numbers(1), "a", str(log)), "two": (numbers(2), "a", str(log))}
    first = parts.made(doubled, cases, folder=folder, workers=1)
    assert [float(each["x"][0]) for each in first.values()] == [2, 4]
    for path in log.iterdir():
        path.unlink()
    parts.place(folder, "one", "doubled", *cases["one"]).write_bytes(b"damaged")
    changed = cases | {"two": (numbers(3), "a", str(log))}
    again = parts.made(doubled, changed, folder=folder, workers=1)
    assert sorted(path.name for path in log.iterdir()) == ["a-1", "a-3"]
    assert list(again) == ["one", "two"]
    xr.testing.assert_identical(again["one"], first["one"])


@pytest.mark.usefixtures("clean_tree")
def test_data_dims_config_and_text_change_the_place(tmp_path: Path) -> None:
    data = numbers(1)
    different = [
        (data,),
        (numbers(2),),
        (data.rename(a="b"),),
        (data.assign_attrs(config="other"),),
        (data.assign_coords(a=["p", "q"]),),
        (data.assign_coords(a=["p", "r"]),),
        (data, "text"),
        (data, ["text"]),
        (data, np.random.SeedSequence(1).spawn(2)[1]),
    ]
    places = {parts.place(tmp_path, "name", *what) for what in different}
    assert len(places) == len(different)
    assert parts.place(tmp_path, "name", numbers(1), "text") in places
    assert parts.place(None, "name", data) is None
