"""Parts of Datasets that have dimensions of their own, in groups of their own.

A table of all variables of a Dataset has a row for each combination of all dims: of spikes with weights, terabytes.
Each part here has dims that belong together, and a table of few rows. In files of results the part "spikes" of the
group /spiking is the group /spiking_spikes, beside it: below it, it would inherit its coordinates. A file of one
Trace has /spikes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import xr

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

PARTS = {"neurofwp.trace": {"spikes": {"spike"}, "probes": {"probe", "time"}}}  # dims of the parts, by kind of Dataset
PART_OF = "part_of"  # attribute of a group that is a part: the path of the group that it belongs to


def take_apart(data: Dataset) -> dict[str, Dataset]:
    """The rest of a Dataset, under "", and each of its parts by name; the rest alone where it has none."""
    found = {}
    for name, dims in PARTS.get(data.attrs.get("kind", ""), {}).items():
        own = [each for each, variable in data.variables.items() if dims & set(variable.dims)]
        if own:
            part = data.drop_vars([each for each in data.variables if each not in own and _foreign(data, each, dims)])
            found[name] = part.drop_vars([each for each in part.data_vars if each not in own]).drop_attrs(deep=False)
            data = data.drop_vars(own)
    return {"": data, **found}


def _foreign(data: Dataset, name: object, dims: set[str]) -> bool:
    """Whether a coordinate says nothing of these dims, nor of conditions."""
    return not set(data[name].dims) <= dims | {"condition"} or not data[name].dims


def split(data: Dataset | DataTree) -> Dataset | DataTree:
    """With each part in a group of its own."""
    tree = data if isinstance(data, xr.DataTree) else xr.DataTree(data)
    groups = {}
    for group in tree.subtree:
        core, *parts = take_apart(group.to_dataset(inherit=False)).items()
        groups[group.path] = core[1]
        for name, part in parts:
            beside = f"/{name}" if group.path == "/" else f"{group.path}_{name}"
            groups[beside] = part.assign_attrs({PART_OF: group.path})
    if len(groups) == 1:
        return groups["/"]
    return xr.DataTree.from_dict(groups, name=tree.name)


def join(tree: DataTree) -> DataTree:
    """With each part back where it belongs."""
    groups = {group.path: group.to_dataset(inherit=False) for group in tree.subtree}
    parts = {path: group for path, group in groups.items() if PART_OF in group.attrs}
    if not parts:
        return tree
    for path, part in parts.items():
        whole = str(part.attrs[PART_OF])
        if whole in groups:
            rest = groups[whole]
            new = part.drop_vars([name for name in part.variables if name in rest.variables])
            groups[whole] = rest.assign(new.data_vars).assign_coords(new.coords)
            del groups[path]
    return xr.DataTree.from_dict(groups, name=tree.name)
