"""The rate benchmark: its contenders compute the same, and its ratios are what their names say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from benchmarks import agreement, bandwidth, flash_linear_attention, rate, scaling
from benchmarks.contenders import RULES, Contender, Size, draw, ours, reference, step_loop
from benchmarks.step_loops import STEP_LOOPS
from neurofwp.errors import InputError

CPU = torch.device("cpu")
SMALL = Size(batch=2, time=64, heads=2, d_k=8, d_v=4)

# The peer's names, argument order, layouts and scales over the benchmark's own loops.
STAND_IN = {
    "linear_attn": """
def naive_chunk_linear_attn(q, k, v, scale=None):
    return loops.hebbian(q * scale, k, v)
""",
    "simple_gla": """
def naive_chunk_simple_gla(q, k, v, g, scale=None):
    return loops.scalar_decay(q * scale, k, v, g), None
""",
    "delta_rule": """
def delta_rule_chunkwise(q, k, v, beta):
    q, k, v, beta = (each.transpose(1, 2) for each in (q * q.shape[-1] ** -0.5, k, v, beta))
    return loops.delta(q, k, v, beta).transpose(1, 2), None
""",
    "gated_delta_rule": """
def naive_chunk_gated_delta_rule(q, k, v, g, beta, scale=None):
    return loops.gated_delta(q * scale, k, v, beta, g), None
