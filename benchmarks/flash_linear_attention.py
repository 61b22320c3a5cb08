"""The public peer: flash-linear-attention (Yang & Zhang 2024), where its package fla-core is installed.

On a CPU these are its reference functions, the chunked ones. They are loaded from their files, because the package
itself cannot be imported without Triton. On a GPU they are its Triton kernels.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from neurofwp.errors import InputError

PACKAGE = "fla-core"
MISSING = f"not installed: pip install {PACKAGE}"


@dataclass(frozen=True)
class Peer:
    """A function of the peer.

    read : signals by name -> reads.
    head_first : signals and reads are (batch, head, time, ...).
    scales_query : it divides queries by sqrt(d_k) and cannot be told not to.
    """

    read: Callable[[dict[str, Tensor]], Tensor]
    head_first: bool = False
    scales_query: bool = False


def version() -> str | None:
    """The installed version of the peer, None where there is none."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return None


def peer(rule: str, device: torch.device) -> Peer:
    """Its form of `rule` on `device`.

    Raises
    ------
    InputError
        if the package, or this function of it, is not installed.
    """
    if version() is None:
        raise InputError(f"{PACKAGE} is {MISSING}")
    return _kernel(rule) if device.type == "cuda" else _reference(rule)


def _reference(rule: str) -> Peer:
    if rule == "hebbian":
        linear = _function("linear_attn", "naive_chunk_linear_attn")
        return Peer(lambda s: linear(s["query"], s["key"], s["value"], scale=1.0))
    if rule == "scalar_decay":
        gla = _function("simple_gla", "naive_chunk_simple_gla")
        return Peer(lambda s: gla(s["query"], s["key"], s["value"], s["log_decay"], scale=1.0)[0])
    if rule == "delta":
        delta = _function("delta_rule", "delta_rule_chunkwise")
        return Peer(lambda s: delta(s["query"], s["key"], s["value"], s["beta"])[0], head_first=True, scales_query=True)
    gated = _function("gated_delta_rule", "naive_chunk_gated_delta_rule")
    return Peer(lambda s: gated(s["query"], s["key"], s["value"], s["log_decay"], s["beta"], scale=1.0)[0])


def _kernel(rule: str) -> Peer:
    folder, name, gates = {
        "hebbian": ("linear_attn", "chunk_linear_attn", {}),
        "scalar_decay": ("simple_gla", "chunk_simple_gla", {"g": "log_decay"}),
        "delta": ("delta_rule", "chunk_delta_rule", {"beta": "beta"}),
        "gated_delta": ("gated_delta_rule", "chunk_gated_delta_rule", {"g": "log_decay", "beta": "beta"}),
    }[rule]
    kernel = getattr(import_module(f"fla.ops.{folder}"), name)
    options: dict[str, Any] = {"scale": 1.0} | ({"normalize": False} if rule == "hebbian" else {})

    def read(signals: dict[str, Tensor]) -> Tensor:
        gate = {its: signals[ours] for its, ours in gates.items()}
        reads: Tensor = kernel(signals["query"], signals["key"], signals["value"], **gate, **options)[0]
        return reads

    return Peer(read)


def _function(folder: str, name: str) -> Callable[..., Any]:
    """A function from fla/ops/FOLDER/naive.py."""
    found: Callable[..., Any] | None = getattr(_module(folder), name, None)
    if found is None:
        raise InputError(f"{PACKAGE} {version()} has no {name} in fla/ops/{folder}/naive.py; version 0.6.0 has")
    return found


@cache
def _module(folder: str) -> ModuleType:
    name = f"fla_ops_{folder}_naive"
    file = metadata.distribution(PACKAGE).locate_file(f"fla/ops/{folder}/naive.py")
    spec = spec_from_file_location(name, str(file))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # torch.compile looks functions up by the name of their module
    spec.loader.exec_module(module)
    return module
