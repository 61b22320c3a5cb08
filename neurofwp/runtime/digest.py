"""Files that carry the SHA-256 of their own content, so that damage is found when they are read.

Where it stands depends on what other programs let pass: in NetCDF and NPY in a line after the data, which they do not
read; in JSON and in the metadata of safetensors under the key "sha256". Files without one, of earlier versions or of
other programs, count as they are.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurofwp.errors import InputError

KEY = "sha256"
PREFIX = b"neurofwp-sha256:"
HEX = r"[0-9a-f]{64}"
LINE = len(PREFIX) + 64 + 1
BLOCK = 1 << 20
LIST = "manifest.json"  # of the files of a run, with their hashes
METADATA = "__metadata__"  # of a safetensors header

log = logging.getLogger("neurofwp")


class Damaged(InputError):
    """A file whose content is not what was written."""


def damaged(path: object) -> Damaged:
    """The error for a file whose content is not that of its hash."""
    return Damaged(
        f"{str(path)!r} is damaged: its content is not that of its SHA-256; restore it from a copy, or make it again"
    )


def seal(content: bytes | memoryview) -> bytes:
    """Content of NetCDF or NPY with its line."""
    return b"".join([content, PREFIX, hashlib.sha256(content).hexdigest().encode(), b"\n"])


def check(path: Path, *, sealed: bool = False) -> None:
    """Refuse a file whose last line is not that of its content.

    sealed : refuse one without such a line too. Otherwise the log says that it is missing where the list of the folder,
        `LIST`, names the file: it was cut, or another program wrote it.

    Raises
    ------
    InputError
        if it is damaged. OSError: if it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 4 * LINE))
        end = file.read()
        line = end[-LINE:]
        if PREFIX in end[:-LINE] + line[:-1] and not line.startswith(PREFIX):  # something was added after it
            raise damaged(path)
        # a line that is itself damaged still ends or begins like one
        if PREFIX not in line and not re.fullmatch(HEX.encode(), line[-65:-1]):
            if sealed:
                raise damaged(path)
            if _is_listed(path):
                log.warning(
                    "%s has lost the line with its SHA-256: it was cut short, or another program wrote it", path
                )
            return
        file.seek(0)
        sha, left = hashlib.sha256(), size - LINE
        while left > 0 and (block := file.read(min(BLOCK, left))):
            sha.update(block)
            left -= len(block)
    if line != PREFIX + sha.hexdigest().encode() + b"\n":
        raise damaged(path)


def _is_listed(path: Path) -> bool:
    """Whether a run that is complete left it."""
    try:
        return path.name in json.loads((path.parent / LIST).read_text("utf-8"))["files"]
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return False


def seal_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON can hold, with the hash of all of it."""
    return {**content, KEY: _json_hash(content)}


def open_json(content: Mapping[str, Any], path: object) -> dict[str, Any]:
    """The content that `seal_json` sealed.

    Raises
    ------
    InputError
        if it is damaged.
    """
    rest, found = _split(content, path)
    if found is not None and found != _json_hash(rest):
        raise damaged(path)
    return rest


def seal_tensors(content: bytes) -> bytes:
    """A safetensors file with a hash in its metadata, and its header in one order: the same tensors, the same bytes."""
    header, data = _read_header(content)
    header[METADATA] = {name: value for name, value in header.get(METADATA, {}).items() if name != KEY}
    header[METADATA][KEY] = _tensor_hash(header, data)
    text = _canonical(header)
    text += b" " * (-len(text) % 8)  # data begin at a multiple of eight bytes
    return b"".join([len(text).to_bytes(8, "little"), text, data])


def open_tensors(content: bytes, path: object) -> dict[str, str]:
    """The metadata of a whole safetensors file, without its hash.

    Raises
    ------
    InputError
        if it is damaged.
    """
    header, data = _read_header(content)
    metadata, found = _split(header.get(METADATA, {}), path)
    header[METADATA] = metadata
    if found is not None and found != _tensor_hash(header, data):
        raise damaged(path)
    return metadata


def _split(content: Mapping[str, Any], path: object) -> tuple[dict[str, Any], Any]:
    """All but the hash, and the hash, None without one; a hash under another name is one whose name is damaged."""
    rest = {name: value for name, value in content.items() if name != KEY}
    if KEY not in content and any(isinstance(each, str) and re.fullmatch(HEX, each) for each in rest.values()):
        raise damaged(path)
    return rest, content.get(KEY)


def _read_header(content: bytes) -> tuple[dict[str, Any], bytes]:
    start = 8 + int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8:start])
    return header, content[start:]


def _tensor_hash(header: Mapping[str, Any], data: bytes) -> str:
    sha = hashlib.sha256(_canonical(header))
    sha.update(data)
    return sha.hexdigest()


def _json_hash(content: Any) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
