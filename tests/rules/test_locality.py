"""Does a synapse need just the signals that its rule declares?

At one synapse (i, j) all declared signals are held where they are, while everything else, the activity of all other
cells, their weights and traces, moves far away: W_ij must then do what it did before. One declared signal that moves
alone must make a difference. Signals such as the prediction (W k)_i are held by weights elsewhere that make up for what
the activity of other cells changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from neurofwp import rules
from neurofwp.rate import run
from neurofwp.rules import RULES, Rule

POST, PRE = 1, 2  # the synapse that is watched
SYNAPSE = "weight"
# low and flat thresholds: others hide what is behind them
FLAT = {"calcium_threshold": {"slope": 0.5}, "tagging": {"threshold": 0.0}}

LOCAL = pytest.mark.parametrize(
    "rule", [rule for rule in RULES if "everything" not in rule.signals], ids=lambda rule: rule.id
)


@dataclass
class Moment:
    """One event in the life of a synapse: the state before it and the signals of all cells, as a flat vector too."""

    rule: Rule
    state: dict[str, Tensor]
    signals: dict[str, Tensor]
    micro_steps: int | None

    def vector(self) -> Tensor:
        return torch.cat([tensor.flatten() for tensor in (self.state | self.signals).values()])

    def at(self, vector: Tensor) -> Moment:
        """The same with other numbers."""
        sizes = [tensor.numel() for tensor in (self.state | self.signals).values()]
        shaped = {
            name: part.reshape(tensor.shape)
            for part, (name, tensor) in zip(vector.split(sizes), (self.state | self.signals).items(), strict=True)
        }
        state, signals = ({name: shaped[name] for name in part} for part in (self.state, self.signals))
        return Moment(self.rule, state, signals, self.micro_steps)

    def weight(self) -> Tensor:
        """W_ij after the event."""
        return self.plain(self.run())[POST, PRE]

    def run(self) -> dict[str, Tensor]:
        return run(
            self.rule,
            initial=self.state,
            micro_steps=self.micro_steps,
            parameters=FLAT.get(self.rule.id),
            **self.signals,
        ).state

    def local(self) -> dict[str, Tensor]:
        """Every signal of SIGNALS that there is at the synapse, each a vector (micro-steps,)."""
        gathered: dict[str, list[Tensor]] = {SYNAPSE: [self.plain(self.state)[POST, PRE]]}
        cells = dict(zip(self.rule.weight_dims, (POST, PRE), strict=True))
        x = {}
        for argument in self.rule.arguments:
            tensor = self.signals[argument.name]
            x[argument.name] = tensor[0, :, 0] if argument.per_event else tensor  # (micro-steps or 1, ...)
            dims = [dim for dim in argument.dims if dim != "micro"]
            if set(dims) <= set(cells):
                here = x[argument.name][(slice(None), *(cells[dim] for dim in dims))]
                gathered.setdefault(argument.at_synapse(), []).append(here)
        weight = self.plain(self.state)
        post, pre = weight.shape
        # all sizes differ, so that a shape tells whose a trace is
        traces = {
            (pre,): ("key trace", (PRE,)),
            (post,): ("value trace", (POST,)),
            (post, pre): ("synapse trace", (POST, PRE)),
        }
        for name, trace in self.state.items():
            for shape, (signal, at) in traces.items():
                first, last = trace.shape[2 : trace.ndim - len(shape)], trace.shape[trace.ndim - len(shape) :]
                # several of a kind lie along a dim in front, as in a window or a chain
                if name != "weight" and last == shape and len(first) < 2 and not {*first} & {pre, post}:
                    gathered.setdefault(signal, []).append(trace[0, 0][(..., *at)])
        made = {signal: torch.cat([each.flatten() for each in parts]) for signal, parts in gathered.items()}
        if "key" in x and "value" in x:
            key, value = x["key"], x["value"]
            made |= {"key norm": key.norm(dim=-1), "value norm": value.norm()[None]}
            if self.rule.weight_dims == ("post", "pre"):
                if "log_decay" in x and self.rule.id != "rwkv7":
                    decay = x["log_decay"][0].exp()
                    weight = weight * (decay[:, None] if self.rule.dims("log_decay") == ("post",) else decay)
                made["back-projection"] = (value[0] @ weight[:, PRE])[None]
                gate = x.get("beta", torch.ones(len(key), dtype=key.dtype))
                made["prediction"] = predictions(weight, self.asked(x), value, gate)[:, POST]
        return made

    def asked(self, x: Mapping[str, Tensor]) -> Tensor:
        """The pattern whose recall a rule corrects, (micro-steps, pre): the key, but for a few rules."""
        match self.rule.id:
            case "erase_write_delta":
                return x["erase"] * x["key"]
            case "rwkv7":
                return x["removal"]
            case "delayed_hybrid":
                return self.state["keys"][0, :, -1]
        return x["key"]

    def plain(self, state: Mapping[str, Tensor]) -> Tensor:
        """Weights (post, pre), without the running scale that mLSTM factors out: a way to write them, no signal."""
        weight = state["weight"][0, 0]
        return weight * state["maximum"][0, 0].exp() if self.rule.id == "mlstm" else weight

    def holding(self, wanted: Mapping[str, Tensor]) -> Moment:
        """A moment near this one at which these local signals are as wanted."""

        def off(vector: Tensor) -> Tensor:
            local = self.at(vector).local()
            return torch.cat([local[name] - wanted[name] for name in wanted])

        # gates stay within their ranges: what can be made up for elsewhere is made up for by weights and activity
        free = ("key", "value")
        ease = [torch.ones_like(each) for each in self.state.values()]
        ease += [torch.full_like(each, 1.0 if name in free else 1e-3) for name, each in self.signals.items()]
        mobility = torch.cat([each.flatten() for each in ease])
        vector = self.vector()
        for _ in range(50):  # Newton steps, each the shortest
            error = off(vector)
            if error.abs().max() < 1e-14:
                break
            slopes = torch.autograd.functional.jacobian(off, vector) * mobility
            vector = vector - mobility * torch.linalg.lstsq(slopes, error[:, None], driver="gelsd").solution[:, 0]
        assert off(vector).abs().max() < 1e-13
        return self.at(vector)


def predictions(weight: Tensor, key: Tensor, value: Tensor, gate: Tensor) -> Tensor:
    """W k at each micro-step, (micro-steps, post)."""
    made = []
    for k, v, strength in zip(key, value, gate, strict=True):
        made.append(weight @ k)
        weight = weight + strength * torch.outer(v - made[-1], k)
    return torch.stack(made)


def moment(rule: Rule, stream: Callable[..., dict], seed: int) -> Moment:
    """After one event from random weights, so that there are traces, another one is about to happen."""
    length = 6 if any("window" in argument.dims for argument in rule.arguments) else 1  # a window that is full
    past, now = (
        stream(rule, seed=seed + day, batch=1, time=time, head=1, device="cpu") for day, time in ((0, length), (500, 1))
    )
    now.pop("initial", None)
    if "initial" not in past:
        generator = torch.Generator().manual_seed(seed)
        past["initial"] = torch.randn(run(rule, **past).weight.shape, generator=generator, dtype=torch.float64)
    state = run(rule, parameters=FLAT.get(rule.id), **past).state
    return Moment(rule, state, now, now.pop("micro_steps", None))


@pytest.fixture
def elsewhere(stream: Callable[..., dict]) -> Callable[[Rule, int], tuple[Moment, Moment]]:
    """A moment, and one at which everything has moved far away, within its range."""

    def both(rule: Rule, seed: int) -> tuple[Moment, Moment]:
        here, other = moment(rule, stream, seed), moment(rule, stream, seed + 1000)
        return here, here.at(here.vector() + 0.4 * (other.vector() - here.vector()))

    return both


def declared(here: Moment) -> dict[str, Tensor]:
    """The local signals that the rule declares, and the synapse's own weight, which it always has."""
    local = here.local()
    absent = set(here.rule.signals) - set(local)
    assert not absent, f"no argument and no trace of rule {here.rule.id!r} is its signal {', '.join(absent)}"
    return {name: local[name] for name in {*here.rule.signals, SYNAPSE}}


