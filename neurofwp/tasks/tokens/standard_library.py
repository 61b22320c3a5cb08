"""Text that is on every machine: source files of Python's standard library, read byte by byte.

The files have the same names from Python 3.11 on, and other content in every version: who compares numbers must compare
`files_of`, which has the SHA-256 of each.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.errors import InputError
from neurofwp.tasks.task import whole
from neurofwp.tasks.tokens.associative_recall import NOT_ASKED

Split = Literal["training", "validation", "test"]
Texts = dict[str, bytes]  # by name of the file

SPLITS: tuple[Split, ...] = get_args(Split)
BYTES = 256  # tokens
FILE_BEGINS = b"\0"  # no file holds it
LONG_LINE = 20  # characters: lines that are shorter, as "return None", are everywhere

_NAMES: Mapping[Split, str] = {
    "training": """
    _collections_abc argparse base64 bdb calendar cmd codecs compileall contextlib copy dataclasses decimal
    difflib dis doctest enum fileinput filecmp fnmatch ftplib functools genericpath getopt getpass gettext glob
    hashlib hmac imaplib inspect io ipaddress keyword linecache mailbox mimetypes modulefinder netrc ntpath
    numbers opcode optparse os pickle pickletools pkgutil platform plistlib poplib posixpath pprint pstats
    pyclbr pydoc queue quopri reprlib runpy sched secrets selectors shelve shutil signal smtplib socket
    socketserver ssl statistics stringprep struct subprocess symtable tarfile tempfile threading timeit token
    tokenize trace traceback tracemalloc types typing uuid warnings wave weakref webbrowser _pydecimal _pyio
    _strptime _weakrefset abc bisect code codeop collections/__init__ concurrent/futures/_base
    concurrent/futures/process concurrent/futures/thread ctypes/__init__ ctypes/util email/_header_value_parser
    email/_parseaddr email/charset email/feedparser email/generator email/header email/message email/utils
    html/parser http/client http/cookiejar http/server importlib/_bootstrap importlib/_bootstrap_external
    json/encoder json/scanner logging/__init__ logging/handlers multiprocessing/connection
    multiprocessing/managers multiprocessing/pool multiprocessing/process multiprocessing/queues
    multiprocessing/util asyncio/base_events asyncio/events asyncio/locks asyncio/selector_events
    asyncio/sslproto asyncio/tasks asyncio/unix_events unittest/loader unittest/mock unittest/runner
    urllib/request urllib/robotparser wsgiref/handlers xml/dom/minidom xml/etree/ElementTree xml/sax/handler
    xmlrpc/client zoneinfo/_zoneinfo
    """,
    "validation": """
    configparser gzip shlex email/headerregistry asyncio/futures unittest/suite
    """,
    "test": """
    csv fractions heapq random textwrap zipimport ast pdb json/decoder http/cookies logging/config
    asyncio/streams unittest/case urllib/parse xmlrpc/server multiprocessing/shared_memory
    """,
}
FILES: Mapping[Split, tuple[str, ...]] = {
    split: tuple(f"{name}.py" for name in names.split()) for split, names in _NAMES.items()
}


def read_texts(split: Split, folder: Path | None = None) -> Texts:
    """The files of a split: {name: text}.

    folder : of the standard library; left out, that of this Python.

    Raises
    ------
    InputError
        for a file that is not there, as where Python came without its source.
    """
    folder = Path(sysconfig.get_path("stdlib")) if folder is None else folder
    missing = [name for name in FILES[split] if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"{str(folder)!r} must hold the source of Python's standard library, but {missing[0]!r} is not there"
            + (f", nor are {len(missing) - 1} others" if missing[1:] else "")
        )
    return {name: (folder / name).read_bytes() for name in FILES[split]}


def files_of(texts: Mapping[Split, Texts]) -> xr.Dataset:
    """What was read: ``split``, ``bytes`` and ``sha256`` of every file (file)."""
    every = [(name, split, text) for split, own in texts.items() for name, text in own.items()]
    names, splits, contents = zip(*every, strict=True)
    return xr.Dataset(
        {
            "split": ("file", list(splits)),
            "bytes": ("file", [len(text) for text in contents], {"units": "bytes"}),
            "sha256": ("file", [sha256(text).hexdigest() for text in contents]),
        },
        coords={"file": list(names)},
    )


def stream(texts: Texts) -> NDArray[np.uint8]:
    """All texts one after the other, (byte); a byte 0 stands before each."""
    return np.frombuffer(b"".join(FILE_BEGINS + text for text in texts.values()), dtype=np.uint8)


def windows(text: NDArray[np.uint8], length: int, *, most: int | None = None) -> xr.Dataset:
    """A stream cut into windows: every byte but the first is asked for once, with what its window has before it.

    ::

        stream:  a b c d e f g      length = 3
        token:   a b c | d e f
        target:  b c d | e f g

    most : windows, evenly spread over the text; left out, all.

    Returns
    -------
    Dataset of ``token`` and ``target`` (window, event), whole numbers. The last window is filled with zeros, of which
    nothing is asked: their target is -1.

    Raises
    ------
    InputError
        for a length or a number of windows below 1, or a stream of fewer than two bytes.
    """
    length = whole("length", length)
    if len(text) < 2:
        raise InputError(f"a text needs two bytes or more, so that one can be asked for, but has {len(text)}")
    count = -(-(len(text) - 1) // length)
    token, target = np.zeros(count * length, dtype=np.int64), np.full(count * length, NOT_ASKED)
    token[: len(text) - 1], target[: len(text) - 1] = text[:-1], text[1:]
    kept = np.arange(count)
    if most is not None:
        kept = np.unique(np.linspace(0, count - 1, whole("most", most)).round().astype(int))
    return _windows(token.reshape(count, length)[kept], target.reshape(count, length)[kept])


def random_windows(text: NDArray[np.uint8], length: int, count: int, *, seed: int | Sequence[int]) -> xr.Dataset:
    """As many windows from anywhere in a stream, as `windows` has them, but that all are full.

    Raises
    ------
    InputError
        for a size below 1, or a stream that is not longer than a window.
    """
    length, count = whole("length", length), whole("count", count)
    if len(text) <= length:
        raise InputError(f"length must be below that of the text, {len(text)} bytes, but is {length}")
    start = np.random.default_rng(seed).integers(len(text) - length, size=count)
    drawn = text[start[:, np.newaxis] + np.arange(length + 1)].astype(np.int64)
    return _windows(drawn[:, :-1], drawn[:, 1:])


def _windows(token: NDArray[np.int64], target: NDArray[np.int64]) -> xr.Dataset:
    arrays = {"token": token, "target": target}
    return xr.Dataset({name: (("window", "event"), array, {"units": "1"}) for name, array in arrays.items()})


def ngram_bits(training: NDArray[np.uint8], test: NDArray[np.uint8], order: Literal[1, 2]) -> float:
    """Bits per byte of `test` but its first, by how often bytes (1), or bytes behind each byte (2), are in `training`.

    A share is (n + 1/256)/(N + 1) with n of N counted, so that no byte is impossible, and without training text all
    are equal: 8 bits.
    """
    before = 0 if order == 1 else BYTES
    counts = np.bincount(training[:-1] * np.int64(before) + training[1:], minlength=BYTES * (before or 1))
    counts = counts.reshape(-1, BYTES)
    share = (counts + 1 / BYTES) / (counts.sum(axis=1, keepdims=True) + 1)
    behind = test[:-1] if order == 2 else np.zeros(len(test) - 1, dtype=np.int64)
    return float(-np.log2(share[behind, test[1:]]).mean())


def share_of_known_lines(training: Texts, test: Texts) -> float:
    """Share of the bytes of `test` in lines of 20 characters or more that stand in `training` too, but for blanks."""
    known = {line.strip() for text in training.values() for line in text.splitlines()}
    lines: Sequence[bytes] = [line for text in test.values() for line in text.splitlines(keepends=True)]
    found = sum(len(line) for line in lines if len(line.strip()) >= LONG_LINE and line.strip() in known)
    return found / max(1, sum(map(len, lines)))
