"""Attention without its softmax is a Hebbian fast weight memory: the same reads to rounding, at a linear cost.

Causal attention gives the read at token t as the sum over s <= t of softmax(q_t.k_s) v_s. Without the softmax that is
W_t q_t with W_t = W_{t-1} + v_t k_t' (Schlag, Irie & Schmidhuber 2021); with positive features, and divided by the sum
of the scores, it is the linear Transformer (Katharopoulos et al. 2020). Written out, all of them need a matrix of
tokens by tokens; the fast weights need one of values by keys. Time and memory are measured against length, for softmax
attention written out and in torch's fused form, and for the Hebbian rule event by event and in chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, torch, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from neurofwp.rate.attention import Weighting
    from neurofwp.rate.normalisers import Normaliser

    Attention = Callable[[Tensor, Tensor, Tensor], Tensor]
    """query, key (batch, time, head, d_k), value (batch, time, head, d_v) -> reads (batch, time, head, d_v)."""

# batch, time, heads, d_k, d_v: a single event, and lengths that are no multiple of a chunk
SHAPES = ((1, 1, 1, 1, 1), (2, 63, 2, 16, 8), (1, 100, 3, 32, 64), (2, 257, 4, 64, 64))
PRECISIONS = ("float64", "float32")
EXAMPLE = 24  # tokens of the matrices that are drawn
LINEAR = ("hebbian, recurrent", "hebbian, chunkwise")
QUADRATIC = ("softmax, written out", "softmax, fused")


@dataclass(frozen=True)
class Settings:
    """What to run."""

    lengths: tuple[int, ...] = (128, 256, 512, 1024, 1536, 2048, 3072, 4096)
    """Lengths at which time and memory are measured, in events."""
    slope_from: int = 1024
    """Slopes are fitted to this length and all longer ones."""
    width: int = 64
    """Size of keys and values where cost is measured."""
    repeats: int = 5
    """How often each cost is timed."""


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Compare the reads, and measure the costs.

    Raises
    ------
    InputError
        for a length, width or number of repeats below one, or where fewer than two lengths remain for a slope.
    """
    lengths = sorted(set(settings.lengths))
    if min(lengths, default=0) < 1:
        raise InputError(f"lengths must be at least 1, but are {settings.lengths}")
    if settings.width < 1:
        raise InputError(f"width must be at least 1, but is {settings.width}")
    if sum(length >= settings.slope_from for length in lengths) < 2:
        raise InputError(
            f"a slope needs two lengths from slope_from = {settings.slope_from} on, but there are {lengths}"
        )
    on = nf.rate.choose_device(device)
    return xr.DataTree.from_dict(
        {
            "/reads": compare_reads(seed, on),
            "/matrices": example_matrices(seed, on),
            "/cost": measure_costs(lengths, settings, seed, on),
        }
    )


def apply(weights: Tensor, value: Tensor) -> Tensor:
    """Weights (batch, head, t, s) times values (batch, time, head, d_v) -> reads (batch, time, head, d_v)."""
    return torch.einsum("bhts,bshd->bthd", weights, value)


@dataclass(frozen=True)
class Form:
    """A kind of attention: features of queries and keys, what is done to the scores, other ways to the same reads."""

    features: Callable[[Tensor], Tensor]
    weighting: Weighting
    others: Mapping[str, Attention]


def forms() -> dict[str, Form]:
    """Softmax attention, the Hebbian rule and the linear Transformer."""
    identity, positive = (nf.rate.feature_maps.get(name).function for name in ("identity", "elu+1"))
    linear = (recurrent, chunkwise)
    return {
        "softmax": Form(identity, nf.rate.by_softmax, {"fused": nf.rate.fused_softmax_attention}),
        "hebbian": Form(identity, nf.rate.by_score, {form.__name__: form for form in linear}),
        "normalised": Form(
            positive, nf.rate.by_sum, {form.__name__: partial(form, normaliser="attention") for form in linear}
        ),
    }


def recurrent(query: Tensor, key: Tensor, value: Tensor, normaliser: Normaliser | None = None) -> Tensor:
    """The Hebbian rule, one event after the other."""
    return nf.rate.run("hebbian", query=query, key=key, value=value, mode="recurrent", normaliser=normaliser).read


