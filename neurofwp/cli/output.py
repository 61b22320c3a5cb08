"""What every command that computes needs: a folder, a log in it, and a device."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurofwp.cli import interrupts
from neurofwp.cli.manifest import MANIFEST, Manifest
from neurofwp.errors import InputError
from neurofwp.runtime import files, locks, provenance

LOG = "log.txt"

log = logging.getLogger("neurofwp")


def default_folder(name: str, settings: str, seed: int) -> Path:
    """results/NAME/<time>-<hash of the settings>."""
    digest = hashlib.sha256(f"{settings} {seed}".encode()).hexdigest()
    return Path("results", name, f"{provenance.now()}-{digest[:8]}")


def device(name: str) -> str:
    """Where tensors live: "cpu" or "cuda", chosen where `name` is "auto"."""
    from neurofwp.rate import choose_device  # brings torch

    return choose_device(name).type


@contextmanager
def results_folder(manifest: Manifest, *, overwrite: bool, fresh: bool = False) -> Iterator[bool]:
    """Make a folder for results, for this process alone, with a log and a manifest in it; a run that is refused leaves
    nothing there. What comes is whether it holds something else, which is to be replaced.

    Raises
    ------
    InputError
        if it cannot be made or written, another process works there, or it holds what may not be replaced
        (`Manifest.check`).
    """
    path = manifest.folder
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    folder = files.output_folder(path)
    try:
        with locks.hold(folder):
            replaced = manifest.check(overwrite=overwrite, fresh=fresh)
            with _undone_by_refusal(folder):
                hint = f"what is finished is kept: the same command with --out {path} resumes"
                with log_to(folder / LOG), interrupts.resumed_by(hint):
                    manifest.begin()
                    yield replaced
    except InputError:
        with contextlib.suppress(OSError):  # which are not empty, or gone
            for each in new:
                each.rmdir()
        raise


@contextmanager
def _undone_by_refusal(folder: Path) -> Iterator[None]:
    """Of a run that is refused, and left nothing else, remove log and manifest."""
    before = {name: (folder / name).read_bytes() for name in (MANIFEST,) if (folder / name).is_file()}
    had = {file.name for file in folder.iterdir()}
    try:
        yield
    except InputError:
        with contextlib.suppress(OSError):  # the folder may be gone, or the disk full
            _put_back(folder, had, before)
        raise


def _put_back(folder: Path, had: set[str], before: dict[str, bytes]) -> None:
    """Leave no log and no manifest of a run that left nothing else, and the manifest that was there."""
    if {file.name for file in folder.iterdir()} <= had | {LOG, MANIFEST}:
        for name in {LOG, MANIFEST} - had:
            (folder / name).unlink(missing_ok=True)
        for name, content in before.items():
            (folder / name).write_bytes(content)


class _LogFile(logging.FileHandler):
    """A log that ends in silence where the disk is full: what is lost with it is said when results are written."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


@contextmanager
def log_to_terminal() -> Iterator[None]:
    """Log to the terminal alone."""
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.INFO)
    log.addHandler(terminal)
    try:
        yield
    finally:
        log.removeHandler(terminal)


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Log to the terminal, and with times, versions and tracebacks to a file, after what an earlier run left there."""
    file = _LogFile(path)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    before = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(file)
    try:
        with log_to_terminal():
            yield
    except BaseException:
        log.debug("the run stopped", exc_info=True)
        raise
    finally:
        log.setLevel(before)
        log.removeHandler(file)
        file.close()