""",
}


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that looks like the peer, installed before any other."""
    for name, code in STAND_IN.items():
        folder = tmp_path / "fla" / "ops" / name
        folder.mkdir(parents=True)
        (folder / "naive.py").write_text("from benchmarks import step_loops as loops\n" + code)
    (tmp_path / "fla_core-9.9.dist-info").mkdir()
    (tmp_path / "fla_core-9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: fla-core\nVersion: 9.9\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    flash_linear_attention._module.cache_clear()
    yield tmp_path
    flash_linear_attention._module.cache_clear()


def by_events(rule: str, signals: dict[str, torch.Tensor]) -> np.ndarray:
    """The rule in NumPy, one number at a time where it matters: batch and head are loops."""
    drawn = {name: signal.detach().numpy() for name, signal in signals.items()}
    batch, time, heads, d_v = drawn["value"].shape
    reads = np.empty((batch, time, heads, d_v))
    for b in range(batch):
        for h in range(heads):
            weight = np.zeros((d_v, drawn["key"].shape[-1]))
            for t in range(time):
                key, value = drawn["key"][b, t, h], drawn["value"][b, t, h]
                if "log_decay" in drawn:
                    weight = np.exp(drawn["log_decay"][b, t, h]) * weight
                error = value - weight @ key if "delta" in rule else value
                gate = drawn["beta"][b, t, h] if "beta" in drawn else 1.0
                weight = weight + gate * np.outer(error, key)
                reads[b, t, h] = weight @ drawn["query"][b, t, h]
    return reads


@pytest.mark.parametrize("rule", RULES)
def test_the_step_loop_is_the_rule(rule: str) -> None:
    signals, _ = draw(rule, SMALL, 0, CPU, torch.float64)
    with torch.no_grad():
        reads = STEP_LOOPS[rule](**signals)
    np.testing.assert_allclose(reads.numpy(), by_events(rule, signals), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_the_library_agrees_with_the_step_loop(rule: str) -> None:
    drawn = draw(rule, SMALL, 0, CPU, torch.float32)
    assert agreement.check(rule, {"ours": ours(rule, *drawn), "step_loop": step_loop(rule, *drawn)}) < 1e-5


@pytest.mark.skipif(flash_linear_attention.version() is None, reason="needs fla-core")
@pytest.mark.parametrize("rule", RULES)
def test_the_peer_agrees_with_the_library(rule: str) -> None:
    drawn = draw(rule, SMALL, 0, CPU, torch.float32)
    assert agreement.check(rule, {"ours": ours(rule, *drawn), "reference": reference(rule, *drawn)}) < 1e-5


def test_a_contender_that_computes_something_else_stops_the_benchmark() -> None:
    signals, upstream = draw("hebbian", SMALL, 0, CPU, torch.float32)
    right = step_loop("hebbian", signals, upstream)
    wrong = Contender(lambda signals: 1.01 * right.read(signals), signals, upstream)
    with pytest.raises(RuntimeError, match=r"hebbian: wrong and right differ by 1\.0e-02 of their RMS"):
        agreement.check("hebbian", {"right": right, "wrong": wrong})


def test_the_least_bytes_are_those_of_all_signals_and_results() -> None:
    contender = step_loop("delta", *draw("delta", SMALL, 0, CPU, torch.float32))
    events = 2 * 64 * 2
    signals, reads = 4 * events * (8 + 8 + 4 + 1), 4 * events * 4
    assert bandwidth.least_bytes(contender, backward=False) == signals + reads
    # forward; then signals and upstream gradient in, and a gradient for every signal out
    assert bandwidth.least_bytes(contender, backward=True) == (signals + reads) + (signals + reads) + signals


def test_costs_at_long_lengths_are_those_of_one_sequence() -> None:
    measured = scaling.measure(Size(4, 16, 1, 4, 4), {8: 1, 16: 1, 64: 1}, CPU, 0)
    memory = measured["bytes"].sel(work="forward", form=scaling.SOFTMAX)
    # reads of one sequence are 16 bytes an event, however many sequences a batch has
    assert (memory / measured["length"] >= 16).all()
    assert float(memory.sel(length=64)) < 4 * 64 * 64 * 16


def test_the_crossover_is_where_the_medians_cross() -> None:
    forms = [scaling.SOFTMAX, *RULES]
    seconds = np.ones((2, 5, 3, 3))
    seconds[:, 0] = np.array([0.5, 2.0, 4.0])[:, None]  # softmax attention
    seconds[:, 1, :, 0] = 100  # one slow repeat of hebbian
    seconds[1, 3] = 5  # delta with its backward pass is behind everywhere
    cost = xr.Dataset(
        {
            "seconds": (("work", "form", "length", "repeat"), seconds),
            "bytes": (("work", "form", "length"), np.full((2, 5, 3), 8.0)),
        },
        coords={"work": ["forward", "forward and backward"], "form": forms, "length": [256, 512, 1024]},
    )
    numbers = scaling.numbers(cost)
    assert numbers["crossover.hebbian"] == numbers["crossover.hebbian.forward"] == 512
    assert numbers["crossover.delta.forward"] == 512
    assert numbers["crossover.delta"] is None
    assert numbers["ratio.hebbian.softmax_1024"] == pytest.approx(4)
    assert numbers["length.256.seconds.softmax_attention"] == pytest.approx(0.5)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> rate.Plan:
    plan = rate.Plan(SMALL, repeats=2, repeats_at={16: 2, 64: 1})
    monkeypatch.setattr(rate, "QUICK", plan)
    monkeypatch.setattr(bandwidth, "SIZE", 2**16)
    return plan


def test_what_a_run_leaves(
    tiny: rate.Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flash_linear_attention, "version", lambda: None)
    file = tmp_path / "new" / "rate.json"
    assert rate.main(["--quick", "--json", str(file), "--device", "cpu"]) == 0
    numbers = json.loads(file.read_text())
    for rule in RULES:
        low, high = numbers[f"spread.{rule}.step_loop"]
        assert 0 < low <= numbers[f"ratio.{rule}.step_loop"] <= high
        assert numbers[f"crossover.{rule}"] in (None, 16, 64)
        assert numbers[f"backend.{rule}"] == "chunkwise"
        assert f"ratio.{rule}.reference" not in numbers
        # the loop keeps a weight of every event for its backward pass
        assert numbers[f"bytes.{rule}.step_loop"] > 4 * 2 * 64 * 2 * 8 * 4
    assert numbers["machine"]["fla-core"] == "not installed: pip install fla-core"
    assert numbers["machine"]["torch"] == torch.__version__
    assert file.with_suffix(".png").stat().st_size > 10_000
    assert capsys.readouterr().out.splitlines()[-1] == str(file)


def test_the_compiled_form_is_compared_with_backward_alone(tiny: rate.Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", lambda function: function)
    monkeypatch.setattr(flash_linear_attention, "version", lambda: None)
    numbers = rate.against_peers(replace(tiny, compile="ours"), CPU, 0)
    assert "ratio.delta.compiled.step_loop" in numbers
    assert "ratio.delta.compiled.step_loop.forward" not in numbers


@pytest.mark.parametrize("rule", RULES)
def test_the_peer_gets_its_own_layout_order_and_scale(rule: str, stand_in: Path) -> None:
    drawn = draw(rule, SMALL, 0, CPU, torch.float32)
    peer = reference(rule, *drawn)
    assert agreement.check(rule, {"step_loop": step_loop(rule, *drawn), "reference": peer}) < 1e-6
    assert all(signal.is_contiguous() and signal.is_leaf for signal in peer.signals.values())


def test_a_version_of_the_peer_without_the_function_is_named(stand_in: Path) -> None:
    (stand_in / "fla" / "ops" / "simple_gla" / "naive.py").write_text("")
    with pytest.raises(
        InputError, match=r"fla-core 9\.9 has no naive_chunk_simple_gla in fla/ops/simple_gla/naive\.py"
    ):
        reference("scalar_decay", *draw("scalar_decay", SMALL, 0, CPU, torch.float32))


def test_without_the_peer_the_reference_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash_linear_attention, "version", lambda: None)
    with pytest.raises(InputError, match="fla-core is not installed: pip install fla-core"):
        reference("hebbian", *draw("hebbian", SMALL, 0, CPU, torch.float32))