def chunkwise(query: Tensor, key: Tensor, value: Tensor, normaliser: Normaliser | None = None) -> Tensor:
    """The Hebbian rule, a chunk of events at a time."""
    return nf.rate.run("hebbian", query=query, key=key, value=value, mode="chunkwise", normaliser=normaliser).read


def draw(shape: tuple[int, int, int, int, int], seed: int, device: torch.device, dtype: torch.dtype) -> list[Tensor]:
    """Normal queries and keys of variance 1/sqrt(d_k), so that scores have variance one, and normal values.

    shape : batch, time, heads, d_k, d_v.
    """
    random = torch.Generator().manual_seed(seed)
    *each, d_k, d_v = shape
    sizes = ((d_k, d_k**-0.25), (d_k, d_k**-0.25), (d_v, 1.0))
    drawn = [scale * torch.randn(*each, size, generator=random, dtype=torch.float64) for size, scale in sizes]
    return [tensor.to(device, dtype) for tensor in drawn]


def compare_reads(seed: int, device: torch.device) -> xr.Dataset:
    """Every form written out against the others, token by token.

    Returns
    -------
    Dataset with ``difference`` (comparison, precision, shape, token), the largest over batch, head and channel, and
    ``rounding``, the unit roundoff times the sum of the magnitudes of all terms, largest over the same; NaN
    beyond the length of a shape.
    """
    kinds = forms()
    names = [f"{name}: {other}" for name, form in kinds.items() for other in form.others]
    longest = max(shape[1] for shape in SHAPES)
    sizes = (len(names), len(PRECISIONS), len(SHAPES), longest)
    difference, rounding = np.full(sizes, np.nan), np.full(sizes, np.nan)
    for (p, precision), (s, shape) in product(enumerate(PRECISIONS), enumerate(SHAPES)):
        dtype = getattr(torch, precision)
        query, key, value = draw(shape, seed, device, dtype)
        row = 0
        for form in kinds.values():
            asked, stored = form.features(query), form.features(key)
            weights = nf.rate.attention_matrix(asked, stored, form.weighting)
            expected = apply(weights, value)
            terms = torch.finfo(dtype).eps * apply(weights.abs(), value.abs())
            for other in form.others.values():
                apart = (other(asked, stored, value) - expected).abs()
                difference[row, p, s, : shape[1]] = apart.amax((0, 2, 3)).cpu()
                rounding[row, p, s, : shape[1]] = terms.amax((0, 2, 3)).cpu()
                row += 1
    dims = ("comparison", "precision", "shape", "token")
    return xr.Dataset(
        {"difference": (dims, difference, {"units": "1"}), "rounding": (dims, rounding, {"units": "1"})},
        coords={
            "comparison": names,
            "precision": list(PRECISIONS),
            "shape": ["×".join(map(str, shape)) for shape in SHAPES],
            "token": ("token", np.arange(longest), {"units": "1"}),
        },
    )


def example_matrices(seed: int, device: torch.device) -> xr.Dataset:
    """Attention matrices of one short sequence, written out, and read from fast weights.

    A memory that is taught one-hot values, token s the s-th, answers with the row of the attention matrix.

    Returns
    -------
    Dataset with ``weight`` (matrix, token, written).
    """
    query, key, _ = draw((1, EXAMPLE, 1, 16, 1), seed, device, torch.float64)
    one_hot = torch.eye(EXAMPLE, dtype=torch.float64, device=device)[None, :, None]
    matrices = {}
    for name, form in forms().items():
        asked, stored = form.features(query), form.features(key)
        matrices[f"{name}: written out"] = nf.rate.attention_matrix(asked, stored, form.weighting)[0, 0]
        if "recurrent" in form.others:
            matrices[f"{name}: fast weights"] = form.others["recurrent"](asked, stored, one_hot)[0, :, 0]
    weight = torch.stack(list(matrices.values())).cpu().numpy()
    return xr.Dataset(
        {"weight": (("matrix", "token", "written"), weight, {"units": "1"})}, coords={"matrix": list(matrices)}
    )