@LOCAL
@pytest.mark.parametrize("seed", range(3))
def test_nothing_but_the_declared_signals_reaches_a_synapse(rule: Rule, seed: int, elsewhere: Callable) -> None:
    here, far = elsewhere(rule, seed)
    held = far.holding(declared(here))
    assert (held.vector() - here.vector()).abs().max() > 0.1
    torch.testing.assert_close(held.weight(), here.weight(), rtol=1e-12, atol=1e-12)


@LOCAL
@pytest.mark.parametrize("seed", range(3))
def test_each_declared_signal_alone_makes_a_difference(rule: Rule, seed: int, elsewhere: Callable) -> None:
    here, far = elsewhere(rule, seed)
    signals = declared(here)
    for name in set(rule.signals) - {SYNAPSE}:
        factor = 1.1 if "norm" in name else 0.9  # a norm cannot be less than what one cell adds to it
        changed = far.holding(signals | {name: factor * signals[name]})
        assert (changed.weight() - here.weight()).abs() > 1e-9, name


@LOCAL
@pytest.mark.parametrize("seed", range(3))
def test_a_weight_decides_on_its_own_change_only_where_declared(rule: Rule, seed: int, elsewhere: Callable) -> None:
    # otherwise it only lasts, as far as gate and retention let it, and whatever else happens to it
    here, far = elsewhere(rule, seed)
    lasting = {name: signal for name, signal in declared(here).items() if "retention" in name or name == "gate"}
    left = []
    for context in (here, far.holding(lasting) if lasting else far):
        signals = declared(context)
        more = context.holding(signals | {SYNAPSE: signals[SYNAPSE] + 0.1})
        left.append((more.weight() - context.weight()) / 0.1)
    assert torch.isclose(*left, rtol=0, atol=1e-11).item() is (SYNAPSE not in rule.signals)


