"""A checkout of neurofwp, run by this Python whatever is installed in it."""

from __future__ import annotations

import configparser
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).parents[1]  # benchmarks, the code that dumps
CACHE = "NEUROFWP_CACHE"
# Run by every process at its start, those that it starts too: an installed neurofwp must not stand in for what this
# checkout lacks.
AT_START = """\
import sys
sys.meta_path[:] = [each for each in sys.meta_path if "neurofwp" not in getattr(each, "__module__", "")]
"""
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NEUROFWP_PROCESSES": "1",  # every case in one process; cases run side by side
    "MPLBACKEND": "Agg",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",  # a checkout is left as it is
}


def run(checkout: Path, module: str, arguments: Sequence[str]) -> None:
    """`python -m module arguments` with the neurofwp of that checkout and the benchmarks of this one.

    Raises
    ------
    FileNotFoundError
        if the folder holds no neurofwp.
    subprocess.CalledProcessError
        if it fails.
    """
    checkout = checkout.resolve()
    if not (checkout / "neurofwp" / "__init__.py").is_file():
        raise FileNotFoundError(f"there is no neurofwp in {checkout}")
    with overlay(checkout) as folder:
        environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(folder), CACHE: str(cache_folder(checkout))}
        _all_or_none([sys.executable, "-m", module, *arguments], folder, environment)


def _all_or_none(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command to its end; whoever stops this process stops all that it has started, too."""

    def stop(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    try:
        code = process.wait()
    finally:
        with suppress(ProcessLookupError):  # nothing is left
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        signal.signal(signal.SIGTERM, before)
    if code:
        raise subprocess.CalledProcessError(code, command)


@contextmanager
def overlay(checkout: Path) -> Iterator[Path]:
    """A folder of links for PYTHONPATH, laid out as an installation of the checkout would be."""
    with tempfile.TemporaryDirectory(prefix="same-science-") as name:
        folder = Path(name)
        package = folder / "neurofwp"
        package.mkdir()
        for each in (checkout / "neurofwp").iterdir():
            if each.name != "__pycache__":
                (package / each.name).symlink_to(each)
        for part, source in package_folders(checkout).items():
            (package / part).symlink_to(source)
        (folder / "benchmarks").symlink_to(HERE)
        (folder / "sitecustomize.py").write_text(AT_START)
        yield folder


def package_folders(checkout: Path) -> dict[str, Path]:
    """Top-level folders that an installation maps into the package, by their names there."""
    config = configparser.ConfigParser()
    config.read(checkout / "setup.cfg")
    lines = [line.split("=") for line in config["options"]["package_dir"].split("\n") if line]
    named = {name.strip(): source.strip() for name, source in lines}
    return {
        name.removeprefix("neurofwp."): checkout / source
        for name, source in named.items()
        if name.startswith("neurofwp.")
    }


def cache_folder(checkout: Path) -> Path:
    """Compiled networks of a checkout: a folder of its own, so that none of another one can be taken for them."""
    if own := os.environ.get(CACHE):
        return Path(own)
    name = hashlib.sha256(str(checkout).encode()).hexdigest()[:12]
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neurofwp-same-science" / name