def measure_costs(lengths: list[int], settings: Settings, seed: int, device: torch.device) -> xr.Dataset:
    """Time and memory of one sequence in one head, float32, and their slopes in log-log over the long lengths.

    Returns
    -------
    Dataset as of `neurofwp.runtime.cost.with_slopes`.
    """
    from neurofwp.runtime.cost import against_length, with_slopes

    def calls(length: int) -> dict[str, dict[str, Callable[[], object]]]:
        signals = draw((1, length, 1, settings.width, settings.width), seed, device, torch.float32)
        leaves = [signal.requires_grad_() for signal in signals]
        upstream = torch.ones_like(leaves[2])
        return {
            "forward": {name: partial(_forward, read, leaves) for name, read in forms_to_time().items()},
            "forward and backward": {
                name: partial(_both, read, leaves, upstream) for name, read in forms_to_time().items()
            },
        }

    return with_slopes(against_length(calls, dict.fromkeys(lengths, settings.repeats), device), settings.slope_from)


def _forward(read: Attention, leaves: list[Tensor]) -> Tensor:
    with torch.no_grad():
        return read(*leaves)


def _both(read: Attention, leaves: list[Tensor], upstream: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(read(*leaves), leaves, upstream)


def forms_to_time() -> dict[str, Attention]:
    """The forms whose costs are compared."""
    return {
        "softmax, written out": nf.rate.softmax_attention,
        "softmax, fused": nf.rate.fused_softmax_attention,
        "hebbian, recurrent": recurrent,
        "hebbian, chunkwise": chunkwise,
    }


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Largest differences between reads, exponents of cost, and lengths from which a linear form costs less.

    ``reads`` (comparison, precision); ``slope`` (work, form), of seconds and bytes against length, in log-log;
    ``ahead_from`` (work, linear, quadratic), NaN where the quadratic form is ahead at the longest length.
    """
    reads, cost = (result[name].to_dataset() for name in ("reads", "cost"))
    largest = xr.Dataset(
        {
            "difference": reads["difference"].max(("shape", "token")),
            "in_roundings": (reads["difference"] / reads["rounding"]).max(("shape", "token")),
        }
    )
    largest = largest.assign_coords(comparison=[name.replace(": ", ".") for name in reads["comparison"].values])
    work = [_tag(name) for name in cost["work"].values]
    slope = cost[["seconds_slope", "bytes_slope"]].rename(seconds_slope="seconds", bytes_slope="bytes")
    slope = slope.assign_coords(work=work, form=[_tag(name) for name in cost["form"].values])
    ahead = xr.Dataset({"seconds": _ahead_from(cost["seconds"].median("repeat")), "bytes": _ahead_from(cost["bytes"])})
    return {"reads": largest, "slope": slope, "ahead_from": ahead.assign_coords(work=work)}


def _ahead_from(cost: xr.DataArray) -> xr.DataArray:
    """The shortest length from which on a linear form costs less than a quadratic one (work, linear, quadratic)."""
    from neurofwp.runtime.cost import ahead_from

    linear, quadratic = (
        cost.sel(form=list(forms)).rename(form=dim).assign_coords({dim: list(map(_tag, forms))})
        for dim, forms in (("linear", LINEAR), ("quadratic", QUADRATIC))
    )
    lengths = cost["length"].values.tolist()
    first: xr.DataArray = xr.apply_ufunc(
        lambda ratios: ahead_from(lengths, ratios.tolist()) or nan,
        (quadratic / linear).transpose("work", "linear", "quadratic", "length"),
        input_core_dims=[["length"]],
        vectorize=True,
        output_dtypes=[float],
    )
    return first.assign_attrs(units="events")


def _tag(form: str) -> str:
    return form.replace(", ", "_").replace(" ", "_")


def plot(result: xr.DataTree) -> Mapping[str, Figure]:
    """The matrices, the differences, and what it costs."""
    cost = result["cost"].to_dataset()
    return nf.plots.LazyFigures(
        {
            "matrices": lambda: nf.plots.attention_matrices(result["matrices"].to_dataset()),
            "differences": lambda: nf.plots.read_differences(result["reads"].to_dataset()),
            "time": lambda: nf.plots.cost_against_length(cost, "seconds"),
            "memory": lambda: nf.plots.cost_against_length(cost, "bytes"),
        }
    )


EXPERIMENT = Experiment(Settings, run, tables, plot)
