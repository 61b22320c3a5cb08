"""Every update rule: reads, states and gradients on random events, and the rate network on a small Program."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.same_science.areas.inputs import program, rate_network
from benchmarks.same_science.names import find
from benchmarks.same_science.renames import load

SIZES = {"batch": 2, "time": 20, "head": 2, "pre": 5, "post": 3, "slot": 4, "micro": 2}
MAPS = ("identity", "elu+1", "relu", "softmax", "silu-l2", "dpfp-2", "favor+-6")
NETWORKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "single": {"dtype": torch.float32},
    "pools": {"on_off": True, "nonnegative": True, "w_max": 0.8},
    "raw-keys": {"unit_keys": False, "value_offset": 0.1},
}


def cases() -> dict[str, Callable[[], Any]]:
    """All rules on a stream, those that a Program drives on one, and what else runs in torch."""
    made: dict[str, Callable[[], Any]] = {}
    for rule in find("rules.RULES"):
        made[f"run-{rule.id}"] = partial(stream, rule)
        made[f"layer-{rule.id}"] = partial(layer, rule)
        if rule.runs_programs:
            made[f"network-{rule.id}"] = partial(on_program, rule.id)
    return made | {"options": options, "stack": stack, "feature-maps": feature_maps, "hopfield": hopfield}


def signals(rule: Any, dtype: torch.dtype = torch.float64) -> dict[str, Any]:
    """All that `run` needs; what each argument is depends on its name and range alone, not on the order."""
    sizes = SIZES | {"program": 2 * SIZES["pre"] + SIZES["post"] + 1}
    made = {"query": _normal("query", (*_leading_sizes(1), sizes["pre"]))}
    for argument in rule.arguments:
        steps = sizes["micro"] if "micro" in argument.dims else 1
        leading = _leading_sizes(steps) if argument.per_event else (sizes["head"],)
        shape = (*leading, *(sizes.get(dim, 6) for dim in argument.dims if dim != "micro"))
        made[argument.name] = _within(argument, shape)
    if "program" in rule.weight_dims:
        shape = (SIZES["batch"], SIZES["head"], SIZES["post"] + 2 * SIZES["pre"] + 4, SIZES["pre"])
        made["initial"] = _normal("initial", shape)
    tensors: dict[str, Any] = {name: tensor.to(dtype) for name, tensor in made.items()}
    micro = any("micro" in argument.dims for argument in rule.arguments)
    return tensors | ({"micro_steps": SIZES["micro"]} if micro else {})


def stream(rule: Any) -> dict[str, Any]:
    """Reads, what is remembered, and gradients, event by event and, where there is such a form, in chunks."""
    # once `chunkwise` was None for a rule without such a form
    chunkwise = getattr(rule, "has_chunkwise", rule.chunkwise is not None)
    modes = ("recurrent", "chunkwise") if chunkwise else ("recurrent",)
    made = {mode: _run(rule, signals(rule), mode) for mode in modes}
    made["single"] = _run(rule, signals(rule, torch.float32), "recurrent")
    made["about"] = {"defaults": rule.defaults(), "signals": sorted(rule.signals), "fittable": rule.fittable}
    return made


def layer(rule: Any) -> dict[str, Any]:
    """A layer of fast weights: its output, and the gradients of all that it learns."""
    sizes = {"micro": 2} if any("micro" in each.dims for each in rule.arguments) else {}
    sizes |= {"slot": 4} if any("slot" in each.dims for each in rule.arguments) else {}
    strength = rule.argument("beta")
    bounded = {"beta_range": 0.5} if strength is not None and np.isfinite(strength.high) else {}
    made = find("rate.FastWeightLayer")(
        rule, 6, 4, 3, 2, "softmax", **bounded, sizes=sizes, generator=torch.Generator().manual_seed(3)
    )
    output = made(_normal("x", (2, 20, 6)).float())
    output.square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in made.named_parameters() if parameter.grad is not None}
    return {"output": output, "gradient": gradients}


def on_program(rule: str) -> dict[str, Any]:
    """Traces of the rate network."""
    return {name: rate_network(rule, **settings).run(program()) for name, settings in NETWORKS.items()}


def options() -> dict[str, Any]:
    """Normalisers, limits of weights, first weights and parameters of `run`."""
    run, hebbian = find("rate.run"), find("rules.get")("hebbian")
    positive = {name: each.abs() for name, each in signals(hebbian).items()}
    first = _normal("first", (2, 2, 3, 5))
    given: dict[str, dict[str, Any]] = {
        "attention": {"normaliser": "attention"},
        "sum": {"normaliser": "sum"},
        "bounds": {"bounds": (0.0, 0.5)},
        "initial": {"initial": first, "mode": "chunkwise", "chunk": 7},
        "parameters": {"parameters": {"rate": 0.3}},
        "auto": {"mode": "auto"},
    }
    made = {name: _of_result(run("hebbian", **positive, **each)) for name, each in given.items()}
    return made | {"softmax": find("rate.softmax_attention")(*(positive[each] for each in ("query", "key", "value")))}


def stack() -> dict[str, Any]:
    """A stack of layers on tokens, and its gradients."""
    generator = torch.Generator().manual_seed(4)
    one = find("rate.FastWeightLayer")("gated_delta", 8, 4, 4, 2, "silu-l2", generator=generator)
    block = find("rate.stack.Block")(one, 4, generator)
    output = block(_normal("x", (2, 20, 8)).float())
    output.square().mean().backward()
    return {"output": output, "gradient": {name: each.grad for name, each in block.named_parameters()}}


def feature_maps() -> dict[str, Any]:
    """Every feature map of the same vectors."""
    made = {}
    for name in MAPS:
        each = find("rate.feature_maps.get")(name)
        random = () if each.draw is None else (each.draw(4, torch.Generator().manual_seed(5)),)
        made[name] = each.function(_normal("x", (3, 4)), *random)
    return made


def hopfield() -> dict[str, Any]:
    """Patterns that are completed."""
    rng = np.random.default_rng(6)
    dense = torch.as_tensor(rng.choice([-1.0, 1.0], (2, 4, 30)))
    sparse = torch.as_tensor((rng.random((2, 4, 30)).argsort(-1) < 5).astype(float))
    query = sparse * torch.as_tensor(rng.random(sparse.shape) < 0.6)
    flipped = torch.where(torch.as_tensor(rng.random(dense.shape) < 0.2), -dense, dense)
    return {
        "dense": find("rate.hopfield.dense_recall")(dense, flipped),
        "sparse": find("rate.hopfield.sparse_recall")(sparse, query, 5),
    }


def _run(rule: Any, given: Mapping[str, Any], mode: str) -> dict[str, Any]:
    taken = {name: _learn(each) for name, each in given.items()}
    result = find("rate.run")(rule, mode=mode, **taken)
    target = _normal("read target", tuple(result.read.shape)).to(result.read)
    loss = (result.read * target).sum() + result.weight.square().sum()
    loss.backward()
    gradients = {n: e.grad for n, e in taken.items() if isinstance(e, torch.Tensor) and e.grad is not None}
    return {**_of_result(result), "gradient": gradients}


def _of_result(result: Any) -> dict[str, Any]:
    return {"read": result.read, "weight": result.weight, "state": result.state, "backend": result.backend}


def _learn(value: Any) -> Any:
    return value.clone().requires_grad_() if isinstance(value, torch.Tensor) else value


def _leading_sizes(steps: int) -> tuple[int, int, int]:
    return SIZES["batch"], steps * SIZES["time"], SIZES["head"]


def _within(argument: Any, shape: tuple[int, ...]) -> torch.Tensor:
    """Numbers in the range of an argument; keys and values have norm one."""
    low, high = float(argument.low), float(argument.high)
    if np.isfinite([low, high]).all():
        return low + (high - low) * _uniform(argument.name, shape)
    if np.isfinite(high):
        return high - 0.3 * _uniform(argument.name, shape)
    if np.isfinite(low):
        return low + 0.5 + _uniform(argument.name, shape)
    drawn = _normal(argument.name, shape)
    return drawn / drawn.norm(dim=-1, keepdim=True) if argument.dims in (("pre",), ("post",)) else drawn


def _normal(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.as_tensor(_rng(name).standard_normal(shape))


def _uniform(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.as_tensor(_rng(name).random(shape))


def _rng(name: str) -> np.random.Generator:
    """Random numbers that belong to a name, whatever it is called now."""
    return np.random.default_rng(zlib.crc32(load().of_setting(name)[-1].encode()))
