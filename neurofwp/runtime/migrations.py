"""The format of files: what they were called before, so that older files open with the names of today.

Whoever renames something that files hold adds one to `FORMAT` and an entry to `RENAMED`. Old entries stay for ever.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neurofwp.errors import InputError
from neurofwp.runtime import old_traces
from neurofwp.runtime.lazy import xr

ATTRIBUTE = "format"  # of a file: the version of the format that it is written in
FORMAT = 6
JSON = ("settings", "config")  # attributes of Datasets that hold JSON


@dataclass(frozen=True)
class Renames:
    """New names by the old ones, from one version of the format to the next."""

    words: Mapping[str, str] = field(default_factory=dict)
    """In names of variables, dims and summary keys. A word ends where letters and digits do: a_r2 has the word a."""
    attributes: Mapping[str, tuple[str, type]] = field(default_factory=dict)
    """Of Datasets and of groups of trees, where their values are of a type."""
    of_kind: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Variables and dims of the Datasets of one kind alone, by that kind."""
    settings: Mapping[str, tuple[str, type]] = field(default_factory=dict)
    """Keys of JSON, likewise: settings of experiments, arguments of tasks, configs of slow nets."""


RENAMED: dict[int, Renames] = {  # by the version that has the old names; files without a version are of version 1
    1: Renames(
        words={"rebound": "reassigned", "rebind": "reassign", "explained_share": "feve"},
        attributes={"target": ("backend", str), "target_reason": ("backend_reason", str)},
        settings={
            "rebind": ("reassign", float),
            "target": ("backend", str),
            "regime": ("synapse", str),
            "regimes": ("synapses", list),
        },
    ),
    2: Renames(of_kind={"neurofwp.fits": {"episode": "unit"}}),  # what judges may be cells or events
    3: Renames(),  # spikes and probes of Traces are groups that belong to them
    4: Renames(),  # and are groups of their own: `old_traces`
    5: Renames(settings={"seeds": ("networks", int)}),
}


def version(given: Any, path: object) -> int:
    """The version of the format that the file `path` says it is in, 1 for None.

    Raises
    ------
    InputError
        for a version newer than this neurofwp writes, or what is no version.
    """
    number = str(1 if given is None else given)
    if not number.isdecimal() or int(number) < 1:
        raise InputError(f"{str(path)!r} says that its format is {number!r}, but it must be a whole number from 1 on")
    if int(number) > FORMAT:
        raise InputError(
            f"{str(path)!r} is in format {number}, and this neurofwp reads formats up to {FORMAT}: install a newer one"
        )
    return int(number)


def migrate(tree: xr.DataTree, path: object) -> xr.DataTree:
    """A tree as read from the file `path`, with the names of today and without the version.

    Raises
    ------
    InputError
        as `version` does.
    """
    old = version(tree.attrs.pop(ATTRIBUTE, None), path)
    if old == FORMAT:
        return tree
    groups = {group.path: _rename(group.to_dataset(inherit=False), old) for group in tree.subtree}
    return xr.DataTree.from_dict(old_traces.separate(groups), name=tree.name)


def name(text: str, old: int = 1) -> str:
    """The name of a variable, a dim or a summary key of version `old`, as it is today."""
    for renames in _steps(old):
        for word, new in renames.words.items():
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])", new, text)
    return text


def settings(content: Any, old: int = 1) -> Any:
    """JSON of version `old`, with the keys of today, at any depth."""
    for renames in _steps(old):
        content = _rename_keys(content, renames.settings)
    return content


def _steps(old: int) -> list[Renames]:
    return [RENAMED[step] for step in range(old, FORMAT)]


def _rename(data: xr.Dataset, old: int) -> xr.Dataset:
    names = {each: name(str(each), old) for each in (*data.variables, *data.dims)}
    data = data.rename({each: new for each, new in names.items() if new != each})
    for renames in _steps(old):
        own = renames.of_kind.get(data.attrs.get("kind", ""), {})
        data = data.rename({each: new for each, new in own.items() if each in data.variables or each in data.dims})
        data.attrs = {_new_key(key, value, renames.attributes): value for key, value in data.attrs.items()}
    for key in JSON:
        if isinstance(data.attrs.get(key), str):
            data.attrs[key] = _rewrite(data.attrs[key], lambda content: settings(content, old))
    return data


def _rewrite(text: str, change: Callable[[Any], Any]) -> str:
    """JSON changed; the same text where nothing changes or it is not JSON."""
    try:
        before = json.loads(text)
    except json.JSONDecodeError:
        return text
    after = change(before)
    return text if after == before else json.dumps(after)


def _rename_keys(content: Any, names: Mapping[str, tuple[str, type]]) -> Any:
    if isinstance(content, list):
        return [_rename_keys(each, names) for each in content]
    if not isinstance(content, dict):
        return content
    return {_new_key(key, value, names): _rename_keys(value, names) for key, value in content.items()}


def _new_key(key: str, value: Any, names: Mapping[str, tuple[str, type]]) -> str:
    new, kind = names.get(key, (key, object))
    return new if isinstance(value, kind) else key
