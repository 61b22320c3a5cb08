"""Training resumes exactly, stops when it should, and refuses what it cannot go on from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from neurofwp.errors import InputError
from neurofwp.runtime import source, store
from neurofwp.slownet.training import checkpoint
from neurofwp.slownet.training.loop import FILE, Outcome, Training, train


def regression(step: int) -> tuple[Tensor, Tensor]:
    """y = 2 x_0 - x_1 + 0.5."""
    generator = torch.Generator().manual_seed(1000 + step)
    x = torch.randn(16, 2, generator=generator, dtype=torch.float64)
    return x, 2 * x[:, :1] - x[:, 1:] + 0.5


def squared(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def held_out(model: nn.Module) -> dict[str, float]:
    return {"loss": squared(model, regression(-1)).item()}


def net(seed: int = 0, hidden: int = 4) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1)).double()


def fit(model: nn.Module, folder: Path | None = None, batch: Callable = regression, **changed: object) -> Outcome:
    settings = Training(**{"steps": 60, "evaluate_every": 10, "learning_rate": 0.02, **changed})
    return train(model, batch, squared, held_out, settings=settings, folder=folder, progress=False)


def test_a_killed_run_goes_on_to_where_one_that_was_not_killed_ends(tmp_path: Path) -> None:
    whole, killed, again = net(), net(), net(seed=5)  # resumed into other weights, which must not matter
    expected = fit(whole)

    def stopping(step: int) -> tuple[Tensor, Tensor]:
        if step == 37:
            raise KeyboardInterrupt
        return regression(step)

    with pytest.raises(KeyboardInterrupt):
        fit(killed, tmp_path, batch=stopping)
    seen: list[int] = []

    def noting(step: int) -> tuple[Tensor, Tensor]:
        seen.append(step)
        return regression(step)

    outcome = fit(again, tmp_path, batch=noting)
    assert seen[0] == 30  # the last checkpoint
    assert outcome == expected
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    seen.clear()
    assert fit(net(), tmp_path, batch=noting) == expected  # done: nothing is trained again
    assert not seen


@pytest.mark.parametrize(("damaged", "first"), [(1, 20), (2, 0)])
def test_a_damaged_checkpoint_is_said_and_the_one_before_is_resumed(
    damaged: int, first: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """To the same end; where both are damaged, from the start."""
    seen: list[int] = []

    def noting(step: int) -> tuple[Tensor, Tensor]:
        seen.append(step)
        return regression(step)

    def stopping(step: int) -> tuple[Tensor, Tensor]:
        if step == 37:
            raise KeyboardInterrupt
        return regression(step)

    expected = fit(net())
    with pytest.raises(KeyboardInterrupt):
        fit(net(), tmp_path, batch=stopping)
    for file in [tmp_path / FILE, tmp_path / store.CHECKPOINT_BEFORE][:damaged]:
        file.write_bytes(file.read_bytes()[:-9])
    assert fit(net(), tmp_path, batch=noting) == expected
    assert seen[0] == first
    assert sum("no whole safetensors file" in record.message for record in caplog.records) == damaged


def test_it_learns_and_leaves_the_best_weights_in_the_model() -> None:
    model = net()
    before = held_out(model)["loss"]
    outcome = fit(model, steps=600, patience=None)
    assert outcome.best["loss"] < 0.1 * before
    assert held_out(model)["loss"] == outcome.best["loss"] == min(each["loss"] for each in outcome.history)


def test_it_stops_at_the_target_and_when_nothing_improves() -> None:
    solved = fit(net(), steps=2000, target=0.5)
    assert solved.best["loss"] <= 0.5
    assert all(each["loss"] > 0.5 for each in solved.history[:-1])
    stuck = fit(
        net(), learning_rate=1e-300, patience=3
    )  # no step moves a weight: no evaluation after the first is better
    assert stuck.steps == 40


def test_a_loss_that_is_not_finite_ends_it_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    def breaking(step: int) -> tuple[Tensor, Tensor]:
        x, y = regression(step)
        return (x, y * torch.nan) if step == 25 else (x, y)

    with pytest.raises(InputError, match="the loss is nan at step 25"):
        fit(net(), tmp_path, batch=breaking)
    tensors, config = checkpoint.load(tmp_path / FILE)
    assert config["outcome"]["steps"] == 20
    assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_other_settings_another_architecture_and_another_file_are_refused(tmp_path: Path) -> None:
    fit(net(), tmp_path)
    with pytest.raises(InputError, match="was trained with learning_rate = 0.02, not 0.01"):
        fit(net(), tmp_path, learning_rate=0.01)
    with pytest.raises(InputError, match=r"0.bias of .* is \(4,\) torch.float64, but Sequential needs \(5,\)"):
        fit(net(hidden=5), tmp_path)
    with pytest.raises(InputError, match="which Linear needs: another architecture"):
        fit(nn.Linear(2, 1).double(), tmp_path)
    file = tmp_path / FILE
    file.write_bytes(b"pickle")
    with pytest.raises(InputError, match="no whole safetensors file"):
        checkpoint.load(file)
    with pytest.raises(InputError, match="there is no checkpoint"):
        checkpoint.load(tmp_path / "none.safetensors")


def test_what_other_code_left_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit(net(), tmp_path)
    monkeypatch.setattr(source, "fingerprint", lambda: "other")
    with pytest.raises(InputError, match="left by other code, or other versions of what it runs on: give --fresh"):
        fit(net(), tmp_path)


@pytest.mark.parametrize(
    ("changed", "message"), [({"steps": 0}, "steps must be 1"), ({"learning_rate": 0.0}, "above 0")]
)
def test_settings_that_make_no_sense(changed: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Training(**changed)
