"""What every command that computes needs: a folder, a log in it, and a device."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neurofwp.runtime import provenance

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
def logging_to(path: Path) -> Iterator[None]:
    """Log to the terminal, and with times, versions and tracebacks to a file, after what an earlier run left there."""
    terminal = logging.StreamHandler()
    terminal.setLevel(logging.INFO)
    file = logging.FileHandler(path)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    before = log.level
    log.setLevel(logging.DEBUG)
    log.addHandler(terminal)
    log.addHandler(file)
    try:
        yield
    except BaseException:
        log.debug("the run stopped", exc_info=True)
        raise
    finally:
        log.setLevel(before)
        for handler in (terminal, file):
            log.removeHandler(handler)
            handler.close()
