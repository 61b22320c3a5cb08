"""Progress bars of long work."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress_bar(iterable: Iterable[Any] | None = None, **settings: Any) -> tqdm[Any]:
    """A bar of tqdm's, with its settings; a log is no terminal, and gets one line now and then."""
    return tqdm(iterable, **{"mininterval": 0.1 if sys.stderr.isatty() else 30} | settings)
