"""Changes to valid files: of their bytes, their words, and what they say."""

from __future__ import annotations

import io
import json
import random
import re
import tomllib
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import tomli_w

Mutation = Callable[[random.Random, bytes], bytes]

NUMBERS = (
    "0", "-1", "1e400", "-1e400", "nan", "inf", "-inf", "1e-320", "9" * 30, "9" * 401, "0x10", "1_0", "1,5", "", " ",
    "true", "None", "é", "\N{MINUS SIGN}1", "1e", "--1", "½", "1e308", "-0.0", "2.5", "x" * 3000, "1979-05-27", "[]",
    "{}", '""', "'", '"', "=1+1", "\0", "٣",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    0, -1, 1, 2.5, 10**30, 10**400, -(2**63), 2**64, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"),
    True, "", "x", "nS", "é\0", "9" * 401, [], {}, [1, "a"], [[]], {"a": {}}, {"value": 1}, {"value": "1", "unit": 1},
    {"value": 1, "unit": "m/0"}, ["x"] * 3, "../../etc", "__import__('os')", "1/0", "a" * 5000,
)  # fmt: skip
SEAL = re.compile(rb"neurofwp-sha256:[0-9a-f]{64}\n\Z")  # without it a file that was changed is read


def of_bytes(rng: random.Random, content: bytes) -> bytes:
    """Bits flipped, a piece cut out, put in twice, or replaced; the file cut short."""
    changed = bytearray(SEAL.sub(b"", content))
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        size = len(changed)
        if not size:
            break
        start = rng.randrange(size)
        stop = min(size, start + rng.choice((1, 2, 8, 64, 1000)))
        match rng.randrange(6):
            case 0:
                changed[start] ^= 1 << rng.randrange(8)
            case 1:
                changed[start] = rng.choice((0, 1, 127, 128, 255))
            case 2:
                del changed[start:stop]
            case 3:
                changed[start:start] = changed[start:stop]
            case 4:
                changed[start:stop] = rng.randbytes(stop - start)
            case 5:
                del changed[start if rng.random() < 0.2 else stop :]
    return bytes(changed)


def of_text(rng: random.Random, content: bytes) -> bytes:
    """Words replaced by what no word should be, lines left out, doubled or moved, or letters changed."""
    text = content.decode("utf-8", errors="replace")
    for _ in range(rng.choice((1, 1, 2, 4))):
        lines = text.split("\n")
        words = list(re.finditer(r"[^\s,;=\[\]{}\"]+", text))
        here = rng.randrange(len(lines))
        match rng.randrange(7):
            case 0 | 1 | 2 if words:
                word = rng.choice(words)
                text = text[: word.start()] + rng.choice(NUMBERS) + text[word.end() :]
            case 3:
                text = "\n".join([*lines[:here], *lines[here + 1 :]])
            case 4:
                text = "\n".join([*lines[:here], *[lines[here]] * rng.choice((2, 3, 50)), *lines[here + 1 :]])
            case 5 if text:
                at = rng.randrange(len(text))
                letter = rng.choice(["\0", "\r", "\ufeff", '"', ",", ";", "\t", "[", "{", "#", "\x1b", "\u2028", "é"])
                text = text[:at] + letter * rng.choice((1, 1, 2000)) + text[at:]
            case _:
                other = rng.randrange(len(lines))
                lines[here], lines[other] = lines[other], lines[here]
                text = "\n".join(lines)
    return text.encode("utf-8", errors="surrogatepass")


def of_tree(rng: random.Random, tree: Any) -> Any:
    """What JSON and TOML hold, with a value of another kind somewhere, or a key that is missing or has another name."""
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                walk(node[key])

    walk(tree)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if not places:
            break
        node, key = rng.choice(places)
        if isinstance(node, dict) and key in node and rng.random() < 0.4:
            value = node.pop(key)
            if rng.random() < 0.6:
                node[rng.choice(("", "x", str(key).upper(), f"{key}_", "format", "form", "value", "\0"))] = value
        elif isinstance(node, dict) or key < len(node):
            node[key] = rng.choice(VALUES)
    return tree


def of_toml(rng: random.Random, content: bytes) -> bytes:
    """Its text or what it says."""
    if rng.random() < 0.4:
        return of_text(rng, content)
    try:
        return tomli_w.dumps(of_tree(rng, tomllib.loads(content.decode()))).encode()
    except (ValueError, TypeError, RecursionError):
        return of_text(rng, content)


def of_json(rng: random.Random, content: bytes) -> bytes:
    """Its text or what it says, without the hash of what it said."""
    if rng.random() < 0.2:
        return of_text(rng, content)
    tree = json.loads(content)
    tree.pop("sha256", None)
    return json.dumps(of_tree(rng, tree)).encode()


