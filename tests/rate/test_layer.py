"""The layer: all rules, streaming against parallel, plain loops, ranges, and what each setting makes possible."""

from __future__ import annotations

import copy
import io
import math
import pickle
import re

import pytest
import torch
from torch import Tensor

from neurofwp import rules
from neurofwp.errors import InputError
from neurofwp.rate import run
from neurofwp.rate.layer import FastWeightLayer, LayerState
from neurofwp.rules import Rule

from .sizes import SIZES

ALL = pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.id)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make(rule: str | Rule, d_model: int = 6, feature_map: str = "silu-l2", **settings) -> FastWeightLayer:
    sizes = SIZES.get(rules.get(rule).id)
    made = FastWeightLayer(rule, d_model, 4, 3, 2, feature_map, sizes=sizes, generator=seeded(), **settings)
    return made.double()


def inputs(time: int, batch: int = 2, d_model: int = 6, seed: int = 1) -> Tensor:
    return torch.randn(batch, time, d_model, dtype=torch.float64, generator=seeded(seed))


def streamed(layer: FastWeightLayer, x: Tensor, state: LayerState | None = None) -> Tensor:
    outputs = []
    for event in x.unbind(1):
        y, state = layer.step(event, state)
        outputs.append(y)
    return torch.stack(outputs, dim=1)


def gradients(layer: FastWeightLayer, x: Tensor, output: Tensor) -> dict[str, Tensor]:
    wanted = {"x": x} | dict(layer.named_parameters())
    target = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
    found = torch.autograd.grad(
        (output * target).sum(), list(wanted.values()), retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return dict(zip(wanted, found, strict=True))


@ALL
@pytest.mark.parametrize("time", [1, 37])
def test_streaming_and_parallel_agree_in_outputs_and_gradients(rule, time):
    layer = make(rule)
    x = inputs(time).requires_grad_()
    parallel, streaming = layer(x), streamed(layer, x)
    assert parallel.shape == x.shape
    torch.testing.assert_close(streaming, parallel, rtol=1e-10, atol=1e-12)
    expected = gradients(layer, x, parallel)
    for name, gradient in gradients(layer, x, streaming).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-9, atol=1e-11, msg=lambda m, n=name: f"{n}: {m}")


@ALL
def test_every_parameter_matters_and_every_output_depends_on_the_past_alone(rule):
    layer = make(rule)
    x = inputs(20).requires_grad_()
    y = layer(x)
    for name, gradient in gradients(layer, x, y).items():
        assert gradient.isfinite().all(), name
        assert gradient.any(), name
    (by_input,) = torch.autograd.grad(y[:, 9].sum(), x)
    assert by_input[:, 8:10].any(-1).all()
    assert not by_input[:, 10:].any()


@ALL
@pytest.mark.parametrize("scale", [1.0, 200.0])
def test_signals_are_what_the_checks_of_run_accept_at_any_input(rule, scale):
    layer = make(rule)
    x = scale * inputs(5)
    signals = layer._signals(x)
    initial = layer.begin(2)["weight"]
    result = run(rule, **signals, initial=initial, micro_steps=SIZES.get(rule.id, {}).get("micro"))
    expected = layer.out(result.read.flatten(2))
    torch.testing.assert_close(layer(x), expected)


@ALL
def test_a_prompt_read_in_parallel_can_be_streamed_on(rule):
    layer = make(rule)
    x = inputs(40)
    prompt, state = layer.advance(x[:, :33])
    torch.testing.assert_close(torch.cat([prompt, streamed(layer, x[:, 33:], state)], dim=1), layer(x))


@pytest.mark.parametrize("feature_map", ["elu+1", "softmax", "favor+-6"])
@pytest.mark.parametrize("normaliser", [None, "attention", "sum"])
def test_feature_maps_and_normalisers_stream_as_they_run(feature_map, normaliser):
    layer = make("gated_delta", feature_map=feature_map, normaliser=normaliser)
    x = inputs(21)
    torch.testing.assert_close(streamed(layer, x), layer(x), rtol=1e-9, atol=1e-12)


def projected(layer: FastWeightLayer, name: str, x: Tensor) -> Tensor:
    """One head's raw signal, by hand: the rows of its linear map."""
    made = layer.signals[name]
    return x @ made.weight.mT + (0 if made.bias is None else made.bias)


