"""Which code runs: a hash of the package's own files, of registered extensions, and of the versions that matter.

The same in a checkout and from a wheel: it is the bytes of the files that count, not a commit, so that a checkout with
changes, and an installation without git, know what they left themselves.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

from neurofwp.runtime import provenance
from neurofwp.runtime.registry import sources

# the last three lie beside the package in a checkout, and inside it in a wheel
PACKAGES = ("neurofwp", "neurofwp.data", "neurofwp.experiments", "neurofwp.models")

_extensions: dict[Path, None] = {}  # in the order in which they were registered


def register_source(path: str | Path) -> None:
    """Let the files of an extension, one file or a folder of them, count to the `fingerprint`."""
    _extensions[Path(path).resolve()] = None


def fingerprint() -> str:
    """SHA-256 of the package, of all registered extensions, and of the versions of what they run on."""
    extensions = sorted(_tree_hash(path) for path in _extensions)
    outside = [_files_hash({f"{n} {file.name}": str(file) for n, file in enumerate(each.files)}) for each in sources()]
    what = [package_hash(), extensions, outside, provenance.versions(), sys.version_info[:2]]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


@cache
def package_hash() -> str:
    """SHA-256 of the package's own files: code, models, stages, templates, experiments and data."""
    files: dict[str, str] = {}
    for name in PACKAGES:
        (folder,) = import_module(name).__path__
        files |= _files(folder, name.replace(".", "/"))
    return _files_hash(files)


@cache
def _tree_hash(path: Path) -> str:
    return _files_hash(_files(str(path), path.name) if path.is_dir() else {path.name: str(path)})


def _files(folder: str, name: str) -> dict[str, str]:
    """Paths of all files below a folder, by name/relative path, but for hidden and compiled ones."""
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if not each.startswith(".") and each != "__pycache__"]
        inside = os.path.relpath(place, folder)
        for file in files:
            if not file.startswith(".") and not file.endswith(".pyc"):
                within = [] if inside == "." else inside.split(os.sep)
                found["/".join([name, *within, file])] = os.path.join(place, file)
    return found


def _files_hash(files: dict[str, str]) -> str:
    """Of names and bytes."""
    sha = hashlib.sha256()
    for name in sorted(files):
        with open(files[name], "rb") as file:
            content = file.read()
        sha.update(f"{name} {len(content)}\n".encode())
        sha.update(content)
    return sha.hexdigest()
