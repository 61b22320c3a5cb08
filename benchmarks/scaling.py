"""Cost against length: the rules against softmax attention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import torch
import xarray as xr
from tqdm import tqdm

from benchmarks.contenders import RULES, SUFFIX, Contender, Size, draw, ours, precision, softmax_attention
from neurofwp.runtime.cost import against_length, ahead_from

SOFTMAX = "softmax attention"


def measure(size: Size, repeats: Mapping[int, int], device: torch.device, seed: int) -> xr.Dataset:
    """Seconds and bytes of one sequence, at every length in `repeats`, which says how often each is timed.

    Sequences are computed in the batch of `size`; at lengths beyond its time the batch shrinks, so that the number of
    events stays. The schema is that of `neurofwp.runtime.cost.against_length`.
    """

    def batch(length: int) -> int:
        return max(1, size.batch * min(size.time, length) // length)

    def calls(length: int) -> dict[str, dict[str, Callable[[], object]]]:
        shape = replace(size, batch=batch(length), time=length)
        drawn = {rule: draw(rule, shape, seed, device, precision(device)) for rule in RULES}
        contenders: dict[str, Contender] = {SOFTMAX: softmax_attention(*drawn["hebbian"])}
        contenders |= {rule: ours(rule, *drawn[rule]) for rule in RULES}
        bar.update()
        return {work: {name: each.works[work] for name, each in contenders.items()} for work in SUFFIX}

    with tqdm(total=len(repeats), desc="against softmax attention") as bar:
        cost = against_length(calls, repeats, device)
    sequences = xr.DataArray([batch(length) for length in repeats], dims="length")
    with xr.set_options(keep_attrs=True):
        return cost / sequences


def numbers(cost: xr.Dataset) -> dict[str, Any]:
    """Medians, ratios to softmax attention at every length, and where each rule gets ahead of it."""
    lengths = [int(length) for length in cost["length"]]
    median = cost["seconds"].median("repeat")
    found: dict[str, Any] = {}
    for work, suffix in SUFFIX.items():
        for form in cost["form"].values:
            name = "softmax_attention" if form == SOFTMAX else str(form)
            at = {"work": work, "form": form}
            for length in lengths:
                found[f"length.{length}.seconds.{name}{suffix}"] = float(median.sel(**at, length=length))
                found[f"length.{length}.bytes.{name}{suffix}"] = float(cost["bytes"].sel(**at, length=length))
            if form != SOFTMAX:
                ratios = [float(ratio) for ratio in median.sel(work=work, form=SOFTMAX) / median.sel(**at)]
                found |= {f"ratio.{name}.softmax_{n}{suffix}": r for n, r in zip(lengths, ratios, strict=True)}
                found[f"crossover.{name}{suffix}"] = ahead_from(lengths, ratios)
    return found
