"""The rate network as a user meets it."""

import json

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings, strategies as st

from neurofwp import program, trace
from neurofwp.errors import InputError
from neurofwp.rate import RateNetwork, choose_device
from neurofwp.rules import RULES, Rule


def one_shot(rng: np.random.Generator, pairs: int, pre: int, post: int, episodes: int = 2) -> xr.Dataset:
    """Each pair written once, then every key read, in dense overlapping keys."""
    keys = rng.random((episodes, pairs, pre))
    values = rng.uniform(-1, 1, (episodes, pairs, post))
    silent = np.zeros_like(keys)
    return program.from_arrays(
        np.concatenate([keys, silent], axis=1),
        np.concatenate([values, np.zeros_like(values)], axis=1),
        query=np.concatenate([silent, keys], axis=1),
        write_gate=np.repeat([1.0, 0.0], pairs),
        target=np.concatenate([np.full_like(values, np.nan), values], axis=1),
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), pre=st.integers(1, 8), post=st.integers(1, 5), on_off=st.booleans())
def test_delta_recalls_the_last_pair_exactly(seed: int, pre: int, post: int, on_off: bool) -> None:
    given_ = one_shot(np.random.default_rng(seed), 4, pre, post)
    recall = RateNetwork("delta", on_off=on_off).run(given_)["recall"]
    np.testing.assert_allclose(recall[:, -1], given_["target"][:, -1], rtol=0, atol=1e-12)


def test_delta_recalls_every_pair_exactly_where_keys_are_orthogonal() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, (1, 6, 3))
    keys = np.eye(6)[None] * rng.uniform(0.5, 2, 6)
    given_ = program.from_arrays(
        np.tile(keys, (1, 2, 1)),
        np.tile(values, (1, 2, 1)),
        query=np.tile(keys, (1, 2, 1)),
        write_gate=np.repeat([1.0, 0], 6),
    )
    recall = RateNetwork("delta").run(given_)["recall"]
    np.testing.assert_allclose(recall[:, 6:], values, rtol=0, atol=1e-14)
    np.testing.assert_allclose(recall[:, :6], values, rtol=0, atol=1e-14)


def test_hebbian_reads_are_linear_attention_without_softmax() -> None:
    given_ = one_shot(np.random.default_rng(1), 5, 6, 3)
    recall = RateNetwork("hebbian", unit_keys=False).run(given_)["recall"]
    k, v, q = (given_[name].values for name in ("key", "value", "query"))
    attention = np.einsum("eti,esi->ets", q, k) * np.tril(np.ones((10, 10)))
    np.testing.assert_allclose(recall[:, 5:], (attention @ v)[:, 5:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.runs_programs], ids=lambda rule: rule.id)
def test_each_episode_alone_gives_the_same_trace(rule: object) -> None:
    given_ = one_shot(np.random.default_rng(2), 3, 5, 4, episodes=3)
    together = RateNetwork(rule, on_off=True, bounds=(0, np.inf)).run(given_)
    for episode in range(3):
        alone = RateNetwork(rule, on_off=True, bounds=(0, np.inf)).run(given_.isel(episode=[episode]))
        xr.testing.assert_allclose(alone.drop_attrs(), together.isel(episode=[episode]).drop_attrs(), rtol=1e-12)


def test_the_trace_says_what_made_it_and_keeps_coordinates(tmp_path: object) -> None:
    given_ = one_shot(np.random.default_rng(3), 3, 5, 4).assign_coords(pair=("event", [0, 1, 2, 0, 1, 2]))
    made = RateNetwork("delta", parameters={"rate": 0.5}, on_off=True).run(given_, seed=7)
    assert json.loads(made.attrs["config"])["parameters"]["rate"] == 0.5
    assert (made.attrs["network"], made.attrs["seed"], made["weight"].attrs["units"]) == ("rate", "7", "1")
    assert list(made["pair"]) == [0, 1, 2, 0, 1, 2]
    assert list(made["polarity"].values) == ["on", "off"]
    assert len(made.to_dataframe()) == made["conductance"].size
    assert np.isnan(made["recall"][:, :3]).all()
    assert np.isfinite(made["recall"][:, 3:]).all()
    xr.testing.assert_identical(trace.load(trace.save(made, f"{tmp_path}/trace.nc")), made)


def test_float32_and_float64_agree(device: torch.device) -> None:
    given_ = one_shot(np.random.default_rng(4), 3, 5, 4)
    single = RateNetwork("gated_delta", dtype=torch.float32, device=device.type).run(given_)
    assert single["weight"].dtype == np.float32
    np.testing.assert_allclose(single["weight"], RateNetwork("gated_delta").run(given_)["weight"], atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "hebian"}, "did you mean 'hebbian'"),
        (
            {"rule": "delta", "parameters": {"rates": 1}},
            "unknown parameter of rule 'delta', 'rates'; did you mean 'rate'",
        ),
        ({"rule": "delta", "parameters": {"rate": np.nan}}, "rate of rule 'delta' must be finite"),
        ({"rule": "delta", "bounds": (1.0, 0.0)}, r"bounds must be \(low, high\) with low < high, not \(1.0, 0.0\)"),
        ({"rule": "delta", "device": "gpu"}, "unknown device 'gpu'"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        RateNetwork(**arguments)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if not (rule.runs_programs or rule.driven_by_programs)], ids=lambda rule: rule.id
)
def test_a_rule_that_needs_more_than_a_program_has_is_refused(rule: Rule) -> None:
    with pytest.raises(InputError, match=rf"rule '{rule.id}' takes other signals than a Program has"):
        RateNetwork(rule)


def test_what_is_no_program_and_weights_that_overflow_are_refused() -> None:
    given_ = one_shot(np.random.default_rng(5), 3, 5, 4)
    with pytest.raises(InputError, match="not a Program"):
        RateNetwork("delta").run(given_.drop_attrs())
    with pytest.raises(InputError, match="weight of rule 'delta' is -inf after event 1 of episode 0"):
        RateNetwork("delta", parameters={"rate": 1e200}).run(given_)


def test_auto_finds_a_device_that_is_there() -> None:
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="torch sees no GPU"):
            choose_device("cuda")


def test_weights_that_are_no_longer_finite_are_named_with_rule_and_event(small_program: xr.Dataset) -> None:
    network = RateNetwork("hebbian", parameters={"rate": 1e308}, unit_keys=False)
    grown = small_program.assign(key=small_program["key"] * 0 + 1, value=small_program["value"] * 0 + 1)
    with pytest.raises(
        InputError, match=r"weight of rule 'hebbian' is inf after event 1 of episode 0 \(post 0, pre 0\)"
    ):
        network.run(grown.assign(write_gate=grown["write_gate"] * 0 + 1, retention=grown["retention"] * 0 + 1))


def test_a_program_that_was_turned_round_runs(small_program: xr.Dataset) -> None:
    """torch takes no array whose strides are below 0."""
    turned = small_program.isel(pre=slice(None, None, -1))
    weight = RateNetwork("hebbian").run(turned)["weight"]
    np.testing.assert_array_equal(
        weight.isel(pre=slice(None, None, -1)), RateNetwork("hebbian").run(small_program).weight
    )
