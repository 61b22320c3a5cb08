"""The choice of a code generation target, and its reasons."""

from __future__ import annotations

import shutil

import pytest
from brian2 import get_device, prefs

from neurofwp.brian import backends
from neurofwp.errors import InputError


@pytest.mark.parametrize("backend", ["cython", "cpp_standalone", "numpy"])
def test_a_backend_asked_for_is_taken(backend: str) -> None:
    assert backends.choose(backend) == (backend, "asked for")


def test_auto_compiles_a_program_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    backend, reason = backends.choose("auto")
    assert backend == "cpp_standalone"
    assert "fastest" in reason


def test_auto_without_a_compiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    backend, reason = backends.choose("auto")
    assert backend == "numpy"
    assert "no C++ compiler" in reason


def test_an_unknown_target_offers_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown backend 'cpython'; did you mean 'cython'"):
        backends.choose("cpython")


@pytest.mark.parametrize("backend", ["numpy", "cpp_standalone"])
def test_brian2_is_left_as_it_was_found_even_after_a_failure(backend: str) -> None:
    before = _state()
    used = []

    def fail() -> None:
        with backends.use_backend(backend) as folder:
            used.append(folder)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail()
    assert before == _state()
    (folder,) = used
    assert (folder is None) == (backend == "numpy")
    assert folder is None or not folder.exists()


def _state() -> tuple[object, ...]:
    compiler = prefs.codegen.cpp
    make = prefs.devices.cpp_standalone.extra_make_args_unix
    flags = [list(each) for each in (compiler.extra_compile_args_gcc, compiler.extra_link_args, make)]
    return prefs.codegen.target, flags, get_device()
