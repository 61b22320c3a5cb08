"""Reports as text: all inside, nothing from elsewhere, the same bytes again."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import BytesIO
from typing import Any

import pytest

from neurofwp.plots import style
from neurofwp.report.page import Page, Picture, Setting, Table, render


@pytest.fixture(scope="module")
def page() -> Page:
    """A report with all of its parts, and texts that HTML would take for its own."""
    figure, image = style.figure(2, 1), BytesIO()
    figure.subplots().plot([0, 1])
    figure.savefig(image, format="png", dpi=200)
    rows = [[f"rule {number}", f"0.{number:02}"] for number in range(12)]
    return Page(
        title="Which rule?",
        command="neurofwp run own --seed 3",
        question="Is a < b & b > c?",
        answer="R² is 0.97.",
        about=["First.", "Second."],
        shows="That <script>alert(1)</script> is text.",
        does_not_show="Anything else.",
        warnings=["Could not be drawn: second."],
        pictures=[Picture("recall", image.getvalue(), 'A "caption" of 5 < 6.', "One panel; y against x.")],
        tables=[Table("rules", ["rule", "FEVE (1)"], rows, links=[f"points/{number}/" for number in range(12)])],
        settings=[Setting("pairs", "8", "4", "How many."), Setting("load", "none", "none"), Setting("new", "1")],
        provenance=[("seed", "3"), ("commit", "abc")],
    )


class Reader(HTMLParser):
    """Collects the texts and the attributes of a page, and sees whether tags close in order."""

    EMPTY = ("meta", "link", "img", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def test_everything_is_said_as_text(page: Page) -> None:
    read = Reader(render(page))
    assert not read.open
    text = " ".join(" ".join(read.texts).split())
    for said in (
        page.title, page.question, page.answer, page.shows, page.does_not_show, page.command, *page.about,
        *page.warnings, page.pictures[0].caption, "rule 11", "pairs (changed)", "How many.", "abc",
    ):  # fmt: skip
        assert said in text
    assert "(changed)" not in text.replace("pairs (changed)", "")
    assert ("img", "alt", page.pictures[0].alt) in read.attributes


def test_nothing_comes_from_elsewhere(page: Page) -> None:
    read = Reader(render(page))
    allowed = re.compile(r"data:|#|points/")
    sources = [value for _, name, value in read.attributes if name in ("src", "href", "srcset", "action")]
    assert sources
    assert all(allowed.match(value) for value in sources)
    assert not re.search(r"https?:|@import|url\(", render(page))
    assert any("default-src 'none'" in value for _, name, value in read.attributes if name == "content")


def test_the_same_content_is_the_same_bytes(page: Page) -> None:
    assert render(page) == render(page)


def test_the_image_has_the_size_that_it_will_have(page: Page) -> None:
    assert page.pictures[0].size == (240, 120)  # 2 x 1 inches


@pytest.mark.parametrize("left_out", [{"pictures": []}, {"tables": []}, {"settings": []}, {"answer": "", "shows": ""}])
def test_parts_may_be_missing(page: Page, left_out: dict[str, Any]) -> None:
    from dataclasses import replace

    assert not Reader(render(replace(page, **left_out))).open
