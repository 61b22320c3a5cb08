"""The documentation: links lead somewhere, the reference has what the code has, numbers are those of results."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from neurofwp.cli import catalogue

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if not {"_build", "generated"} & set(page.parts))


@pytest.fixture
def docs(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    for folder in (DOCS, DOCS / "results"):
        monkeypatch.syspath_prepend(str(folder))
    yield import_module("reference_pages")
    for name in ("reference_pages", "validation_page", "docstrings", "gallery", "pages"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    inside = (
        page.parent if page.name != "notes.md" else page.parent.parent
    )  # notes become a part of a page one level up
    for target in re.findall(
        r"\]\((?!https?:|#)([^)#\s]+)", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    ):
        if "generated/" not in target:
            assert (inside / target).exists(), f"{page}: {target}"


def test_the_reference_names_every_rule_and_synapse(docs: ModuleType) -> None:
    rules, synapses = "\n".join(docs.rule_page()), "\n".join(docs.synapse_page())
    assert all(f"## {name}" in rules for name in catalogue.rules())
    assert all(f"## {name}" in synapses for name in catalogue.synapses())
    assert "| `tau_nmda` | 100 | ms | decay time constant of NMDA gating | Brunel & Wang 2001 |" in synapses


def test_numbers_of_validation_are_those_of_results(docs: ModuleType) -> None:
    page = import_module("validation_page")
    groups = page.groups()
    text = "\n".join(page.page(groups))
    assert "| Hebbian sum, N = 40 | 2.157 | 2.16 ± 0.061 |" in text
    assert text.count("[page]") == sum(len(group["result"]) for group in groups)


def test_docstrings_are_lists_of_entries_and_plain_mathematics(docs: ModuleType) -> None:
    lines = ["|x|^2 of `a*b`.", "", "Parameters", "----------", "a : a number", "    of W*", "b : another"]
    import_module("docstrings").translate(None, "", "", None, None, lines)
    assert lines[0] == r"\|x\|^2 of `a*b`."
    assert lines[2:6] == [".. rubric:: Parameters", "", "* ``a``: a number of W\\*", "* ``b``: another"]


def test_a_list_in_a_docstring_stays_a_list(docs: ModuleType) -> None:
    lines = ["Dataset with", "", "- ``r2``: recall;", "- ``age``: time", "  since the write.", ""]
    import_module("docstrings").translate(None, "", "", None, None, lines)
    assert lines[2:5] == ["- ``r2``: recall;", "- ``age``: time", "  since the write."]


def test_the_gallery_shows_every_experiment(docs: ModuleType) -> None:
    gallery = import_module("gallery")
    text, results = "\n\n".join(gallery.page()), gallery.kept()
    for name in catalogue.experiments():
        assert f"## {name}" in text
    figures = {name: result for name, each in results.items() for result in each if result.figure}
    assert set(figures) == set(catalogue.experiments())
    for result in figures.values():
        assert (DOCS / "results" / result.figure).stat().st_size <= 300_000
    for name, each in results.items():
        assert text.count(f"neurofwp run {name} ") >= len(each), name


def test_a_kept_figure_is_small_and_has_a_caption(docs: ModuleType) -> None:
    pages = import_module("gallery").pages
    figures = sorted(pages.HERE.glob(f"*/{pages.FIGURE}"))
    assert figures
    for figure in figures:
        assert figure.stat().st_size <= 150_000, figure
        assert json.loads((figure.parent / pages.RUN).read_text())["caption"], figure
