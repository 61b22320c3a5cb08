"""The comparison of two commits: what counts as the same, what is told, and names old and new."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from benchmarks.same_science import __main__ as command, arrays, cases, checkouts, comparison, names, report, seeds
from benchmarks.same_science.arrays import Dump, Entry
from benchmarks.same_science.comparison import ALLOWED, DIFFERS, FAILED, MISSING, NEW, SAME, Allowance, Row
from benchmarks.same_science.renames import Renames, Reshape, load

ROOT = Path(__file__).parents[2]


def dump(**values: object) -> Dump:
    return Dump({key.replace("__", "/"): Entry(np.asarray(value)) for key, value in values.items()})


def statuses(base: Dump, here: Dump, renames: Renames | None = None, allowed: object = ()) -> dict[str, str]:
    rows = comparison.compare(base, here, renames or Renames(), allowed)
    return {row.key: row.status for row in rows}


class Pair(NamedTuple):
    up: float
    down: float | None


def test_whatever_is_returned_becomes_flat_arrays() -> None:
    inner = xr.Dataset({"x": (("event", "pre"), np.eye(2), {"units": "nS", "gain": 2.5})}, coords={"pre": ["a", "b"]})
    tree = xr.DataTree.from_dict({"/": xr.Dataset(attrs={"seed": 3, "config": "{}"}), "/fits/one": inner})
    found = dict(arrays.flat("area/case", {"tree": tree, "pairs": [Pair(1, None), Pair(2, 3)], "best": ["oja", "bcm"]}))
    assert found["area/case/tree@seed"].values == 3
    assert found["area/case/tree/fits/one/x"].dims == ("event", "pre")
    assert found["area/case/tree/fits/one/x"].units == "nS"
    assert found["area/case/tree/fits/one/x@gain"].values == 2.5
    assert found["area/case/tree/fits/one/pre"].values.tolist() == ["a", "b"]
    assert np.isnan(found["area/case/pairs/0/down"].values)
    assert found["area/case/best"].values.tolist() == ["oja", "bcm"]
    assert not any("config" in key for key in found)


def test_a_dump_comes_back_as_it_was(tmp_path: Path) -> None:
    made = Dump(
        {"a/b c/ö": Entry(np.arange(3.0), ("event",), "ms")}, {"a/x": "ValueError: no"}, {"a/x": 1.5}, {"numpy": "2"}
    )
    again = arrays.load(arrays.save(made, tmp_path / "new" / "dump.npz"))
    np.testing.assert_array_equal(again.arrays["a/b c/ö"].values, [0, 1, 2])
    assert (again.arrays["a/b c/ö"].dims, again.arrays["a/b c/ö"].units) == (("event",), "ms")
    assert (again.failed, again.seconds, again.made_with) == (made.failed, made.seconds, made.made_with)
    (tmp_path / "text").write_text("no dump")
    with pytest.raises(ValueError, match="is no dump"):
        arrays.load(tmp_path / "text")


def test_the_last_bit_counts_and_nan_is_the_same_as_nan() -> None:
    one = dump(a__c__x=[1.0, np.nan], a__c__y=[3.0, 0.0], a__c__t=["delta"])
    other = dump(a__c__x=[1.0, np.nan], a__c__y=[np.nextafter(3, 4), 0.0], a__c__t=["oja"])
    assert statuses(one, other) == {"a/c/x": SAME, "a/c/y": DIFFERS, "a/c/t": DIFFERS}
    (row,) = (row for row in comparison.compare(one, other, Renames()) if row.key == "a/c/y")
    assert row.relative == pytest.approx(2**-51 / 3)
    assert comparison.difference("x", Entry(np.array([np.nan])), Entry(np.array([1.0]))).absolute == math.inf
    assert comparison.difference("x", Entry(np.zeros(2)), Entry(np.zeros(3))).note == "shape (2,), now (3,)"
    assert comparison.difference("x", Entry(np.zeros(2), (), "nS"), Entry(np.zeros(2), (), "S")).status == DIFFERS


def test_what_is_gone_is_missing_and_what_came_is_no_fault() -> None:
    found = statuses(dump(a__c__x=1.0), dump(a__c__y=1.0))
    assert found == {"a/c/x": MISSING, "a/c/y": NEW}
    assert not report.show(comparison.compare(dump(a__c__x=1.0), dump(a__c__y=1.0), Renames()), console=quiet())
    assert report.show(
        comparison.compare(dump(a__c__x=1.0), dump(a__c__x=1.0, a__d__y=1.0), Renames()), console=quiet()
    )


def test_a_case_that_fails_is_told_once_wherever_it_does() -> None:
    broken = Dump(failed={"a/c": "LookupError: gone"})
    assert statuses(dump(a__c__x=1.0, a__cc__x=1.0), broken) == {"a/c": FAILED, "a/cc/x": MISSING}
    assert statuses(broken, dump(a__c__x=1.0)) == {"a/c": FAILED}


def test_margins_are_of_the_arrays_that_they_name() -> None:
    base, here = dump(a__c__x=[1.0, 1e-3], a__c__y=1.0), dump(a__c__x=[1.0, 1.1e-3], a__c__y=2.0)
    allowed = [Allowance("a/c/x", "rounding", relative=2e-4)]
    assert statuses(base, here, allowed=allowed) == {"a/c/x": ALLOWED, "a/c/y": DIFFERS}
    assert statuses(base, here, allowed=[Allowance("a/*", "too small", absolute=1e-5)])["a/c/x"] == DIFFERS
    anything = [Allowance("a/c/*", "time", relative=math.inf)]
    assert statuses(base, dump(a__c__x=[1.0], a__c__y="text"), allowed=anything) == {"a/c/x": ALLOWED, "a/c/y": ALLOWED}
    assert statuses(base, dump(a__c__x=[1.0, 1e-3]), allowed=anything)["a/c/y"] == MISSING
    gone = [Allowance("a/c/y", "no longer measured", missing=True)]
    assert statuses(base, dump(a__c__x=[1.0, 1e-3]), allowed=gone)["a/c/y"] == ALLOWED


def test_every_allowance_has_a_reason(tmp_path: Path) -> None:
    assert all(each.reason for each in comparison.allowances())
    (tmp_path / "allowed.toml").write_text('[[allowed]]\nkeys = "*"\nreason = " "\nrelative = 1\n')
    with pytest.raises(ValueError, match="has no reason"):
        comparison.allowances(tmp_path / "allowed.toml")


def test_an_allowance_may_name_several_patterns(tmp_path: Path) -> None:
    file = tmp_path / "allowed.toml"
    file.write_text("[[allowed]]\nkeys = ['a/*', 'b/x']\nreason = 'other bits'\nrelative = 0.1\n", encoding="utf-8")
    allowed = comparison.allowances(file)
    base, here = (dump(a__x=1.0 + more, b__x=1.0 + more, b__y=1.0 + more) for more in (0.0, 0.05))
    assert statuses(base, here, allowed=allowed) == {"a/x": ALLOWED, "b/x": ALLOWED, "b/y": DIFFERS}


def test_the_allowances_that_come_along_can_be_read() -> None:
    for path in (comparison.FILE, comparison.FILE.parent / "keyed_noise" / "allowed.toml"):
        assert all(each.reason for each in comparison.allowances(path))


def test_old_words_become_new_ones_in_keys_and_dims() -> None:
    renames = Renames(words={"reassigned": ("rebound",), "case": ("point",)}, keys={r"/tables/(\w+)/": r"/table/\1/"})
    assert renames.newest("a/overwrite/rebound_r2") == "a/overwrite/reassigned_r2"
    assert renames.newest("a/ablations/summary/intact.rebound.r2") == "a/ablations/summary/intact.reassigned.r2"
    assert renames.newest("a/unrebound/points") == "a/unrebound/points"
    assert renames.newest("a/c/tables/rules/x") == "a/c/table/rules/x"
    old = Dump({"a/c/rebound": Entry(np.arange(2), ("point",))})
    new = Dump({"a/c/reassigned": Entry(np.arange(2), ("case",))})
    assert statuses(old, new, renames) == {"a/c/reassigned": SAME}
    both = Dump(old.arrays | new.arrays)
    assert DIFFERS in statuses(both, new, renames).values()


def test_keys_of_a_summary_follow_its_own_map() -> None:
    one, many = "experiments/capacity/summary/", "experiments/capacity+many/summary/"
    renames = Renames(summaries={"capacity": {r"(\w+)\.sem": r"pairs.\1.sem", r"(\w+)\.network_(\d)": r"\1_each[\2]"}})
    assert renames.newest(f"{one}delta.sem") == f"{one}pairs.delta.sem"
    assert renames.newest(f"{many}delta.sem") == f"{many}pairs.delta.sem"
    assert renames.newest(f"{one}pairs.delta.sem") == f"{one}pairs.delta.sem"
    assert renames.newest("experiments/overwrite/summary/delta.sem") == "experiments/overwrite/summary/delta.sem"
    base = Dump({f"{one}loss.network_{number}": Entry(np.array(number / 2)) for number in (0, 1, 2)})
    here = Dump({f"{one}loss_each": Entry(np.array([0.0, 0.4]))})
    assert statuses(base, here, renames) == {
        f"{one}loss_each": NEW,
        f"{one}loss_each[0]": SAME,
        f"{one}loss_each[1]": DIFFERS,
        f"{one}loss_each[2]": MISSING,
    }


def test_dims_may_change_places_and_come_and_go_where_they_have_one_entry() -> None:
    values = np.arange(6).reshape(2, 3)
    old = Entry(values, ("episode", "event"))
    for new in (
        Entry(values.T, ("event", "episode")),
        Entry(values[None], ("condition", "episode", "event")),
        Entry(values.T[:, None], ("event", "condition", "episode")),
    ):
        assert statuses(Dump({"a/c/x": old}), Dump({"a/c/x": new})) == {"a/c/x": SAME}
        assert statuses(Dump({"a/c/x": new}), Dump({"a/c/x": old})) == {"a/c/x": SAME}
    wrong = Entry(np.stack([values, values]), ("condition", "episode", "event"))
    assert statuses(Dump({"a/c/x": old}), Dump({"a/c/x": wrong})) == {"a/c/x": DIFFERS}


def test_a_dim_that_was_part_of_another_is_stacked_again() -> None:
    new = np.arange(24).reshape(2, 4, 3)  # event, condition, episode
    old = np.stack([row.ravel() for row in new])
    renames = Renames(reshape=(Reshape("a/c/*", ("condition", "episode"), "episode"),))
    base = Dump({"a/c/x": Entry(old, ("event", "episode"))})
    here = Dump({"a/c/x": Entry(new, ("event", "condition", "episode"))})
    assert statuses(base, here, renames) == {"a/c/x": SAME}
    assert statuses(here, here, renames) == {"a/c/x": SAME}
    assert statuses(base, here) == {"a/c/x": DIFFERS}


def test_a_name_leads_to_all_that_it_was_and_will_be() -> None:
    renames = Renames(objects={"metrics.recall": ("scores",), "measures.recall": ("metrics.recall",)})
    expected = ["measures.recall.recall_r2", "metrics.recall.recall_r2", "scores.recall_r2"]
    for name in expected:
        assert renames.of_object(name) == expected
    assert renames.of_object("scoreset") == ["scoreset"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package with an old module and a new one, whose functions say where they are."""
    folder = tmp_path / "toys"
    (folder / "theory").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "scores.py").write_text("def recall_r2(target=0): return 'scores'\n")
    (folder / "theory" / "__init__.py").touch()
    (folder / "theory" / "capacity.py").write_text("def rank_bound(): return 'capacity'\n")
    (folder / "theory" / "broken.py").write_text("import nothing_of_that_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "toys"
    for name in [name for name in sys.modules if name.split(".")[0] == "toys"]:
        del sys.modules[name]


def test_things_are_found_under_old_and_new_names(package: str) -> None:
    assert names.find("metrics.recall.recall_r2", root=package)() == "scores"
    assert names.find("theory.capacity.rank_bound", root=package)() == "capacity"
    with pytest.raises(LookupError, match=r"none of metrics.recall.gone, scores.gone"):
        names.find("scores.gone", root=package)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        names.find("theory.broken.thing", root=package)


def test_a_function_of_a_package_is_found_in_its_only_module_that_has_it(package: str, tmp_path: Path) -> None:
    (tmp_path / "toys" / "theory" / "broken.py").unlink()
    assert names.find("theory.rank_bound", root=package)() == "capacity"
    with pytest.raises(LookupError):
        names.find("theory.unknown", root=package)


def test_arguments_are_given_by_the_name_that_is_taken() -> None:
    def old(rebind: float, target: str) -> None: ...

    def new(reassign: float, *, backend: str) -> None: ...

    given = {"rebind": 0.5, "target": "numpy"}
    assert names.select_arguments(old, given) == given
    assert names.select_arguments(new, given) == {"reassign": 0.5, "backend": "numpy"}
    with pytest.raises(LookupError, match="takes none of elsewhere"):
        names.select_arguments(new, {"elsewhere": 1})


def test_this_checkout_has_what_the_map_says() -> None:
    map_ = load()
    for name in ("metrics.recall.recall_r2", "transforms.selection.most_varied", "identification.identify"):
        assert callable(names.find(name)), map_.of_object(name)


def test_a_checkout_is_laid_out_as_it_is_installed() -> None:
    with checkouts.overlay(ROOT) as folder:
        assert (folder / "neurofwp" / "errors.py").samefile(ROOT / "neurofwp" / "errors.py")
        assert (folder / "neurofwp" / "experiments" / "__init__.py").samefile(ROOT / "experiments" / "__init__.py")
        assert (folder / "benchmarks" / "same_science").is_dir()
    assert not folder.exists()
    with pytest.raises(FileNotFoundError, match="no neurofwp"):
        checkouts.run(ROOT / "tests", "module", [])


def test_every_area_has_cases_with_names_of_their_own() -> None:
    listed = {area: list(cases.of_area(area)) for area in cases.AREAS}
    assert all(listed.values())
    files = {path.stem.replace("_", "-") for path in (ROOT / "experiments").glob("[!_]*.py")}
    assert {name.split("+")[0] for name in listed["experiments"]} == files
    assert not [name for every in listed.values() for name in every if "/" in name]
    with pytest.raises(ValueError, match="no area rulez"):
        cases.check_areas(["rulez"])


def test_part_of_a_dump_can_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = arrays.save(dump(rules__delta__x=1.0, fits__noise__x=1.0), tmp_path / "one.npz")
    other = arrays.save(dump(rules__delta__x=1.0, fits__noise__x=2.0), tmp_path / "other.npz")
    assert command.compare(one, other) == 1
    assert "fits/noise/x" in capsys.readouterr().out
    assert command.compare(one, other, only=("rules",)) == 0
    assert command.compare(one, other, matching="delta") == 0
    again = arrays.save(Dump(arrays.load(one).arrays, made_with={"numpy": "1.0"}), tmp_path / "again.npz")
    assert command.compare(one, again) == 0
    assert "numpy differs" in capsys.readouterr().err


def test_the_report_shows_the_worst_of_every_case() -> None:
    rows = [Row("a/c/x", DIFFERS, 1, 1e-9), Row("a/c/y", DIFFERS, 1, 0.5), Row("a/d", FAILED, math.inf, math.inf, "no")]
    console = quiet()
    assert not report.show(rows, console=console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "a/c/y" in printed
    assert "a/c/x" not in printed
    assert "3 arrays or cases" in printed


def test_means_differ_by_chance_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    one, other = (Dump({"decay/recall R2": Entry(rng.normal(1, 0.1, 400))}) for _ in range(2))
    shifted = Dump({"decay/recall R2": Entry(one.arrays["decay/recall R2"].values + 0.1)})
    wider = Dump({"decay/recall R2": Entry(1 + 2 * (one.arrays["decay/recall R2"].values - 1))})
    mean, deviation = seeds.differences(one, other)
    assert mean.sem == pytest.approx(0.1 * (2 / 400) ** 0.5, rel=0.1)
    assert deviation.sem == pytest.approx(0.1 / 400**0.5, rel=0.2)  # SD / sqrt(2 n), of two
    assert seeds.show([mean, deviation], 4)
    assert [abs(row.z) > 4 for row in seeds.differences(one, shifted)] == [True, False]
    assert [abs(row.z) > 4 for row in seeds.differences(one, wider)] == [False, True]
    assert [row.z for row in seeds.differences(one, one)] == [0, 0]
    assert "recall R2, SD over seeds" in capsys.readouterr().out
    with pytest.raises(ValueError, match="different numbers"):
        seeds.differences(one, Dump())


def quiet() -> Console:
    return Console(file=io.StringIO(), width=200)
