"""Which Brian2 code generation target runs a network, and why."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from brian2 import get_device, prefs, set_device

from neurofwp.brian import units
from neurofwp.errors import unknown
from neurofwp.runtime import children

BACKENDS = ("auto", "cython", "cpp_standalone", "numpy")
# Numbers that are not finite count; and without -fno-finite-math-only GCC would divide by approximations, so that
# 1 - 1/(1 + 0) is not 0, on which the synapses that are passed over (`Stage.idle`) rely.
FLAGS = ("-w", "-O3", "-march=native", "-ffast-math", "-fno-finite-math-only")
# So that GCC turns loops over cells into vector instructions: it declares exp of vectors only where this is defined,
# which -fno-finite-math-only undoes; and cells have more variables than it would by default compare for overlap.
GCC_FLAGS = ("-D__FAST_MATH__", "--param=vect-max-version-for-alias-checks=200")


def choose(backend: str) -> tuple[str, str]:
    """(backend, reason).

    Cython pays Python's overhead at every step, and compiles several times longer when its cache is empty; it is the
    better choice only for many short runs in one session, which must be asked for.

    Raises
    ------
    InputError
        for an unknown backend.
    """
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    if backend != "auto":
        return backend, "asked for"
    if not any(
        shutil.which(compiler) for compiler in (*os.environ.get("CXX", "").split()[:1], "g++", "clang++", "c++")
    ):
        return "numpy", "no C++ compiler was found (slow: install one)"
    return "cpp_standalone", "a compiled program of its own runs fastest"


@cache
def compiler() -> tuple[str, str]:
    """The compiler that make will take, and what it says of its version."""
    command = os.environ.get("CXX") or "c++"
    words = [*shlex.split(command), "--version"]
    return command, subprocess.run(words, capture_output=True, text=True, check=False).stdout


@cache
def flags() -> tuple[str, ...]:
    """For that compiler."""
    _, said = compiler()
    wide = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()
    return FLAGS + wide + (GCC_FLAGS if "Free Software Foundation" in said else ())


def compile_project(folder: Path) -> None:
    """Compile the program that Brian2 has written into a folder, in few translation units; errors of `make`."""
    units.gather(folder)
    make(folder, f"OBJS={units.OBJECTS}")


def make(folder: Path, *arguments: str) -> None:
    """Compile the program that Brian2 has written into a folder, as Brian2 does.

    Brian2 itself would wait for make in a way that no signal ends.

    Raises
    ------
    RuntimeError
        with what the compiler said.
    """
    preferences = prefs.devices.cpp_standalone
    words = [*shlex.split(preferences.make_cmd_unix), *preferences.extra_make_args_unix, *arguments]
    own = os.environ | {"TMPDIR": str(folder)}  # a compiler that is killed leaves its temporary files
    done = children.run(words, cwd=folder, env=own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"the network could not be compiled ({shlex.join(words)}): {done.stdout.strip()[-2000:]}")


@contextmanager
def use_backend(backend: str) -> Iterator[Path | None]:
    """Make `backend` Brian2's code generation target for a while; yields the build folder of a standalone one."""
    if backend != "cpp_standalone":
        before = prefs.codegen.target
        prefs.codegen.target = backend
        try:
            yield None
        finally:
            prefs.codegen.target = before
        return
    own, link = prefs.codegen.cpp.extra_compile_args_gcc, prefs.codegen.cpp.extra_link_args
    make_arguments = prefs.devices.cpp_standalone.extra_make_args_unix
    with children.temporary_folder() as folder:
        set_device("cpp_standalone", directory=str(folder), build_on_run=False)
        prefs.codegen.cpp.extra_compile_args_gcc = list(flags())
        prefs.devices.cpp_standalone.extra_make_args_unix = [
            f"-j{os.cpu_count() or 1}",
            "DEPS=",  # a list of who reads which header, for nothing but the next time
        ]
        prefs.codegen.cpp.extra_link_args = [*link, "-ffast-math"]  # flushes denormal numbers, which are slow
        try:
            yield folder
        finally:
            get_device().reinit()
            prefs.codegen.cpp.extra_compile_args_gcc, prefs.codegen.cpp.extra_link_args = own, link
            prefs.devices.cpp_standalone.extra_make_args_unix = make_arguments
            set_device("runtime")
