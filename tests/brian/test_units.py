"""Translation units: everything in one of them, headers first, names apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neurofwp.brian import units

HELPER = "#include <cmath>\nnamespace {{ double helper() {{ return {}; }} }}\nvoid {}() {{ helper(); }}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Files as Brian2 writes them: all code objects have a helper of the same name."""
    (tmp_path / "code_objects").mkdir()
    for number, kind in enumerate(("before_run", "run", "run", "run", "after_run")):
        name = f"cells_{number}" if kind == "run" else f"{kind}_cells_{number}"
        own = tmp_path / "code_objects" / name
        entry = f"_run_{name}" if kind == "run" else f"_{name}"
        own.with_suffix(".h").write_text(f"#ifndef H_{name}\n#define H_{name}\nvoid {entry}();\n#endif\n")
        header = f'#include "code_objects/{name}.h"\n'
        own.with_suffix(".cpp").write_text(header + HELPER.format(number, entry))
    for name in ("network", "run", "synapses_classes", "objects", "main"):
        (tmp_path / f"{name}.cpp").write_text("#include <vector>\n")
    units.gather(tmp_path)
    return tmp_path


def texts(project: Path) -> dict[str, str]:
    return {name: (project / f"{name}.cpp").read_text() for name in (*units.OFTEN, units.ONCE)}


def test_every_file_is_in_one_unit_and_what_is_done_once_is_in_that(project: Path) -> None:
    included = re.findall(r'#include "(\S+\.cpp)"', "".join(texts(project).values()))
    assert sorted(included) == sorted(str(file.relative_to(project)) for file in written(project))
    once = re.findall(r'#include "(\S+\.cpp)"', texts(project)[units.ONCE])
    assert {Path(each).name for each in once} == {
        "before_run_cells_0.cpp", "after_run_cells_4.cpp", "objects.cpp", "main.cpp",
    }  # fmt: skip


def written(project: Path) -> list[Path]:
    """What Brian2 wrote."""
    made = {f"{name}.cpp" for name in (*units.OFTEN, units.ONCE)}
    return [file for file in project.rglob("*.cpp") if file.name not in made]


def test_no_header_is_read_for_the_first_time_within_a_namespace(project: Path) -> None:
    for text in texts(project).values():
        before = text.partition("namespace part_0")[0]
        files = re.findall(r'#include "(\S+\.cpp)"', text)
        headers = {each for file in files for each in re.findall(r"#include (\S+)", (project / file).read_text())}
        assert all(f"#include {header}" in before for header in headers)


def test_every_entry_can_be_called_from_outside(project: Path) -> None:
    together = "".join(texts(project).values())
    for number in (1, 2, 3):
        assert re.search(
            rf"^void _run_cells_{number}\(\) {{ part_\d::_run_cells_{number}\(\); }}$", together, re.MULTILINE
        )
