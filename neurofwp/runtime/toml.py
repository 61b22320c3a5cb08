"""TOML that people write: read, or refused in one sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from neurofwp.errors import InputError


def parse_toml(content: bytes, source: str | Path) -> dict[str, Any]:
    """What stands in a TOML file; with the mark of UTF-8 at its beginning too, as some editors put it.

    Raises
    ------
    InputError
        if it is not TOML; a number of thousands of digits and thousands of nested brackets are not, either.
    """
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{str(source)!r} is not TOML: {error}") from error
