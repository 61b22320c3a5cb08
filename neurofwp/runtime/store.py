"""Results that are kept on disk under a hash of all that they depend on, so that work is resumed and not done twice.

The hash covers the code (`source.fingerprint`), the function, and its arguments by content. Whatever could change a
number changes it: then nothing is found, and the work is done again.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

from neurofwp.errors import InputError
from neurofwp.runtime import digest, files, source
from neurofwp.runtime.lazy import np, xr

CHECKPOINT = "training.safetensors"  # what a training leaves in its own folder
KEPT = re.compile(rf".*-[0-9a-f]{{16}}\.(nc|npy|json)|{re.escape(CHECKPOINT)}")  # names of all that is kept
RESULT = "result"  # the key of what is kept as JSON
MODELS = (".toml", ".safetensors")  # a text that ends so and names a file counts by what the file holds

Name = TypeVar("Name", bound=Hashable)

log = logging.getLogger("neurofwp")


@dataclass(frozen=True)
class Entry:
    """The place of one result: a Dataset or DataTree (NetCDF), an array (NPY), or what JSON can hold.

    Each carries its SHA-256 (`digest`).
    """

    path: Path  # without the suffix, which the kind of result decides

    def read(self) -> Any | None:
        """The result, or None where there is none that is whole."""
        for suffix, read in (("nc", _read_netcdf), ("npy", _read_npy), ("json", _read_json)):
            path = self._path(suffix)
            if path.is_file():
                try:
                    return read(path)
                except (InputError, OSError, ValueError, EOFError, KeyError):
                    log.warning("%s is damaged and is made again", path)
                    return None
        return None

    def write(self, result: Any) -> None:
        """Keep a result; a crash leaves no half of it."""
        if isinstance(result, (xr.Dataset, xr.DataTree)):
            files.write_netcdf(result, self._path("nc"))
        elif isinstance(result, np.ndarray):
            content = io.BytesIO()
            np.save(content, result, allow_pickle=False)
            files.write_bytes(digest.seal(content.getvalue()), self._path("npy"))
        else:
            plain = json.loads(json.dumps(result, default=_number))  # whose hash is that of what will be read
            text = json.dumps(digest.seal_json({RESULT: plain}), indent=2)
            files.write_bytes(f"{text}\n".encode(), self._path("json"))

    def remove(self) -> None:
        """Forget the result."""
        for suffix in ("nc", "npy", "json"):
            self._path(suffix).unlink(missing_ok=True)

    def _path(self, suffix: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{suffix}")


def entries(folder: Path | None, work: Callable[..., Any], cases: Mapping[Name, tuple[Any, ...]]) -> dict[Name, Entry]:
    """Where the results of `work(*arguments)` are kept, by the names of the cases; nowhere without a folder."""
    if folder is None:
        return {}
    return {name: Entry(folder / f"{_file_name(name)}-{key(work, *arguments)}") for name, arguments in cases.items()}


def _file_name(name: Hashable) -> str:
    return re.sub(r"[^A-Za-z0-9_.,=+-]+", "-", str(name))[:100].strip("-")


def key(*what: Any) -> str:
    """The hash under which a result is kept that depends on these values, and on the code; see `describe`."""
    text = json.dumps([describe(what), source.fingerprint()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe(what: Any) -> Any:
    """All of a value that a result can depend on, as JSON: arrays and files by a hash of their content.

    Functions and classes count by name, since their source is hashed with the package; dataclasses by their fields;
    objects with a method ``depends_on`` by what it returns; Datasets by variables with units, config and seed.

    Raises
    ------
    TypeError
        for a value of a kind that cannot be told from others of its kind.
    """
    if isinstance(what, np.generic):
        what = what.item()
    if what is None or isinstance(what, (bool, int, float)):
        return what
    if isinstance(what, (str, Path)):
        return _describe_text(what)
    if isinstance(what, np.ndarray):
        return _describe_array(what)
    if isinstance(what, np.dtype):
        return what.str
    if isinstance(what, (xr.Dataset, xr.DataArray)):
        return _describe_dataset(what if isinstance(what, xr.Dataset) else what.to_dataset(name="array"))
    if isinstance(what, np.random.SeedSequence):
        return describe(what.state)
    return _describe_structure(what)


def _describe_structure(what: Any) -> Any:
    if isinstance(what, Mapping):
        pairs = ([describe(key), describe(value)] for key, value in what.items())
        return {"mapping": sorted(pairs, key=json.dumps)}
    if isinstance(what, (list, tuple, range)):
        return [describe(each) for each in what]
    if isinstance(what, type) or hasattr(what, "__qualname__"):
        return f"{what.__module__}.{what.__qualname__}"
    kind = describe(type(what))
    if hasattr(what, "depends_on"):
        return [kind, describe(what.depends_on())]
    if is_dataclass(what):
        return [kind, {field.name: describe(getattr(what, field.name)) for field in fields(what)}]
    raise TypeError(f"what a result depends on must be data, but is {what!r}, of {kind}: give it a depends_on method")


def _describe_text(what: str | Path) -> Any:
    path = Path(what)
    if (isinstance(what, Path) or path.suffix in MODELS) and path.is_file():
        with path.open("rb") as file:
            return {"file": path.name, "content": hashlib.file_digest(file, "sha256").hexdigest()}
    return str(what)


def _describe_array(what: np.ndarray) -> Any:
    """By bytes; a Brian2 Quantity by its dimensions too."""
    about = [str(what.dtype), list(what.shape), str(getattr(what, "dim", ""))]
    if what.dtype.kind == "O":
        return [*about, describe(what.tolist())]
    return [*about, hashlib.sha256(np.ascontiguousarray(np.asarray(what)).tobytes()).hexdigest()]


def _describe_dataset(what: xr.Dataset) -> Any:
    about = {name: what.attrs.get(name) for name in ("kind", "config", "seed")}
    variables = {
        name: [list(map(str, each.dims)), str(each.attrs.get("units")), each.values]
        for name, each in what.variables.items()
    }
    return {"dataset": [describe(about), describe({str(name): each for name, each in variables.items()})]}


def clear(folder: Path) -> None:
    """Remove all that was kept at or below a folder, checkpoints of trainings too, and nothing else."""
    for path in folder.rglob("*") if folder.is_dir() else ():
        if KEPT.fullmatch(path.name) and path.is_file():
            path.unlink()


def _read_netcdf(path: Path) -> xr.Dataset | xr.DataTree:
    tree = files.read_tree(path)
    return tree if tree.children else tree.to_dataset()


def _read_npy(path: Path) -> np.ndarray:
    digest.check(path)
    array: np.ndarray = np.load(path)
    return array


def _read_json(path: Path) -> Any:
    return files.read_json(path)[RESULT]


def _number(value: Any) -> Any:
    """A NumPy number as Python's own, which JSON has."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a result must be a Dataset, an array, or JSON to be kept, but holds {value!r}")
