"""The fingerprint of the code: any byte of it counts, and nothing that is no source."""

from __future__ import annotations

import shutil
import time
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import neurofwp
from neurofwp.runtime import provenance, source


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(source, "_extensions", {})
    source._tree_hash.cache_clear()
    folder = tmp_path / "extension"
    (folder / "inner").mkdir(parents=True)
    (folder / "rule.py").write_bytes(b"print()\n")
    (folder / "inner" / "stage.toml").write_bytes(b"tau = 1\n")
    return folder


def tree_hash(folder: Path) -> str:
    return source._files_hash(source._files(str(folder), "name"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["rule.py", "inner/stage.toml"]), st.integers(0, 7), st.integers(0, 255))
def test_any_byte_of_any_file_counts(extension: Path, name: str, index: int, byte: int) -> None:
    file = extension / name
    before, content = tree_hash(extension), file.read_bytes()
    changed = bytearray(content)
    changed[index % len(content)] = byte
    file.write_bytes(bytes(changed))
    assert (tree_hash(extension) == before) == (bytes(changed) == content)
    file.write_bytes(content)
    assert tree_hash(extension) == before


def test_names_count_and_bytes_do_not_wander_between_files(extension: Path) -> None:
    hashes = {tree_hash(extension)}
    (extension / "rule.py").rename(extension / "rules.py")
    hashes.add(tree_hash(extension))
    (extension / "rules.py").write_bytes(b"print()")
    (extension / "sums.py").write_bytes(b"\n")
    hashes.add(tree_hash(extension))
    assert len(hashes) == 3


def test_what_is_no_source_does_not_count(extension: Path) -> None:
    before = tree_hash(extension)
    for name in ("__pycache__/rule.cpython-311.pyc", ".rule.py.swp", ".git/HEAD", "rule.pyc"):
        (extension / name).parent.mkdir(exist_ok=True)
        (extension / name).write_bytes(b"x")
    assert tree_hash(extension) == before


def test_registered_extensions_and_versions_count(extension: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prints = [source.fingerprint()]
    source.register_source(extension / "rule.py")
    prints.append(source.fingerprint())
    source.register_source(extension)
    prints.append(source.fingerprint())
    source.register_source(extension)  # twice is once
    assert source.fingerprint() == prints[-1]
    monkeypatch.setattr(provenance, "versions", lambda: {"numpy": "0"})
    prints.append(source.fingerprint())
    assert len(set(prints)) == 4


def test_code_models_stages_experiments_templates_and_data_are_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}
    monkeypatch.setattr(source, "_files_hash", lambda files: seen.update(files) or "")
    source.package_hash.__wrapped__()
    for name in (
        "neurofwp/program.py", "neurofwp/synapses/stage.py", "neurofwp/experiments/capacity.py",
        "neurofwp/models/synapses/additive.toml", "neurofwp/models/slownets/gated-pairs-0.safetensors",
        "neurofwp/data/paired_recordings.csv",
    ):  # fmt: skip
        assert name in seen
    assert any(name.startswith("neurofwp/brian/templates/") for name in seen)
    assert not any("__pycache__" in name for name in seen)


def test_an_installed_package_has_the_hash_of_its_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where models, experiments and data lie inside the package."""
    for package in source.PACKAGES:
        (folder,) = import_module(package).__path__
        shutil.copytree(folder, tmp_path.joinpath(*package.split(".")), dirs_exist_ok=True)
    here = source.package_hash()
    monkeypatch.setattr(neurofwp, "__path__", [str(tmp_path / "neurofwp")])
    for package in source.PACKAGES[1:]:
        monkeypatch.setattr(import_module(package), "__path__", [str(tmp_path.joinpath(*package.split(".")))])
    assert source.package_hash.__wrapped__() == here


def test_it_is_quick() -> None:
    began = time.process_time()
    source.package_hash.__wrapped__()
    assert time.process_time() - began < 0.15  # 0.03 s where nothing else runs
