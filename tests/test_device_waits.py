"""No loop over events waits for the device: a GPU that must answer at every event stands still for most of the time.

A wait is an operation whose answer the program needs before it goes on, such as reading one number, or a copy to the
device of numbers that Python made. They are counted as torch dispatches them, on any device, and must be as many for
few events as for many; in `run`, at most two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
import xarray as xr
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from neurofwp import program
from neurofwp.identification.competing import candidates, free_parameters
from neurofwp.identification.fit_rule import Bounds, residuals
from neurofwp.identification.levenberg_marquardt import differences
from neurofwp.identification.preparation import prepare
from neurofwp.rate import RateNetwork, backends, kernels, normalisers, ranges, run, sequences, stream as rate_stream
from neurofwp.rules import RULES, Rule
from neurofwp.slownet.controller import ARCHITECTURES
from neurofwp.slownet.episode_tensors import Episodes
from neurofwp.slownet.programmer import Programmer, Shape
from neurofwp.slownet.training.meta_training import loss_of

FEW, MANY = 20, 52  # events: two chunks and four, of the shortest
FORMS = [(rule, "recurrent") for rule in RULES] + [(rule, "chunkwise") for rule in RULES if rule.has_chunkwise]
aten = torch.ops.aten
NUMBER_READ = {aten._local_scalar_dense.default, aten.is_nonzero.default, aten.equal.default, aten.item.default}
COPIED = {aten.lift_fresh.default}  # torch.tensor([...])
SHAPE_READ = {aten.nonzero.default, aten.masked_select.default, aten._unique2.default, aten.unique_dim.default}


class Lists(TorchFunctionMode):
    """Counts what becomes a list or an array: on a CPU nothing is dispatched then."""

    def __init__(self, found: Counter[str]) -> None:
        super().__init__()
        self.found = found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu}:
            self.found[str(func)] += 1
        return func(*args, **(kwargs or {}))


class Waits(TorchDispatchMode):
    """Counts, within its context, what would wait for a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        masks = func is aten.index.Tensor and any(each is not None and each.dtype == torch.bool for each in args[1])
        if masks or func in NUMBER_READ | SHAPE_READ | COPIED:
            self.found[str(func)] += 1
        return func(*args, **(kwargs or {}))


def waits(work: Callable[..., object], *args: Any, **kwargs: Any) -> Counter[str]:
    with Waits() as counted, Lists(counted.found):
        work(*args, **kwargs)
    return counted.found


def test_waits_are_counted() -> None:
    numbers = torch.arange(4.0)
    assert sum(waits(lambda: [float(each) for each in numbers]).values()) == 4
    assert sum(waits(lambda: numbers[numbers > 1]).values()) == 1
    assert sum(waits(lambda: bool(numbers.any())).values()) == 1
    assert sum(waits(lambda: numbers.tolist()).values()) == 1
    assert sum(waits(lambda: torch.tensor([1.0])).values()) == 1


@pytest.mark.parametrize(("rule", "mode"), FORMS, ids=lambda each: getattr(each, "id", each))
def test_no_rule_waits_at_every_event(rule: Rule, mode: Any, stream: Callable[..., dict]) -> None:
    few, many = (waits(run, rule, mode=mode, **stream(rule, time=time)) for time in (FEW, MANY))
    assert few == many


@pytest.mark.parametrize(("rule", "mode"), FORMS, ids=lambda each: getattr(each, "id", each))
def test_a_run_waits_twice(rule: Rule, mode: Any, stream: Callable[..., dict]) -> None:
    given = stream(rule, time=FEW)
    parameters = {p.name: torch.tensor(p.default, dtype=torch.float64) for p in rule.parameters}
    assert sum(waits(run, rule, mode=mode, parameters=parameters, **given).values()) <= 2
    numbers = {p.name: p.default for p in rule.parameters}
    state = run(rule, mode=mode, **given).state
    assert sum(waits(run, rule, mode=mode, parameters=numbers, **given | {"initial": state}).values()) <= 2


@pytest.mark.parametrize(("rule", "mode"), FORMS, ids=lambda each: getattr(each, "id", each))
def test_a_run_that_a_cuda_graph_captures_does_not_wait(
    rule: Rule, mode: Any, stream: Callable[..., dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = stream(rule, time=FEW)
    if rule.reads_linearly and "key" in given:
        given |= {name: 0.1 + given[name].abs() / 10 for name in ("query", "key")} | {"normaliser": "attention"}
    for module in (backends, kernels, normalisers, ranges, sequences, rate_stream):
        monkeypatch.setattr(module, "are_known", lambda tensor: False)  # as while capturing
    assert not waits(run, rule, mode=mode, parameters={p.name: p.default for p in rule.parameters}, **given)


@pytest.mark.parametrize("normaliser", ["attention", "sum"])
def test_a_normalised_run_of_packed_or_padded_sequences_waits_twice(
    normaliser: Any, stream: Callable[..., dict]
) -> None:
    given = stream("delta", time=FEW, batch=1)
    given |= {name: 0.1 + given[name].abs() / 10 for name in ("query", "key")}
    mask = torch.arange(FEW, device=given["query"].device)[None] > 3
    assert sum(waits(run, "delta", normaliser=normaliser, mask=mask, **given).values()) <= 2
    packed = waits(run, "delta", normaliser=normaliser, cu_seqlens=(0, 5, 6, FEW), **given)
    assert sum(packed.values()) <= 2


def test_no_program_waits_at_every_event() -> None:
    network = RateNetwork("delta", on_off=True, bounds=(0, torch.inf))
    assert waits(network.run, made(FEW)) == waits(network.run, made(MANY))


@pytest.mark.parametrize("rule", candidates(), ids=lambda rule: rule.id)
def test_no_fit_waits_at_every_event(rule: Rule) -> None:
    def fit(events: int) -> Counter[str]:
        task = made(events)
        records = prepare(task, RateNetwork("delta", on_off=True, bounds=(0, torch.inf)).run(task))
        bounds = Bounds(free_parameters(rule), records)
        start = bounds.shares([bounds.defaults, *bounds.random(2, torch.Generator().manual_seed(0))])
        function = residuals(rule, records, bounds)
        return waits(differences, function, start, 0.0, 1.0)

    assert fit(FEW) == fit(MANY)


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_training_step_waits_at_every_event(architecture: Any, nonnegative: bool) -> None:
    shape = Shape(cue=6, content=4, context=2, pre=12, active=3, architecture=architecture, nonnegative=nonnegative)
    model = Programmer(shape, generator=torch.Generator().manual_seed(0))

    def step(events: Episodes) -> None:
        answer, signals = model(events)
        loss_of(model, answer, signals.gate, events, 0.1).backward()

    assert waits(step, shown(FEW)) == waits(step, shown(MANY))


def made(events: int) -> xr.Dataset:
    """A Program of two episodes."""
    generator = torch.Generator().manual_seed(events)
    key = (torch.rand((2, events, 8), generator=generator) < 0.4).double()
    value = 2 * torch.rand((2, events, 3), generator=generator).double() - 1
    return program.from_arrays(key.numpy(), value.numpy(), query=key.numpy(), write_gate=1.0, retention=0.95)


def shown(events: int) -> Episodes:
    """Three episodes that first write, then read, and a last read that should return nothing."""
    generator = torch.Generator().manual_seed(events)
    cue, content, context = (torch.randn((3, events, size), generator=generator) for size in (6, 4, 2))
    asked = (torch.arange(events) >= events // 2).expand(3, -1)
    wanted = asked & (torch.arange(events) < events - 1)
    return Episodes(cue, content, context, ~asked, cue, asked, content, wanted)
