"""In-context learning: what models see, that feedback makes the difference, and what is reported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from neurofwp import theory
from neurofwp.errors import InputError
from neurofwp.experiments import in_context_learning as experiment
from neurofwp.experiments.in_context_learning import DEFAULT, MODELS, Settings

TINY = Settings(
    models=("delta",), networks=1, inputs=1, examples=4, steps=150, episodes=400, width=16, heads=1, size=8, blocks=1
)


def test_models_see_the_last_target_only_with_feedback_and_never_the_present_one() -> None:
    seen, target = experiment.batch(TINY, "target", 5, (9, 0, 0), "cpu")
    torch.testing.assert_close(seen[:, 1:, -1:], target[:, :-1])
    assert (seen[:, 0, -1] == 0).all()
    without, same = experiment.batch(TINY, "none", 5, (9, 0, 0), "cpu")
    assert torch.equal(target, same)
    assert torch.equal(without[..., :-1], seen[..., :-1])
    assert (without[..., -1] == 0).all()


class LeastSquares(nn.Module):
    """Predicts with the shortest w that fits all examples so far."""

    def forward(self, seen: Tensor) -> Tensor:
        x, last = seen[..., :-1].double(), seen[..., -1:].double()
        answers = [torch.zeros_like(last[:, 0])]
        for event in range(1, x.shape[1]):
            w = torch.linalg.pinv(x[:, :event]) @ last[:, 1 : event + 1]
            answers.append((x[:, event, None] @ w)[:, 0])
        return torch.stack(answers, dim=1)


def test_least_squares_has_the_error_of_the_closed_form() -> None:
    """The optimum that is drawn belongs to what models see."""
    settings = replace(TINY, inputs=3, examples=6)
    seen, target = experiment.batch(settings, "target", 8000, (9, 1, 0), "cpu")
    error = (LeastSquares()(seen) - target).square().mean((0, 2)).numpy()
    np.testing.assert_allclose(error, theory.mesa_regression(np.arange(6), 3), atol=0.25)
    assert error[3:].max() < 1e-3


@pytest.mark.parametrize("name", ["delta", "softmax"])
def test_errors_fall_within_an_episode_with_feedback_and_not_without(name: str) -> None:
    last = {}
    for feedback in experiment.FEEDBACK:
        error = experiment.train_and_test(name, feedback, TINY, 1, "cpu", None)
        assert error.shape == (4,)
        assert 0.7 < error[0] < 1.4  # nothing is known at the first event
        last[feedback] = error[-1]
    assert last["target"] < 0.6
    assert last["none"] > 0.8


def test_all_models_have_the_same_size_to_two_percent() -> None:
    sizes = [experiment._parameters(name, Settings()) for name in MODELS]
    assert max(sizes) < 1.03 * min(sizes)
    assert experiment.models_of(Settings()) == DEFAULT
    assert experiment.models_of(Settings(full=True)) == MODELS


@pytest.mark.parametrize("name", MODELS)
def test_a_prediction_knows_nothing_of_later_events(name: str) -> None:
    model = experiment.build(name, TINY, torch.Generator().manual_seed(0))
    seen, _ = experiment.batch(TINY, "target", 3, (9, 0, 0), "cpu")
    other = seen.clone()
    other[:, 2:] += 1
    torch.testing.assert_close(model(other)[:, :2], model(seen)[:, :2])
    assert not torch.allclose(model(other)[:, 2:], model(seen)[:, 2:])


def test_a_run_reports_and_draws_every_model() -> None:
    settings = replace(TINY, models=("lstm", "delta"), networks=2, steps=2, episodes=10)
    result = experiment.run(settings, seed=3, device="cpu")
    error = result["error"]["squared_error"]
    assert error["network"].values.tolist() == [3, 4]
    numbers = experiment.EXPERIMENT.summary(result)
    end = error.sel(model="delta", feedback="target").isel(examples=-1)
    assert numbers["last.delta.target.squared_error"] == pytest.approx(float(end.mean()))
    assert numbers["last.delta.target.squared_error.sem"] == pytest.approx(float(end.std(ddof=1)) / 2**0.5)
    assert numbers["chance"] == 1
    figure = experiment.plot(result)["in_context_learning"]
    drawn = {line.get_label(): line for line in figure.axes[1].lines if not line.get_label().startswith("_")}
    np.testing.assert_allclose(drawn["always 0"].get_ydata(), 1)
    containers = {each.get_label(): each for each in figure.axes[1].containers}
    mean = error.sel(model="delta", feedback="target").mean("network")
    np.testing.assert_allclose(containers["delta"].lines[0].get_ydata(), mean)
    with pytest.raises(InputError, match="squared_error"):
        experiment.nf.plots.in_context_learning(xr.Dataset())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": ("gru",)}, "model"),
        ({"models": ("delta", "delta")}, "models must differ, but are delta delta"),
        ({"steps": 0}, "steps must be 1 or more, but is 0"),
        ({"networks": 0}, "networks must be 1 or more, but is 0"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.EXPERIMENT.check(Settings(**settings))