@pytest.mark.parametrize("beta_range", [1.0, 2.0])
def test_gated_delta_against_plain_loops(beta_range):
    layer = make("gated_delta", beta_range=beta_range)
    x = inputs(12)
    q, k, v, b, g = (projected(layer, name, x) for name in ("query", "key", "value", "beta", "log_decay"))
    expected = torch.zeros(2, 12, 6, dtype=torch.float64)
    for batch in range(2):
        weights = [torch.zeros(3, 4, dtype=torch.float64) for _ in range(2)]
        for t in range(12):
            reads = []
            for head in range(2):
                key, query = (torch.nn.functional.silu(s[batch, t, 4 * head : 4 * head + 4]) for s in (k, q))
                key, query = key / key.norm(), query / query.norm()
                value = v[batch, t, 3 * head : 3 * head + 3]
                beta = beta_range / (1 + (-b[batch, t, head]).exp())
                alpha = 1 / (1 + (-g[batch, t, head]).exp())
                weights[head] = alpha * weights[head]
                weights[head] = weights[head] + beta * torch.outer(value - weights[head] @ key, key)
                reads.append(weights[head] @ query)
            expected[batch, t] = layer.out.weight @ torch.cat(reads)
    torch.testing.assert_close(layer(x), expected, rtol=1e-10, atol=1e-12)


def test_self_referential_first_weights_are_learned_and_come_back_with_every_sequence():
    layer = make("self_referential", feature_map="identity")
    first = layer.constants["weight"]
    assert first.shape == (2, 3 + 2 * 4 + 4, 4)
    x = inputs(1)
    query = projected(layer, "query", x).reshape(2, 2, 4)
    rows = torch.einsum("hrd,bhd->bhr", first, query)
    torch.testing.assert_close(layer(x)[:, 0], rows[..., :3].flatten(1) @ layer.out.weight.mT)
    torch.testing.assert_close(layer(x), layer(x), rtol=0, atol=0)


def test_decays_start_slow_and_positive_constants_at_one():
    silent = torch.zeros(1, 1, 6, dtype=torch.float64)
    decay = make("key_decay")._signals(silent)["log_decay"].exp()
    torch.testing.assert_close(decay, torch.full_like(decay, 1 / (1 + math.exp(-4))))
    ridge = make("mesa")._signals(silent)["ridge"]
    torch.testing.assert_close(ridge, torch.ones_like(ridge))


