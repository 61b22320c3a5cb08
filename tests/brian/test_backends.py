"""The choice of a code generation target, and its reasons."""

from __future__ import annotations

import shutil

import pytest
from brian2 import get_device, prefs

from neurofwp.brian import backends
from neurofwp.errors import InputError


@pytest.mark.parametrize("target", ["cython", "cpp_standalone", "numpy"])
def test_a_target_asked_for_is_taken(target: str) -> None:
    assert backends.choose(target) == (target, "asked for")


def test_auto_compiles_a_program_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    target, reason = backends.choose("auto")
    assert target == "cpp_standalone"
    assert "fastest" in reason


def test_auto_without_a_compiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    target, reason = backends.choose("auto")
    assert target == "numpy"
    assert "no C++ compiler" in reason


def test_an_unknown_target_offers_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown target 'cpython'; did you mean 'cython'"):
        backends.choose("cpython")


@pytest.mark.parametrize("target", ["numpy", "cpp_standalone"])
def test_brian2_is_left_as_it_was_found_even_after_a_failure(target: str) -> None:
    before = _state()
    used = []

    def fail() -> None:
        with backends.use_backend(target) as folder:
            used.append(folder)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fail()
    assert before == _state()
    (folder,) = used
    assert (folder is None) == (target == "numpy")
    assert folder is None or not folder.exists()


def _state() -> tuple[object, ...]:
    compiler = prefs.codegen.cpp
    make = prefs.devices.cpp_standalone.extra_make_args_unix
    flags = [list(each) for each in (compiler.extra_compile_args_gcc, compiler.extra_link_args, make)]
    return prefs.codegen.target, flags, get_device()
