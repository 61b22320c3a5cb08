"""A report in Chromium: no complaint, no request, no page wider than the screen, and all of it by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neurofwp.plots import style
from neurofwp.report.page import Page as Report, Picture, Setting, Table, render
from tests.report.chromium import Page, open_page

pytestmark = [pytest.mark.browser]
WIDTHS = (1280, 390)
FOCUSED = "(e => [e.tagName, getComputedStyle(e).outlineStyle])(document.activeElement)"
ROWS = "[...document.querySelectorAll('table.data tbody tr')].filter(row => !row.hidden)"
FIRST = f"{ROWS}.map(row => row.cells[1].textContent)"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a wide figure, a wide table and a long command."""
    folder = tmp_path_factory.mktemp("report")
    figure = style.figure(style.TWO_COLUMNS, 2)
    figure.subplots().plot([0, 1])
    figure.savefig(folder / "figure.png", dpi=200)
    columns = ["rule", "FEVE (1)", *(f"a column with a long heading {number}" for number in range(12))]
    values = ["0.5", "0.25", "–", "0.75", "\N{MINUS SIGN}1", *(f"{number}" for number in range(2, 10))]
    rows = [[f"rule {number}", value, *"x" * 12] for number, value in enumerate(values)]
    page = Report(
        title="Which rule?",
        command="neurofwp run own " + "--flag-with-a-long-name value " * 20,
        question="Which?",
        answer="The delta rule.",
        shows="This.",
        does_not_show="That.",
        pictures=[Picture("figure", (folder / "figure.png").read_bytes(), "A line.", "One panel.")],
        tables=[Table("rules", columns, rows)],
        settings=[
            Setting("pairs", "8", "4", "How many pairs are written in every episode, which is a long text. " * 3)
        ],
        provenance=[("versions", "a long text without an end " * 10)],
    )
    path = folder / "report.html"
    path.write_text(render(page))
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_page(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_screen_and_asks_for_nothing(
    page: Page, report: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    page.requests.clear()
    page.open(report, width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.images[0].complete && document.images[0].naturalWidth > 0")
    paper, ink = page.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
    assert (paper == "rgb(255, 255, 255)") != dark
    assert paper != ink
    page.screenshot(tmp_path / f"report-{width}-{'dark' if dark else 'light'}.png")
    assert page.requests == [report.as_uri()]
    assert page.complaints == []


def test_tab_reaches_everything_in_order_and_is_seen(page: Page, report: Path) -> None:
    page.open(report, width=1280)
    reached = []
    for _ in range(9):
        page.press("Tab", 9)
        tag, outline = page.evaluate(FOCUSED)
        assert outline == "solid"
        reached.append(tag)
    assert reached == ["A"] * 6 + ["INPUT", "DIV", "BUTTON"]  # to skip, five parts, the filter, the table, its heading


def test_rows_are_sorted_and_filtered(page: Page, report: Path) -> None:
    page.open(report, width=1280)
    page.evaluate("document.querySelectorAll('th button')[1].focus()")
    page.press("Enter", 13, "\r")
    shown = page.evaluate(FIRST)
    assert shown[:4] == ["\N{MINUS SIGN}1", "0.25", "0.5", "0.75"]
    assert shown[-1] == "–"
    page.evaluate("document.querySelector('.filter input').focus()")
    page.press("7", 55, "7")
    assert page.evaluate(FIRST) == ["0.75", "4", "7"]  # of rule 3, rule 7 and rule 10
    assert page.complaints == []
