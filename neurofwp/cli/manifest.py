"""What a folder of results is of, and which files belong to it: so that a second command there knows what to do.

`manifest.json` is written when a run begins. When it ends, it names every file with its SHA-256: then the run is
complete.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurofwp.errors import InputError
from neurofwp.runtime import digest, files, locks

MANIFEST = digest.LIST
FIGURES = (".png", ".pdf", ".html")  # which may be drawn again, and the report with them

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Manifest:
    """What a command leaves in a folder.

    Parameters
    ----------
    folder : of the results. about : settings, seed and so on, as JSON, by name. results : names, or patterns, of files
        that are never replaced where nothing says of what they are.
    key : a hash of all that the results depend on, code and input files too (`store.key`).
    """

    folder: Path
    about: Mapping[str, Any]
    results: tuple[str, ...]
    key: str

    def is_complete(self) -> bool:
        """Whether all is there, whole, and of this code; a file that is damaged or missing is named in the log."""
        found: dict[str, Any] | None = None
        with suppress(InputError):  # `check` says it
            found = self._read()
        if found is None or not self._is_own(found) or not found.get("files"):
            return False
        for name, sha in found["files"].items():
            path = self.folder / name
            if not path.is_file() or (path.suffix not in FIGURES and _hash(path) != sha):
                log.warning("%s is %s and is made again", path, "damaged" if path.is_file() else "missing")
                return False
        return True

    def say_complete(self) -> None:
        """Say so in one line, and print the folder, as a run does."""
        print(
            f"{self.folder} is complete, of these settings and this code: nothing was computed again (--fresh does)",
            file=sys.stderr,
        )
        print(self.folder, flush=True)

    def check(self, *, overwrite: bool, fresh: bool = False) -> bool:
        """Whether the folder holds something else, which is to be replaced.

        Raises
        ------
        InputError
            if that is of other settings and may not be overwritten, or of other code and is not to be made afresh.
        """
        remedy = "choose another folder, or replace what is there with --overwrite"
        try:
            found = self._read()
        except InputError as error:
            if overwrite:
                return True
            raise InputError(f"{error}; or {remedy}") from error
        if found is None:
            there = [path for name in self.results for path in self.folder.glob(name)]
            if there and not (overwrite or fresh):
                raise InputError(f"{str(there[0])!r} is there, and nothing says of what: {remedy}")
            return bool(there)
        if (difference := self._difference(found)) and not overwrite:
            raise InputError(f"{str(self.folder)!r} is of {difference}: {remedy}")
        if found["key"] != self.key and found.get("files") and not (overwrite or fresh):
            raise InputError(
                f"{str(self.folder)!r} is of these settings, but of other code, versions or input files: {remedy}"
            )
        return not self._is_own(found)

    def begin(self) -> None:
        """Say what the folder is of from now on; what was there before is removed at the end."""
        before: dict[str, Any] = {}
        with suppress(InputError):
            before = self._read() or {}
        stale = sorted({*before.get("files", {}), *before.get("replaces", ())})
        files.write_json({"about": self._told, "key": self.key, "replaces": stale}, self.folder / MANIFEST)

    def confirm(self) -> None:
        """Make sure that the folder is still this command's: it may have been removed, and another have begun there.

        Raises
        ------
        InputError
            if it is another's.
        """
        locks.confirm(self.folder)
        found: dict[str, Any] | None = None
        with suppress(InputError):  # what is damaged says nothing
            found = self._read()
        if found is not None and not self._is_own(found):
            raise InputError(
                f"{str(self.folder)!r} was removed meanwhile, and is of {self._difference(found) or 'other code'} now"
            )

    def finish(self, names: Iterable[str]) -> None:
        """The files of these names are whole; those of earlier results that have other names are removed.

        Raises
        ------
        InputError
            if the folder, or one of the files, is not there any more.
        """
        self.confirm()
        try:
            made = {name: _hash(self.folder / name) for name in names}
        except OSError as error:
            raise InputError(
                f"{error.filename!r} was removed or cannot be read any more ({error.strerror}): give the same command "
                "again"
            ) from error
        for name in self._read_stale() - made.keys():
            (self.folder / Path(name).name).unlink(missing_ok=True)
        files.write_json({"about": self._told, "key": self.key, "files": made}, self.folder / MANIFEST)

    @property
    def _told(self) -> dict[str, Any]:
        """What is written of `about`: JSON has no infinity, and would have null."""
        told: dict[str, Any] = json.loads(json.dumps(self.about), parse_constant=str)
        return told

    def _read_stale(self) -> set[str]:
        return set((self._read() or {}).get("replaces", ()))

    def _read(self) -> dict[str, Any] | None:
        path = self.folder / MANIFEST
        if not path.is_file():
            return None
        found = files.read_json(path)
        if not _is_ours(found):
            raise InputError(f"{str(path)!r} is not what neurofwp leaves there")
        return found

    def _is_own(self, found: Mapping[str, Any]) -> bool:
        return not self._difference(found) and found["key"] == self.key

    def _difference(self, found: Mapping[str, Any]) -> str:
        """The first thing that is another, in words; nothing where all is the same."""
        ours, theirs = _flat(self._told), _flat(found["about"])
        for name in dict.fromkeys([*ours, *theirs]):
            one, other = theirs.get(name), ours.get(name)
            if one != other:
                return f"{name} = {one!r}, not {other!r}"
        return ""


def _is_ours(content: Mapping[str, Any]) -> bool:
    """Whether it has the form of a manifest."""
    about, sums, replaced = content.get("about"), content.get("files", {}), content.get("replaces", [])
    if not (isinstance(about, dict) and isinstance(sums, dict) and isinstance(replaced, list)):
        return False
    return all(isinstance(each, str) for each in (content.get("key"), *sums.values(), *replaced))


def _flat(about: Mapping[str, Any]) -> dict[str, Any]:
    """Names and values, of settings by their own names."""
    return {
        name: value
        for outer, content in about.items()
        for name, value in (content.items() if isinstance(content, Mapping) else [(outer, content)])
    }


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
