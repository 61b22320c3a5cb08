"""What every command that computes needs: a folder, a log in it, and a device."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurofwp.cli import interrupts
from neurofwp.errors import InputError
from neurofwp.runtime import files, provenance

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
def results_folder(path: Path) -> Iterator[Path]:
    """Make a folder for results with a log in it, of which a run that is refused leaves nothing.

    Raises
    ------
    InputError
        if it cannot be made or written.
    """
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    file = files.output_folder(path) / LOG
    new_log = not file.exists()
    try:
        with (
            log_to(file),
            interrupts.resumed_by(f"what is finished is kept: the same command with --out {path} resumes"),
        ):
            yield path
    except InputError:
        if new_log:
            file.unlink()
        with contextlib.suppress(OSError):  # something else is in it
            for folder in new:
                folder.rmdir()
        raise


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
    file = logging.FileHandler(path)
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
