"""Progress bars of long work."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm.auto import tqdm


def progress_bar(iterable: Iterable[Any] | None = None, **settings: Any) -> tqdm[Any]:
    """A bar of tqdm's, with its settings: in a terminal or a notebook; silent where nobody watches, as in a log."""
    from tqdm.auto import tqdm  # an import of 35 ms, which no command needs before its work begins

    return tqdm(iterable, **settings | {"disable": settings.get("disable", False) or not watch()})


def watch() -> bool:
    """Whether somebody sees progress: in a terminal or a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules
