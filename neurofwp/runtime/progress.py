"""Progress bars of long work."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm.auto import tqdm


def progress_bar(iterable: Iterable[Any] | None = None, **settings: Any) -> tqdm[Any]:
    """A bar of tqdm's, with its settings: in a terminal or a notebook; silent where nobody watches, as in a log."""
    return tqdm(iterable, **settings | {"disable": settings.get("disable", False) or not watched()})


def watched() -> bool:
    """Whether somebody sees progress: in a terminal or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