@pytest.mark.parametrize("rule", [rule for rule in RULES if "everything" in rule.signals], ids=lambda rule: rule.id)
@pytest.mark.parametrize("seed", range(3))
def test_a_rule_that_is_not_local_needs_more_than_all_local_signals(rule: Rule, seed: int, elsewhere: Callable) -> None:
    here, far = elsewhere(rule, seed)
    held = far.holding(here.local())
    assert (held.weight() - here.weight()).abs() > 1e-6


def like(rule: Rule, **changed: Any) -> Rule:
    """A rule that differs from another in these attributes."""
    changed_rule: Rule = type("Changed", (type(rule),), changed)()
    return changed_rule


MISSED = [(rule, signal) for rule in RULES for signal in rule.signals if signal not in ("everything", SYNAPSE)]


@pytest.mark.parametrize(
    ("rule", "signal"), [pytest.param(rule, signal, id=f"{rule.id}-{signal}") for rule, signal in MISSED]
)
def test_a_signal_that_a_rule_forgets_to_declare_is_found(rule: Rule, signal: str, elsewhere: Callable) -> None:
    forgetful = like(rule, signals=tuple(name for name in rule.signals if name != signal))
    here, far = elsewhere(forgetful, 0)
    held = far.holding(declared(here))
    assert (held.weight() - here.weight()).abs() > 1e-9


@pytest.mark.parametrize(
    ("rule", "signal"),
    [("hebbian", "prediction"), ("delta", "back-projection"), ("oja", "key norm"), ("bcm", "value norm")],
)
def test_a_signal_that_a_rule_declares_and_does_not_use_is_found(rule: str, signal: str, elsewhere: Callable) -> None:
    known = rules.get(rule)
    here, far = elsewhere(like(known, signals=(*known.signals, signal)), 0)
    signals = declared(here)
    changed = far.holding(signals | {signal: 1.1 * signals[signal]})
    torch.testing.assert_close(changed.weight(), here.weight(), rtol=1e-12, atol=1e-12)