def test_micro_steps_of_strengths_up_to_two_are_no_reason_to_refuse_a_layer() -> None:
    """What a layer is tried with has keys of norm one, as its feature map makes them."""
    layer = FastWeightLayer(
        "delta_product", 4, 8, 8, 2, "silu-l2", beta_range=2.0, sizes={"micro": 4},
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert layer(torch.ones(1, 64, 4)).isfinite().all()


def parity_layer(beta_range: float) -> FastWeightLayer:
    """One weight that sees "start", 0 and 1: key and query always 1; at the start value 1 and beta 1, then value 0."""
    layer = FastWeightLayer("delta", 3, 1, 1, 1, beta_range=beta_range).double()
    at_start = 0.0 if beta_range == 2 else 40.0
    rows = {"query": [1, 1, 1], "key": [1, 1, 1], "value": [1, 0, 0], "beta": [at_start, -40, 40]}
    with torch.no_grad():
        for name, row in rows.items():
            layer.signals[name].weight.copy_(torch.tensor([row], dtype=torch.float64))
        layer.out.weight.fill_(1.0)
    return layer


def test_write_strengths_up_to_two_hold_the_parity_of_a_thousand_bits_and_up_to_one_never_turn_a_sign():
    bits = torch.randint(0, 2, (4, 1000), generator=seeded(3))
    tokens = torch.cat([torch.zeros(4, 1, dtype=torch.int64), bits + 1], dim=1)
    x = torch.nn.functional.one_hot(tokens, 3).double()
    parity = 1 - 2 * (bits.cumsum(1) % 2)
    torch.testing.assert_close(parity_layer(2.0)(x)[:, 1:, 0], parity.double(), rtol=0, atol=1e-12)
    assert (parity_layer(1.0)(x) >= 0).all()


def test_write_strengths_stay_in_their_range():
    x = 100 * inputs(50)
    for beta_range in (0.3, 1.0, 2.0):
        beta = make("delta", beta_range=beta_range)._signals(x)["beta"]
        assert beta.min() >= 0
        assert beta.max() == beta_range


def test_bounds_hold_after_every_event():
    free, bound = (make("delta", bounds=bounds) for bounds in (None, (0.0, 0.1)))
    x = inputs(20)
    state = free.begin(2)
    assert any((state := free.step(event, state)[1])["weight"].min() < 0 for event in x.unbind(1))
    state = bound.begin(2)
    for event in x.unbind(1):
        _, state = bound.step(event, state)
        assert state["weight"].min() >= 0
        assert state["weight"].max() <= 0.1
    torch.testing.assert_close(streamed(bound, x), bound(x))


def test_modes_and_chunks_change_nothing_but_rounding():
    x = inputs(50)
    expected = make("gated_delta", mode="recurrent")(x)
    for settings in ({"mode": "chunkwise"}, {"mode": "chunkwise", "chunk": 7}, {"chunk": 5}, {}):
        torch.testing.assert_close(make("gated_delta", **settings)(x), expected, rtol=1e-10, atol=1e-12)


def test_parameters_of_the_rule_reach_it():
    x = inputs(20)
    slow, per_head, fast = (make("fixed_decay", parameters={"decay": decay}) for decay in (1.0, [1.0, 0.5], 0.5))
    torch.testing.assert_close(slow(x), make("hebbian")(x))
    heads = [layer.advance(x)[1]["weight"] for layer in (per_head, slow, fast)]
    torch.testing.assert_close(heads[0][:, 0], heads[1][:, 0])
    torch.testing.assert_close(heads[0][:, 1], heads[2][:, 1])


@pytest.mark.parametrize("rule", ["mesa", "self_referential", "recurrent_delta", "delta"])
def test_state_dict_round_trip_copy_and_pickle(rule):
    layer = make(rule, feature_map="favor+-5" if rule == "delta" else "identity")
    file = io.BytesIO()
    torch.save(layer.state_dict(), file)
    file.seek(0)
    other = FastWeightLayer(rule, 6, 4, 3, 2, layer.feature_map.id, generator=seeded(9)).double()
    x = inputs(20)
    assert not torch.allclose(other(x), layer(x))
    other.load_state_dict(torch.load(file, weights_only=True))
    for twin in (other, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        torch.testing.assert_close(twin(x), layer(x), rtol=0, atol=0)


def test_one_seed_makes_one_layer_and_torch_s_own_generator_is_left_alone():
    before = torch.random.get_rng_state()
    a, b = (FastWeightLayer("mesa", 6, 4, 3, 2, "favor+-5", generator=seeded(4)).state_dict() for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(a[name], b[name]) for name in a)
    c = FastWeightLayer("mesa", 6, 4, 3, 2, "favor+-5", generator=seeded(5)).state_dict()
    assert not any(torch.equal(a[name], c[name]) for name in ("random_projection", "out.weight", "signals.key.weight"))


@pytest.mark.parametrize("rule", ["delta", "mlstm", "btsp"])
def test_single_precision_is_close_to_double(rule):
    layer = make(rule)
    x = inputs(40)
    exact = layer(x)
    single = layer.float()(x.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), exact, rtol=1e-3, atol=1e-4)


def test_fast_weights_keep_their_precision_under_autocast():
    # decays of 1 - 2^-10 and nearer to 1, which bfloat16 would round to 1; signals that it holds exactly
    layer = make("fixed_decay", feature_map="identity", parameters={"decay": [1 - 2**-10, 1 - 2**-12]}).float()
    with torch.no_grad():
        for signal in layer.signals.values():
            signal.weight.copy_(signal.weight.sign())
        layer.signals["beta"].weight.zero_()
    x = inputs(300).sign().float()
    with torch.autocast("cpu", torch.bfloat16):
        y, state = layer.advance(x.bfloat16())
        later, _ = layer.step(x[:, 0], state)
    assert y.dtype == later.dtype == torch.bfloat16
    torch.testing.assert_close(state["weight"], layer.advance(x)[1]["weight"])
    with pytest.raises(InputError, match=re.escape("query must be float32 or float64, not torch.bfloat16")):
        layer.bfloat16()(x.bfloat16())


@pytest.mark.parametrize("rule", ["hebbian", "delta"])
def test_the_delta_rule_learns_to_reassign_and_the_sum_rule_cannot_beat_the_mean_of_all_values_of_a_key(rule):
    """The answer to a key is the value that it was given last; a flag marks the question."""
    keys, writes = 6, 11
    generator = seeded(0)
    layer = FastWeightLayer(rule, keys + 5, keys, 4, 1, "silu-l2", generator=generator)
    optimiser = torch.optim.Adam(layer.parameters(), lr=2e-2)
    losses = []
    for _ in range(200):
        key = torch.randint(0, keys, (32, writes + 1), generator=generator)
        value = torch.randn(32, writes + 1, 4, generator=generator)
        asks = torch.zeros(32, writes + 1, 1)
        asks[:, -1] = 1
        x = torch.cat([torch.nn.functional.one_hot(key, keys), value * (1 - asks), asks], dim=-1)
        same = key[:, :-1] == key[:, -1:]
        last = (same * torch.arange(1, writes + 1)).argmax(1)
        loss = (layer(x)[:, -1, :4] - value[torch.arange(32), last])[same.any(1)].square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    late = torch.tensor(losses[-50:])
    if rule == "delta":
        assert late.mean() < 0.05
        return
    # a sum does not know the order of its m terms: the best guess of the last is their mean, off by 1 - 1/m
    chances = [math.comb(writes, m) * (1 / keys) ** m * (1 - 1 / keys) ** (writes - m) for m in range(1, writes + 1)]
    least = sum(p * (1 - 1 / m) for m, p in enumerate(chances, 1)) / sum(chances)
    assert late.mean() > least - 4 * late.std() / 50**0.5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"rule": "dleta"}, "unknown rule 'dleta'; did you mean 'delta'?"),
        ({"feature_map": "rleu"}, "unknown feature map 'rleu'; did you mean 'relu'?"),
        ({"heads": 0}, "heads must be a whole number of 1 or more, not 0"),
        ({"d_key": 2.5}, "d_key must be a whole number of 1 or more, not 2.5"),
        ({"beta_range": 3.0}, "beta_range must be above 0 and at most 2, not 3"),
        ({"beta_range": 0.0}, "beta_range must be above 0 and at most 2, not 0"),
        ({"rule": "mlstm", "beta_range": 2.0}, "rule 'mlstm' has no bounded write strength, and so no beta_range"),
        ({"rule": "delta_product"}, "rule 'delta_product' needs sizes={'micro': ...}"),
        ({"rule": "three_factor", "sizes": {"slot": 0}}, "sizes['slot'] must be a whole number of 1 or more, not 0"),
        ({"sizes": {"slot": 3}}, "sizes of rule 'delta' cannot have 'slot': it has none"),
        (
            {"rule": "three_factor", "sizes": {"slots": 3}},
            "sizes of rule 'three_factor' cannot have 'slots': its are slot",
        ),
        ({"rule": "btsp", "feature_map": "elu+1"}, "keys of rule 'btsp' must be in [0, 1], where feature map 'elu+1'"),
        ({"rule": "outstar", "mode": "chunkwise"}, "rule 'outstar' has no chunkwise form"),
        ({"mode": "fast"}, "unknown mode 'fast'"),
        ({"normaliser": "sun"}, "unknown normaliser 'sun'; did you mean 'sum'?"),
        ({"bounds": (1.0, 0.0)}, "bounds must be (low, high) with low < high"),
        ({"chunk": 0}, "chunk must be a whole number of 1 or more, not 0"),
        ({"parameters": {"rat": 1.0}}, "unknown parameter of rule 'delta', 'rat'; did you mean 'rate'?"),
        ({"parameters": {"rate": [1.0, 1.0, 1.0]}}, "rate must be a number or one per head, (2,)"),
        ({"parameters": {"rate": math.nan}}, "rate must be finite"),
    ],
)
def test_what_does_not_fit_is_refused_when_the_layer_is_made(arguments, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        FastWeightLayer(**({"rule": "delta", "d_model": 6, "d_key": 4, "d_value": 3, "heads": 2} | arguments))


def test_inputs_that_do_not_fit_are_refused():
    layer = make("delta").float()
    with pytest.raises(InputError, match=re.escape("d_model = 6 and time >= 1, but its shape is (2, 5, 7)")):
        layer(torch.zeros(2, 5, 7))
    with pytest.raises(InputError, match=re.escape("its shape is (2, 0, 6)")):
        layer(torch.zeros(2, 0, 6))
    with pytest.raises(InputError, match=re.escape("its shape is (5, 6)")):
        layer(torch.zeros(5, 6))
    with pytest.raises(InputError, match=re.escape("a step takes x (batch, d_model), but its shape is (2, 1, 6)")):
        layer.step(torch.zeros(2, 1, 6))
    with pytest.raises(InputError, match=re.escape("dtype of the layer, torch.float32, not torch.float64")):
        layer(torch.zeros(2, 5, 6, dtype=torch.float64))
    with pytest.raises(
        InputError,
        match=re.escape(
            "weights of the state must be (batch, head, post, pre) = (2, 2, 3, 4), but their shape is (3, 2, 3, 4)"
        ),
    ):
        layer.step(torch.zeros(2, 6), layer.begin(3))


def test_a_layer_that_was_first_asked_in_inference_mode_can_be_trained():
    layer, fresh = make("gated_delta"), make("gated_delta")
    x = inputs(20)
    with torch.inference_mode():
        asked = layer(x)
        streamed(layer, x)
    torch.testing.assert_close(asked.clone(), fresh(x))
    made, expected = (gradients(each, x.requires_grad_(), each(x)) for each in (layer, fresh))
    torch.testing.assert_close(made, expected)