def of_safetensors(rng: random.Random, content: bytes) -> bytes:
    """Bytes, or the header, without its hash."""
    if rng.random() < 0.2:
        return of_bytes(rng, content)
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"].pop("sha256", None)
    if rng.random() < 0.5 and "config" in header["__metadata__"]:
        config = json.loads(header["__metadata__"]["config"])
        header["__metadata__"]["config"] = json.dumps(of_tree(rng, config))
    else:
        header = of_tree(rng, header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[start:]


def of_netcdf(rng: random.Random, content: bytes) -> bytes:
    """Bytes; or variables and attributes that are gone, or of another kind, size or name."""
    content = SEAL.sub(b"", content)
    if rng.random() < 0.3:
        return of_bytes(rng, content)
    memory = io.BytesIO(content)
    try:
        with h5py.File(memory, "r+") as file:
            for _ in range(rng.choice((1, 1, 2, 3))):
                _change_object(rng, file)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError):
        return of_bytes(rng, content)
    return memory.getvalue()


def _change_object(rng: random.Random, file: h5py.File) -> None:
    names: list[str] = []
    file.visit(names.append)
    node = file[rng.choice(names)] if names and rng.random() < 0.8 else file
    if node.attrs and rng.random() < 0.4:
        name = rng.choice(list(node.attrs))
        if rng.random() < 0.3:
            del node.attrs[name]
        else:
            value = rng.choice([*NUMBERS[:20], 1, 1.5, np.nan, [1, 2], b"\xff", np.zeros(0), "{}", "[]", '{"a": 1}'])
            node.attrs[name] = value.replace("\0", "?") if isinstance(value, str) else value
        return
    if node is file:
        return
    match rng.randrange(4):
        case 0:
            del file[node.name]
        case 1:
            file.move(node.name, f"{node.name}_")
        case _ if isinstance(node, h5py.Dataset):
            _change_values(rng, file, node)


def _change_values(rng: random.Random, file: h5py.File, node: h5py.Dataset) -> None:
    if node.shape and node.dtype.kind in "fiu" and node.size and rng.random() < 0.6:
        flat = node[...].ravel()
        bad = rng.choice((np.nan, np.inf, -np.inf, -1, 0, 1e308, 3, 0.5))
        if node.dtype.kind in "iu":
            bad = rng.choice((0, -1, 1, 2**31 - 1, 100))
        with np.errstate(all="ignore"):
            flat[rng.randrange(flat.size) if rng.random() < 0.6 else slice(None)] = np.asarray(bad).astype(node.dtype)
        node[...] = flat.reshape(node.shape)
        return
    name, attrs = node.name, {key: value for key, value in node.attrs.items() if "DIM" not in key}
    del file[name]
    shape = rng.choice(((), (0,), (1,), node.shape[::-1], (*node.shape, 2)))
    kind = rng.choice(("f4", "f8", "i8", "u1", "c16", "S3", h5py.string_dtype()))
    made = file.create_dataset(name, shape=shape, dtype=kind)
    for key, value in attrs.items():
        made.attrs[key] = value


def of_npy(rng: random.Random, content: bytes) -> bytes:
    """Bytes, text of the header, or an array of another kind."""
    content = SEAL.sub(b"", content)
    match rng.randrange(3):
        case 0:
            return of_bytes(rng, content)
        case 1:
            return of_text(rng, content[:128].decode("latin-1").encode()).ljust(128)[:128] + content[128:]
    array = np.load(io.BytesIO(content))
    shape = rng.choice((array.shape[::-1], (0,), (), (*array.shape, 1), array.shape[1:], array.shape))
    kind = rng.choice(("f2", "f8", "i8", "?", "c16", "U3", "M8[s]", "V4", ">f8"))
    made = np.zeros(shape, dtype=kind)
    if made.dtype.kind == "f" and made.size:
        made.flat[rng.randrange(made.size)] = rng.choice((np.nan, np.inf, -5.0, 1e30))
    memory = io.BytesIO()
    np.save(memory, made)
    return memory.getvalue()


def of_workbook(rng: random.Random, content: bytes) -> bytes:
    """Bytes of the archive, or the text of one of the files in it."""
    if rng.random() < 0.2:
        return of_bytes(rng, content)
    memory = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(memory, "w") as made:
        chosen = rng.choice(source.namelist())
        for name in source.namelist():
            inner = source.read(name)
            made.writestr(name, of_text(rng, inner) if name == chosen else inner)
    return memory.getvalue()
