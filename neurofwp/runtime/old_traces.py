"""Traces of formats 1 to 4, which held their spikes and probes: these become groups of their own.

Up to format 3 they were variables of a Trace; format 4 had them in groups beside it, which belonged to it. The spikes
of the group /spiking are the group /spiking_spikes, beside it: below it, they would inherit its coordinates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xarray import Dataset

TRACE = "neurofwp.trace"
OWN = {"spikes": {"spike"}, "probes": {"probe", "time"}}  # dims
KINDS = {"spikes": "neurofwp.spike_trains", "probes": "neurofwp.probes"}
PART_OF = "part_of"  # attribute of a group in format 4: the path of the group that it belonged to


def separate(groups: dict[str, Dataset]) -> dict[str, Dataset]:
    """Groups by path, with spikes and probes apart."""
    found = {}
    for path, group in groups.items():
        if PART_OF in group.attrs:
            name = path.rpartition("_")[2] if "_" in path else path.removeprefix("/")
            found[path] = _described(group.drop_attrs(deep=False), name, groups.get(str(group.attrs[PART_OF])))
        elif group.attrs.get("kind") == TRACE:
            core, parts = _take_apart(group)
            found[path] = core
            beside = "/" if path == "/" else f"{path}_"
            found |= {f"{beside}{name}": _described(part, name, core) for name, part in parts.items()}
        else:
            found[path] = group
    return found


def _take_apart(trace: Dataset) -> tuple[Dataset, dict[str, Dataset]]:
    parts = {}
    for name, dims in OWN.items():
        own = [each for each, variable in trace.variables.items() if dims & set(variable.dims)]
        if own:
            part = trace.drop_vars([each for each in trace.variables if each not in own and _foreign(trace, each)])
            parts[name] = part.drop_vars([each for each in part.data_vars if each not in own]).drop_attrs(deep=False)
            trace = trace.drop_vars(own)
    return trace, parts


def _foreign(trace: Dataset, name: object) -> bool:
    """Whether a variable says nothing of conditions."""
    return trace[name].dims != ("condition",)


def _described(part: Dataset, name: str, trace: Dataset | None) -> Dataset:
    """With what spike trains and probes say of themselves."""
    part = part.assign_attrs(kind=KINDS.get(name, name))
    if name == "spikes" and trace is not None:
        part.attrs["episodes"] = trace.sizes["episode"]
        if "condition" in trace.sizes:
            part = part.drop_vars([each for each in part.coords if "spike" not in part[each].dims])
            part.attrs["conditions"] = trace.sizes["condition"]
    return part
