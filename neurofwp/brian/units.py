"""Translation units: what Brian2 writes into some forty files, gathered into three.

Most of the time to compile goes to headers, read again for every file, and to optimising what only sets up and ends a
run. Here two files hold what is done in every step, and one what is done once, which is not optimised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

OFTEN, ONCE = ("often_0", "often_1"), "once"
# make takes GNUmakefile for Brian2's makefile, which it includes
GNUMAKEFILE = f"include makefile\n{ONCE}.o: OPTIMISATIONS += -O0\n"
OBJECTS = " ".join(f"{name}.o" for name in (*OFTEN, ONCE))

_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"][^>\"\n]+[>\"])", re.MULTILINE)
_ENTRY = re.compile(r"\bvoid (_(?:before_|after_)?run_\w+)\(\);")


def gather(folder: Path) -> None:
    """Write the units, and a makefile for them, beside the files that Brian2 wrote."""
    parts = sorted((folder / "code_objects").glob("*.cpp"))
    once = [part for part in parts if _is_done_once(part.name)]
    often = sorted((part for part in parts if part not in once), key=lambda part: -part.stat().st_size)
    shares = {name: often[place :: len(OFTEN)] for place, name in enumerate(OFTEN)} | {ONCE: once}
    whole = {OFTEN[0]: ("network.cpp", "run.cpp", "synapses_classes.cpp"), ONCE: ("objects.cpp", "main.cpp")}
    for name, share in shares.items():
        (folder / f"{name}.cpp").write_text(_unit(share, whole.get(name, ()), folder), "utf-8")
    (folder / "GNUmakefile").write_text(GNUMAKEFILE, "utf-8")


def _is_done_once(name: str) -> bool:
    return name.startswith(("before_run_", "after_run_")) or "_synapses_create_" in name


def _unit(parts: Sequence[Path], whole: Iterable[str], folder: Path) -> str:
    """C++ that includes parts, each in a namespace of its own, since names in them repeat, and then whole files.

    All that they include themselves comes first, outside of the namespaces.
    """
    texts = [part.read_text("utf-8") for part in (*parts, *(folder / name for name in whole))]
    headers = dict.fromkeys(header for text in texts for header in _INCLUDE.findall(text))
    lines = [f"#include {header}" for header in headers]
    for number, part in enumerate(parts):
        (entry,) = _ENTRY.findall(part.with_suffix(".h").read_text("utf-8"))
        lines += [
            f'namespace part_{number} {{\n#include "{part.relative_to(folder)}"\n}}',
            f"void {entry}() {{ part_{number}::{entry}(); }}",
        ]
    return "\n".join([*lines, *(f'#include "{name}"' for name in whole), ""])
