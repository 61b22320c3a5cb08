"""Tensors and what they mean, in one safetensors file: nothing in it is executed when it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from neurofwp.errors import InputError
from neurofwp.runtime import digest, files, migrations

KIND = "neurofwp.checkpoint"


def save(path: str | Path, tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> Path:
    """Write tensors, and their config as JSON beside them; a crash leaves the old file as it was.

    The same tensors and config are the same bytes, with a SHA-256 of them in the metadata (`neurofwp.runtime.digest`).
    """
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    about = {"kind": KIND, migrations.ATTRIBUTE: str(migrations.FORMAT), "config": json.dumps(config)}
    return files.write_bytes(digest.seal_tensors(safetensors.torch.save(own, about)), path)


def load(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the config that `save` wrote, in the names of today (`neurofwp.runtime.migrations`).

    Raises
    ------
    InputError
        if there is no such file, it is truncated, damaged or of another format, or something else or a newer neurofwp
        wrote it.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no checkpoint {str(path)!r}")
    try:
        content = Path(path).read_bytes()
        tensors = dict(sorted(safetensors.torch.load(content).items()))  # which come in any order
    except (SafetensorError, OSError, KeyError) as error:  # KeyError: of a dtype that torch does not have
        raise digest.Damaged(f"{str(path)!r} is no whole safetensors file: {error}") from error
    about = digest.open_tensors(content, path)
    if about.get("kind") != KIND:
        raise InputError(f"{str(path)!r} was not saved by neurofwp: its kind is {about.get('kind')!r}, not {KIND!r}")
    old = migrations.version(about.get(migrations.ATTRIBUTE), path)
    try:
        config = json.loads(about["config"])
    except (KeyError, ValueError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is damaged: its config is no JSON ({error})") from error
    return tensors, migrations.settings(config, old)


def fill(module: nn.Module, tensors: Mapping[str, Tensor], *, source: str) -> None:
    """Put the tensors of `source` into a module that must have exactly these.

    Raises
    ------
    InputError
        for a tensor that is missing, left over, or of another shape or dtype: a checkpoint of another architecture.
    """
    expected = module.state_dict()
    for name in expected:
        if name not in tensors:
            raise InputError(f"{source} has no {name!r}, which {type(module).__name__} needs: another architecture")
    for name, tensor in tensors.items():
        if name not in expected:
            raise InputError(f"{source} has {name!r}, which {type(module).__name__} has not: another architecture")
        wanted = expected[name]
        if (tensor.shape, tensor.dtype) != (wanted.shape, wanted.dtype):
            raise InputError(
                f"{name} of {source} is {tuple(tensor.shape)} {tensor.dtype}, but {type(module).__name__} needs "
                f"{tuple(wanted.shape)} {wanted.dtype}: another architecture"
            )
    module.load_state_dict(dict(tensors))
