"""Rules of the last two years against numbers that a public implementation computed (see tests/data/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from neurofwp.rate import Result, run

DATA = Path(__file__).parents[1] / "data"
VECTORS = dict(np.load(DATA / "rule_vectors.npz")) | dict(np.load(DATA / "recent_rule_vectors.npz"))
EACH_MODE = pytest.mark.parametrize(
    ("mode", "chunk"), [("recurrent", None), *(("chunkwise", size) for size in (None, 1, 7, 64))]
)


def vectors(device: torch.device, **names: str) -> dict[str, Tensor]:
    return {name: torch.tensor(VECTORS[place], device=device) for name, place in names.items()}


def compare(made: Result, name: str) -> None:
    pairs = {"y": made.read, "W": made.weight.mT}
    for part, tensor in pairs.items():
        expected = VECTORS.get(f"{name}.{part}")
        if expected is not None:
            np.testing.assert_allclose(tensor.cpu(), expected, rtol=0, atol=1e-12 * abs(expected).max())


CASES = {
    "erase_write_delta": {"log_decay": "log_decay_key", "erase": "erase", "write": "write"},
    "rwkv7": {"log_decay": "log_decay_key", "removal": "removal", "learning_rate": "learning_rate"},
    "log_linear": {"log_decay": "log_decay", "level_share": "level_share"},
}


@EACH_MODE
@pytest.mark.parametrize("rule", CASES)
def test_reads_and_last_states_equal_those_of_the_reference(
    rule: str, mode: str, chunk: int | None, device: torch.device
) -> None:
    given = vectors(device, query="q", key="k", value="v", **CASES[rule])
    compare(run(rule, mode=mode, chunk=chunk, **given), rule)


@EACH_MODE
def test_comba_is_gated_delta_that_takes_a_share_of_the_prediction_off(
    mode: str, chunk: int | None, device: torch.device
) -> None:
    given = vectors(device, query="q", key="k", value="v", beta="beta", log_decay="log_decay")
    feedback = torch.tensor(VECTORS["feedback"], device=device)  # of each head
    compare(run("gated_delta", mode=mode, chunk=chunk, parameters={"prediction_gain": feedback}, **given), "comba")


@EACH_MODE
def test_momentum_with_two_rates_is_momentum_in_other_units(mode: str, chunk: int | None, device: torch.device) -> None:
    """M <- mu M + eta (v - S k) k'; S <- alpha S + gain M: the trace here is gain M."""
    given = vectors(device, query="q", key="k", value="v", beta="beta", log_decay="log_decay", momentum="momentum")
    gain = torch.tensor(VECTORS["gain"], device=device)
    before = torch.cat([gain[:, :1], gain[:, :-1]], dim=1)
    given |= {"beta": gain * given["beta"], "momentum": given["momentum"] * gain / before}
    compare(run("momentum", mode=mode, chunk=chunk, **given), "momentum")


def test_every_read_in_the_file_is_compared() -> None:
    made = {name.removesuffix(".y") for name in np.load(DATA / "recent_rule_vectors.npz") if name.endswith(".y")}
    assert made == {*CASES, "comba", "momentum"}
