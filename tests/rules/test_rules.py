"""What holds for every rule, and the identities that tell rules apart."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from neurofwp import rules
from neurofwp.errors import InputError
from neurofwp.rules import RULES, Argument, Event, Independent, Rule, State, weight_of
from neurofwp.rules.signals import BETA

EACH = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
WITH_PARAMETERS = pytest.mark.parametrize("rule", [rule for rule in RULES if rule.parameters], ids=lambda rule: rule.id)


def distinct(rule: Rule) -> dict[str, Tensor]:
    """Parameters away from defaults and edges, all different."""
    shares = np.linspace(0.15, 0.4, len(rule.parameters))
    return {
        p.name: torch.tensor(p.low + share * (p.high - p.low), dtype=torch.float64)
        for p, share in zip(rule.parameters, shares, strict=True)
    }


def defaults(rule: Rule, **changed: float) -> dict[str, Tensor]:
    return {name: torch.tensor(number, dtype=torch.float64) for name, number in (rule.defaults() | changed).items()}


def event(generator: torch.Generator, *batch: int, rule: Rule | str = "hebbian", post: int = 3, pre: int = 5) -> Event:
    """Signals over their whole range; keys are not negative, as in most rules only such cells are active."""
    rule = rules.get(rule)
    sizes = {"pre": pre, "post": post, "slot": 4, "micro": 2, "program": 2 * pre + post + 1}

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    def signal(argument: Argument) -> Tensor:
        drawn = uniform(*batch, *(sizes.get(dim, 6) for dim in argument.dims))
        if math.isfinite(argument.low) and math.isfinite(argument.high) and argument.name != "beta":
            return argument.low + (argument.high - argument.low) * drawn
        signed = argument.low < 0 <= argument.high and argument.name not in ("key", "beta", "log_decay")
        return 2 * drawn - 1 if signed else drawn

    made = {argument.name: signal(argument) for argument in rule.arguments}
    retention = made.get("log_decay", uniform(*batch))
    made["log_decay"] = retention.log()
    own = {name: made[name] for name in made if name not in ("key", "value", "beta")}
    key, value, gate = made.get("key", uniform(*batch, pre)), made.get("value", uniform(*batch, post)), uniform(*batch)
    return Event(key, value, made.get("beta", gate), retention, 2 * uniform(*batch, pre) - 1, own)


def weights(
    generator: torch.Generator, *batch: int, rule: Rule | str = "hebbian", post: int = 3, pre: int = 5
) -> Tensor:
    sizes = {"pre": pre, "post": post, "slot": 4, "program": 2 * pre + post + 4}
    shape = [sizes[dim] for dim in rules.get(rule).weight_dims]
    return torch.randn(*batch, *shape, generator=generator, dtype=torch.float64)


def begin(rule: Rule, weight: Tensor, first: Event, p: Mapping[str, Tensor]) -> State:
    return rule.begin(weight, first, p)


def later(rule: Rule, generator: torch.Generator, *batch: int, post: int = 3, pre: int = 5) -> State:
    """A state with a past, so that none of what it remembers is zero."""
    past = event(generator, *batch, rule=rule, post=post, pre=pre)
    weight = weights(generator, *batch, rule=rule, post=post, pre=pre)
    return rule.step(begin(rule, weight, past, distinct(rule)), past, distinct(rule))


def tensors(state: State) -> tuple[Tensor, ...]:
    return (state,) if isinstance(state, Tensor) else tuple(state)


def rebuilt(like: State, parts: Iterable[Tensor]) -> State:
    return next(iter(parts)) if isinstance(like, Tensor) else type(like)(*parts)


def at(many: Event, index: tuple[int, ...]) -> Event:
    others = {name: signal[index] for name, signal in many.others.items()}
    assert many.query is not None
    return Event(many.key[index], many.value[index], many.gate[index], many.retention[index], many.query[index], others)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def close(made: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(made, expected, rtol=1e-12, atol=1e-12)


@EACH
@settings(max_examples=20, deadline=None)
@given(
    batch=st.lists(st.integers(1, 3), max_size=3),
    post=st.integers(1, 4),
    pre=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_a_batch_is_the_same_as_a_loop(rule: Rule, batch: list[int], post: int, pre: int, seed: int) -> None:
    generator = seeded(seed)
    many = event(generator, *batch, rule=rule, post=post, pre=pre)
    state = later(rule, generator, *batch, post=post, pre=pre)
    before = [part.clone() for part in tensors(state)]
    after = rule.step(state, many, distinct(rule))
    assert [part.shape for part in tensors(after)] == [part.shape for part in before]
    assert all(map(torch.equal, tensors(state), before)), "a step must not change its input"
    for index in np.ndindex(*batch):
        one = rebuilt(state, [part[index] for part in tensors(state)])
        alone = rule.step(one, at(many, index), distinct(rule))
        for made, expected in zip(tensors(after), tensors(alone), strict=True):
            close(made[index], expected)


@WITH_PARAMETERS
def test_parameters_may_have_a_batch_of_their_own(rule: Rule) -> None:
    generator = seeded(0)
    one, weight = event(generator, 2, rule=rule), weights(generator, 2, rule=rule)

    def both_steps(p: Mapping[str, Tensor], weight: Tensor) -> State:
        return rule.step(rule.step(begin(rule, weight, one, p), one, p), one, p)

    both = {name: torch.stack([number, 1.2 * number])[:, None] for name, number in distinct(rule).items()}
    after = both_steps(both, weight.expand(2, *weight.shape))
    for index in range(2):
        alone = both_steps({name: number[index, 0] for name, number in both.items()}, weight)
        for made, expected in zip(tensors(after), tensors(alone), strict=True):
            close(made.expand(2, *expected.shape)[index], expected)


@EACH
def test_gradients(rule: Rule) -> None:
    generator = seeded(1)
    one, state, names = event(generator, rule=rule), later(rule, generator), list(distinct(rule))
    parts, own = len(tensors(state)), list(one.others)

    def step(*inputs: Tensor) -> tuple[Tensor, ...]:
        before, rest = rebuilt(state, inputs[:parts]), inputs[parts:]
        key, value, gate, retention, query = rest[:5]
        others = dict(zip(own, rest[5:], strict=False))
        p = dict(zip(names, rest[5 + len(own) :], strict=True))
        return tensors(rule.step(before, Event(key, value, gate, retention, query, others), p))

    assert one.query is not None
    inputs = [one.key, one.value, one.gate, one.retention, one.query, *one.others.values(), *distinct(rule).values()]
    assert torch.autograd.gradcheck(step, [each.detach().requires_grad_() for each in [*tensors(state), *inputs]])


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if any(p.weight_power for p in rule.parameters)], ids=lambda rule: rule.id
)
def test_scaling_all_weights_scales_the_parameters_by_their_weight_power(rule: Rule) -> None:
    generator = seeded(2)
    one, weight, scale = event(generator, rule=rule), weights(generator, rule=rule), 3.7
    scaled = {p.name: distinct(rule)[p.name] * scale**p.weight_power for p in rule.parameters}
    small, large = begin(rule, weight, one, distinct(rule)), begin(rule, scale * weight, one, scaled)
    close(weight_of(rule.step(large, one, scaled)), scale * weight_of(rule.step(small, one, distinct(rule))))


# rules that leave a synapse as it is while its presynaptic cell is silent, and rules that only fade or rescale it
LEAVING = (
    "hebbian", "fixed_decay", "scalar_decay", "key_decay", "delta", "gated_delta", "key_gated_delta", "delta_product",
    "implicit_delta", "momentum", "soft_bound", "outstar", "calcium_threshold", "bcm", "btsp", "ode_hebb", "ode_delta",
    "nearest_pair",
)  # fmt: skip
FADING = ("interpolating", "mlstm", "oja", "gated_oja", "ode_oja")
DECAYS = ("decay", "decay_open", "decay_closed")


@pytest.mark.parametrize("name", LEAVING + FADING)
def test_a_synapse_that_was_silent_throughout_does_not_change(name: str) -> None:
    rule, generator = rules.get(name), seeded(3)
    one, weight = event(generator, rule=rule), weights(generator)
    active = torch.tensor([True, False, True, False, False])
    kept = torch.ones_like(one.retention)
    silent = replace(one, key=one.key * active, retention=kept, others=one.others | {"log_decay": kept.log()})
    p = {name: torch.ones(()).double() if name in DECAYS else number for name, number in distinct(rule).items()}
    if name in FADING:
        weight = weight * active
    after = weight_of(rule.step(begin(rule, weight, silent, p), silent, p))
    assert torch.equal(after[:, ~active], weight[:, ~active])
    assert not torch.isclose(after[:, active], weight[:, active], rtol=1e-9).any()


GATED = [rule for rule in RULES if rule.argument("beta") == BETA]


@pytest.mark.parametrize("rule", GATED, ids=lambda rule: rule.id)
def test_a_closed_gate_lets_nothing_of_key_and_value_into_the_weights(rule: Rule) -> None:
    generator = seeded(4)
    one, state, p = event(generator, rule=rule), later(rule, generator), distinct(rule)
    other = event(generator, rule=rule)
    closed = replace(one, gate=torch.zeros_like(one.gate))
    after = rule.step(state, closed, p)
    close(weight_of(rule.step(state, replace(closed, key=other.key, value=other.value), p)), weight_of(after))
    assert not torch.equal(weight_of(rule.step(state, one, p)), weight_of(after))


@pytest.mark.parametrize(
    "rule",
    [rule for rule in GATED if rule.id in (*LEAVING, *FADING, "mesa", "three_factor")],
    ids=lambda rule: rule.id,
)
def test_with_a_closed_gate_weights_only_decay(rule: Rule) -> None:
    generator = seeded(4)
    one, weight, p = event(generator, rule=rule), weights(generator, rule=rule), distinct(rule)
    closed = replace(one, gate=torch.zeros_like(one.gate))
    after = weight_of(rule.step(begin(rule, weight, closed, p), closed, p))
    kept = one.retention if rule.dims("log_decay") == ("pre",) else one.retention[..., None]
    kept = kept if rule.argument("log_decay") else torch.ones(())
    for name in ("decay", "decay_closed"):
        kept = kept * p.get(name, torch.ones(()))
    torch.testing.assert_close(after, kept * weight, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.independent is not Independent.NEITHER], ids=lambda rule: rule.id
)
def test_rows_or_columns_evolve_alone_as_the_rule_says(rule: Rule) -> None:
    generator = seeded(5)
    one, state = event(generator, rule=rule), later(rule, generator)
    dim = 0 if rule.independent is Independent.ROWS else 1
    kind = rule.weight_dims[dim]

    def cut(tensor: Tensor, dims: tuple[str, ...]) -> Tensor:
        return tensor.narrow(dims.index(kind) - len(dims), 1, 1) if kind in dims else tensor

    # all sizes differ, so that those of what a rule remembers tell its dims
    of_size = dict(zip(weight_of(state).shape, rule.weight_dims, strict=True))
    alone = rebuilt(state, [cut(part, tuple(of_size.get(size, "") for size in part.shape)) for part in tensors(state)])
    others = {name: cut(signal, rule.dims(name)) for name, signal in one.others.items()}
    retention = cut(one.retention, rule.dims("log_decay"))
    only = Event(cut(one.key, ("pre",)), cut(one.value, ("post",)), one.gate, retention, one.query, others)
    after = weight_of(rule.step(alone, only, distinct(rule)))
    close(after, weight_of(rule.step(state, one, distinct(rule))).narrow(dim, 1, 1))


def defaults_of(numbers: dict[str, float]) -> dict[str, Tensor]:
    return {name: torch.tensor(number, dtype=torch.float64) for name, number in numbers.items()}


def fitted_with(rule: Rule) -> set[str]:
    return {parameter.name for parameter in rule.fitted_with}


@pytest.mark.parametrize(
    ("outer", "inner"),  # those of fits alone: tests/identification/test_competing.py
    [
        (outer.id, inner)
        for outer in RULES
        for inner, at in outer.nests.items()
        if not fitted_with(outer) & set(at) and not rules.get(inner).fitted_with
    ],
    ids=lambda name: name,
)
def test_a_nesting_rule_is_the_nested_one_at_the_values_it_names(outer: str, inner: str) -> None:
    large, small, generator = rules.get(outer), rules.get(inner), seeded(6)
    one, weight = event(generator, rule=large), weights(generator, rule=large)
    kept = torch.ones_like(one.retention)
    one = replace(one, retention=kept, others=one.others | {"log_decay": kept.log()})
    inside = distinct(small)
    values = {k: inside[v] if isinstance(v, str) else torch.tensor(v) for k, v in large.nests[inner].items()}
    nested = distinct(large) | inside | values
    outside = {p.name: nested[p.name] for p in large.parameters}
    expected = weight_of(small.step(begin(small, weight, one, inside), one, inside))
    close(weight_of(large.step(begin(large, weight, one, outside), one, outside)), expected)


@pytest.mark.parametrize(
    ("outer", "inner", "small", "large"),
    [
        ("outstar", "hebbian", {"rate": "rate"}, "scale"),
        ("oja", "hebbian", {"rate": "rate"}, "scale"),
        ("soft_bound", "hebbian", {"g_plus": "rate", "g_minus": 0.0}, "w_max"),
        ("soft_bound", "outstar", {"g_plus": "product", "g_minus": "speed"}, "w_max"),
    ],
)
def test_a_rule_tends_to_those_that_it_approaches(outer: str, inner: str, small: dict, large: str) -> None:
    assert inner in rules.get(outer).approaches
    generator, k = seeded(13), 0.4
    one, weight = event(generator), weights(generator)
    one = Event(k * (one.key > 0.5), one.value, one.gate, one.retention)  # equal active keys
    known = {"rate": 0.7, "scale": 1.3}
    expected = rules.get(inner).step(weight, one, defaults_of({n: known[n] for n in rules.get(inner).defaults()}))
    off = []
    for far in (1e2, 1e4):
        values = {"rate": 0.7 / far, "product": 0.7 * 1.3 / far, "speed": 0.7 / k}
        p = {name: values[to] if isinstance(to, str) else to for name, to in small.items()} | {large: far}
        off.append(float((rules.get(outer).step(weight, one, defaults_of(p)) - expected).abs().max()))
    assert off[1] < 1e-3
    assert off[1] == pytest.approx(off[0] / 100, rel=0.01)


def test_nested_rules_come_first() -> None:
    ids = [rule.id for rule in RULES]
    assert len(set(ids)) == len(ids)
    for rule in RULES:
        assert all(ids.index(inner) < ids.index(rule.id) for inner in rule.nests)


@EACH
def test_defaults_lie_within_bounds(rule: Rule) -> None:
    assert all(p.low <= p.default <= p.high and p.low < p.high for p in rule.parameters)
    assert all(p.domain[0] <= p.low and p.high <= p.domain[1] for p in rule.parameters)


def test_delta_recalls_the_value_and_leaves_orthogonal_keys_alone() -> None:
    generator = seeded(7)
    basis, _ = torch.linalg.qr(torch.randn(5, 5, generator=generator, dtype=torch.float64))
    one, weight = event(generator), weights(generator)
    key, other = basis[:, 0], basis[:, 1]
    after = rules.get("delta").step(
        weight, Event(key, one.value, torch.tensor(1.0), torch.tensor(1.0)), defaults(rules.get("delta"))
    )
    torch.testing.assert_close(after @ key, one.value, rtol=0, atol=1e-14)
    torch.testing.assert_close(after @ other, weight @ other, rtol=0, atol=1e-14)


def test_delta_takes_a_gradient_step_on_its_objective() -> None:
    generator = seeded(8)
    one, weight = event(generator), weights(generator).requires_grad_()
    objective = (one.value - weight @ one.key).square().sum() / 2
    (gradient,) = torch.autograd.grad(objective, weight)
    after = rules.get("delta").step(weight, one, defaults(rules.get("delta")))
    torch.testing.assert_close(after, weight - one.gate * gradient, rtol=1e-12, atol=1e-12)


def test_a_prediction_below_threshold_is_no_prediction() -> None:
    generator = seeded(9)
    one, weight = event(generator), weights(generator)
    beyond = float((weight @ one.key).abs().max()) + 0.1
    after = rules.get("delta").step(weight, one, defaults(rules.get("delta"), prediction_threshold=beyond))
    hebbian = rules.get("hebbian").step(weight, one, defaults(rules.get("hebbian")))
    torch.testing.assert_close(after, hebbian, rtol=0, atol=1e-15)


def test_a_prediction_beyond_its_threshold_is_what_is_beyond() -> None:
    weight = torch.tensor([[0.7], [-0.7], [0.1]], dtype=torch.float64)
    one = Event(*(torch.tensor(each, dtype=torch.float64) for each in ([1.0], [0.0, 0.0, 0.0], 1.0, 1.0)))
    after = rules.get("delta").step(weight, one, defaults(rules.get("delta"), prediction_threshold=0.2))
    torch.testing.assert_close(weight - after, torch.tensor([[0.5], [-0.5], [0.0]], dtype=torch.float64))


def test_heads_of_fixed_decay_span_32_events_and_twice_as_many_each() -> None:
    """As those of RetNet (Sun et al. 2023): gamma = 1 - 2^(-5 - head)."""
    (by_head,) = (each.by_head for each in rules.get("fixed_decay").parameters if each.by_head)
    torch.testing.assert_close(1 / (1 - by_head(torch.arange(4.0))), torch.tensor([32.0, 64.0, 128.0, 256.0]))


def test_oja_stores_the_key_in_the_back_projection() -> None:
    generator = seeded(10)
    one, weight = event(generator), weights(generator)
    value = one.value / one.value.norm()
    oja = rules.get("oja")
    after = oja.step(weight, Event(one.key, value, torch.tensor(1.0), torch.tensor(1.0)), defaults(oja))
    torch.testing.assert_close(after.mT @ value, one.key, rtol=0, atol=1e-14)


@pytest.mark.parametrize("overlap", [False, True])
def test_delta_and_outstar_agree_on_one_hot_keys_and_part_as_keys_overlap(overlap: bool) -> None:
    generator = seeded(11)
    key = torch.tensor([0.6, 0.8, 0, 0, 0] if overlap else [0, 1.0, 0, 0, 0], dtype=torch.float64)
    one, weight = event(generator), weights(generator)
    write = Event(key, one.value, torch.tensor(0.7), torch.tensor(1.0))
    delta, outstar = (rules.get(name).step(weight, write, defaults(rules.get(name))) for name in ("delta", "outstar"))
    assert torch.allclose(delta, outstar, rtol=0, atol=1e-14) is not overlap


def test_outstar_takes_a_gradient_step_on_its_objective() -> None:
    generator = seeded(12)
    one, weight = event(generator), weights(generator).requires_grad_()
    objective = (one.key * (one.value[:, None] - weight) ** 2).sum() / 2
    (gradient,) = torch.autograd.grad(objective, weight)
    after = rules.get("outstar").step(weight, one, defaults(rules.get("outstar")))
    torch.testing.assert_close(after, weight - one.gate * gradient, rtol=1e-12, atol=1e-12)


def test_soft_bounded_weights_settle_where_potentiation_balances_depression() -> None:
    rule, k, v = rules.get("soft_bound"), 0.8, 0.6
    p = {"g_plus": 0.5, "g_minus": 0.3, "w_max": 2.0}
    write = Event(*(torch.tensor(x, dtype=torch.float64) for x in ([k], [v], 1.0, 1.0)))
    weight = torch.zeros(1, 1, dtype=torch.float64)
    for _ in range(300):
        weight = rule.step(weight, write, defaults_of(p))
    assert weight.item() == pytest.approx(
        p["g_plus"] * v * p["w_max"] / (p["g_plus"] * v + p["g_minus"] * k), rel=1e-12
    )


def test_calcium_below_both_thresholds_leaves_between_depresses_and_above_potentiates() -> None:
    rule = rules.get("calcium_threshold")
    p = defaults(rule, theta_d=0.5, theta_p=1.5, slope=0.01, drive_offset=0.0, rate_p=0.7, rate_d=0.4, w_max=1.0)
    weight = torch.full((3, 1), 0.3, dtype=torch.float64)
    one = torch.tensor(1.0)
    after = rule.step(weight, Event(torch.ones(1), torch.tensor([0.1, 1.0, 2.0], dtype=torch.float64), one, one), p)
    expected = [0.3, 0.3 - 0.4 * 0.3, 0.3 + 0.7 * 0.7 - 0.4 * 0.3]
    np.testing.assert_allclose(after[:, 0], expected, atol=1e-12)


def test_decay_rules_fade_by_the_product_of_their_shares() -> None:
    weight, silent = torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    signals = Event(silent, silent, torch.tensor(0.25), torch.tensor(0.5))
    rule = rules.get("scalar_decay")
    after = rule.step(weight, signals, defaults(rule, decay_open=0.6, decay_closed=0.8))
    assert after.item() == pytest.approx(0.5 * (0.75 * 0.8 + 0.25 * 0.6), rel=1e-15)
    assert math.isclose(rules.get("fixed_decay").defaults()["decay"], 31 / 32)


def test_an_unknown_rule_is_told_the_nearest_name() -> None:
    with pytest.raises(InputError, match="unknown rule 'gated_dleta'; did you mean 'gated_delta'"):
        rules.get("gated_dleta")
    own = rules.get("oja")
    assert rules.get(own) is own
