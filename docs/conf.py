"""The documentation site: `make docs` builds it into docs/_build/html."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import neurofwp

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "results")]  # for the extensions of our own, and pages.py

project = "neurofwp"
author = project_copyright = "neurofwp developers"
release = version = neurofwp.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinx_design"]
extensions += ["docstrings", "mathml", "reference_pages", "validation_page"]
exclude_patterns = ["_build", "results/*/*.md", "results/README.md", "examples"]
default_role = "code"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say what things are

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # pages of results put small tables below large headings

nb_execution_mode = "cache"
nb_execution_timeout = 900
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = "neurofwp"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}

# files beside docs/ that are pages here
INCLUDED = {"../CONTRIBUTING.md": "contributing.md", "../CHANGELOG.md": "changelog.md", "../data/README.md": "data.md"}


def link_to_pages(app: Any, page: str, source: list[str]) -> None:
    """Links to files outside docs/ go to the pages that include them."""
    up = "../" * page.count("/")
    for file, name in INCLUDED.items():
        source[0] = source[0].replace(f"]({up}{file}", f"]({up}{name}")


def setup(app: Any) -> None:
    """Called by Sphinx before it reads anything."""
    app.connect("source-read", link_to_pages)
