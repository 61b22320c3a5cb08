"""The recall benchmark: attention against a loop, scores of who knows the answers, and what small networks learn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

from neurofwp.errors import InputError
from neurofwp.experiments import recall_benchmark as experiment
from neurofwp.experiments.recall_benchmark import Cell, Settings
from neurofwp.rate import SoftmaxLayer

SMALL = Settings(
    vocabulary=12, length=10, pairs=2, reassigned=0.5, sequences=4000, tested=300, width=32, sizes=(8,), steps=150
)


@pytest.mark.parametrize("layer", ["delta", "softmax"])
def test_small_networks_learn_which_value_came_last(layer: str) -> None:
    cell = Cell("reassignment", layer, 8)
    found = experiment.train_and_test(cell, SMALL, 7, "cpu", None)
    assert float(found["reassigned"]) > 0.9
    assert float(found["once"]) > 0.9
    untrained = experiment.build(cell, SMALL, torch.Generator().manual_seed(7))
    test = experiment.sequences(SMALL, "reassignment", 300, seed=(7, 2))
    at_first = experiment.scores(experiment.answers(untrained, test, "cpu"), test)
    assert float(at_first["accuracy"]) < float(at_first["chance"]) + 0.1


def test_a_finished_network_is_not_trained_again_for_other_sizes_or_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell, settings = Cell("plain", "hebbian", 8), replace(SMALL, steps=3)
    once = experiment.train_and_test(cell, settings, 1, "cpu", tmp_path)
    monkeypatch.setattr(experiment, "loss_of", None)  # training would call it
    again = experiment.train_and_test(cell, replace(settings, sizes=(8, 16)), 1, "cpu", tmp_path)
    assert again.identical(once)


def test_softmax_layer_against_a_loop() -> None:
    layer = SoftmaxLayer(6, 4, torch.Generator().manual_seed(0)).double()
    nn.init.constant_(layer.slope, 0.3)
    x = torch.randn(2, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    query, key, value = (x.numpy() @ part.T for part in layer.signals.weight.detach().numpy().reshape(3, 4, 6))
    found = layer(x).detach().numpy()
    for sequence in range(2):
        for now in range(7):
            scores = [query[sequence, now] @ key[sequence, then] / 2 - 0.3 * (now - then) for then in range(now + 1)]
            share = np.exp(scores) / np.exp(scores).sum()
            read = sum(share[then] * value[sequence, then] for then in range(now + 1))
            np.testing.assert_allclose(found[sequence, now], layer.out.weight.detach().numpy() @ read, atol=1e-12)


def test_every_layer_has_the_same_network_around_it() -> None:
    models = [experiment.build(cell, SMALL, torch.Generator().manual_seed(0)) for cell in experiment.cells_of(SMALL)]
    shapes = [
        {name: tensor.shape for name, tensor in model.state_dict().items() if ".layer." not in name} for model in models
    ]
    assert all(each == shapes[0] for each in shapes)
    assert sum(isinstance(model.blocks[0].layer, SoftmaxLayer) for model in models) == 2
    for model in models:
        token = torch.arange(10).expand(1, 10)
        later = token.clone()
        later[0, 6] = 11
        differs = (model(token) != model(later)).any(-1)[0]
        assert not differs[:6].any()
        assert differs[6]


def test_cells_are_all_rules_at_all_sizes_and_attention_at_the_largest() -> None:
    settings = Settings(sizes=(4, 16), length=50)
    cells = experiment.cells_of(settings)
    assert len(cells) == len(set(cells)) == 2 * (4 * 2 + 1)
    assert Cell("reassignment", "gated_delta", 4) in cells
    assert [cell.size for cell in cells if cell.layer == "softmax"] == [16, 16]
    assert Cell("plain", "delta", 16).state_size(settings) == 256
    assert Cell("plain", "softmax", 16).state_size(settings) == 50 * (16 + 16)


class Answers(nn.Module):
    """Answers the first or the last value that stood behind a token."""

    def __init__(self, last: bool) -> None:
        super().__init__()
        self.last = last

    def forward(self, token: Tensor) -> Tensor:
        logits = torch.zeros(*token.shape, SMALL.vocabulary)
        for row, sequence in enumerate(token.tolist()):
            behind: dict[int, int] = {}
            for event, (now, after) in enumerate(zip(sequence, [*sequence[1:], 0], strict=True)):
                logits[row, event, behind.get(now, 0)] = 1
                if self.last or now not in behind:
                    behind[now] = after
        return logits


def test_scores_of_who_knows_the_first_and_the_last_value() -> None:
    test = experiment.sequences(SMALL, "reassignment", 40, seed=3)
    first, last = (experiment.scores(experiment.answers(Answers(each), test, "cpu"), test) for each in (False, True))
    assert {name: float(first[name]) for name in ("accuracy", "once", "reassigned")} == {
        "accuracy": 0.5, "once": 1, "reassigned": 0,
    }  # fmt: skip
    assert float(last["accuracy"]) == float(last["reassigned"]) == 1
    assert float(last["chance"]) == 1 / 3  # two keys, one of them with two values
    plain = experiment.sequences(SMALL, "plain", 40, seed=3)
    found = experiment.scores(experiment.answers(Answers(True), plain, "cpu"), plain)
    assert np.isnan(float(found["reassigned"]))
    assert float(found["chance"]) == 1 / 2


def test_standard_error_is_over_networks() -> None:
    cells = experiment.cells_of(SMALL)
    accuracy = np.tile([0.2, 0.5, 0.8], (len(cells), 1))
    numbers = experiment.EXPERIMENT.summary(xr.DataTree.from_dict({"/cells": table_of(cells, accuracy)}))
    assert numbers["fast_weights.reassignment.delta.8.accuracy"] == pytest.approx(0.5)
    assert numbers["fast_weights.reassignment.delta.8.accuracy.sem"] == pytest.approx(0.3 / 3**0.5)


def test_a_network_of_a_point_is_that_of_its_seed() -> None:
    tiny = replace(SMALL, steps=1, sequences=20, tested=20, sizes=(2,), width=8)
    table = experiment.run(tiny, seed=4, device="cpu")["cells"].to_dataset()
    assert table["network"].values.tolist() == [4, 5, 6]
    for index in (0, table.sizes["cell"] - 1):
        here = table.isel(cell=index, network=1)
        cell = Cell(*(here[name].item() for name in Cell.__dataclass_fields__))
        alone = experiment.train_and_test(cell, tiny, 5, "cpu", None)
        assert float(here["accuracy"]) == float(alone["accuracy"])
        assert float(here["loss"]) == pytest.approx(float(alone["loss"]), rel=1e-6)


def test_loss_is_the_mean_over_what_is_asked() -> None:
    model = experiment.build(Cell("plain", "delta", 8), SMALL, torch.Generator().manual_seed(0))
    token, target = experiment._tensors(experiment.sequences(SMALL, "plain", 3, seed=2), "cpu")
    surprise = []
    for logits, value in zip(model(token).flatten(0, 1).tolist(), target.flatten().tolist(), strict=True):
        if value >= 0:
            surprise.append(np.log(np.exp(logits).sum()) - logits[value])
    assert len(surprise) == 6
    assert experiment.loss_of(model, (token, target)).item() == pytest.approx(np.mean(surprise), rel=1e-5)


def table_of(cells: list[Cell], accuracy: np.ndarray) -> xr.Dataset:
    """What a run leaves, of cells with these accuracies (cell, network)."""
    others = dict.fromkeys(
        ("chance", "once", "reassigned", "loss"), (("cell", "network"), np.full(accuracy.shape, 0.2))
    )
    return xr.Dataset(
        {"accuracy": (("cell", "network"), accuracy)} | others,
        coords={name: ("cell", [getattr(cell, name) for cell in cells]) for name in ("variant", "layer", "size")}
        | {"state_size": ("cell", [cell.state_size(Settings()) for cell in cells])},
    )


def test_the_figure_draws_the_mean_of_every_cell_at_its_state_size() -> None:
    cells = experiment.cells_of(Settings(sizes=(4, 8)))
    mean = np.linspace(0.1, 0.9, len(cells))
    table = table_of(cells, mean[:, None] + [-0.05, 0.0, 0.05])
    figure = experiment.plot(xr.DataTree.from_dict({"/cells": table}))["recall_benchmark"]
    points = [bars[0].get_data() for ax in figure.axes for bars in ax.containers]
    found = sorted((float(x), float(y)) for curve in points for x, y in zip(*curve, strict=True))
    expected = sorted((cell.state_size(Settings()), y) for cell, y in zip(cells, mean, strict=True))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sizes": ()}, "sizes must be 1 or more, but are ()"),
        ({"sizes": (4, 0)}, "sizes must be 1 or more, but are (4, 0)"),
        ({"networks": 1}, "networks must be 2 or more, for a standard error, but is 1"),
        ({"steps": 0}, "steps must be 1 or more, but is 0"),
        ({"tested": 0}, "tested must be 1 or more, but is 0"),
        ({"length": 15}, "length must be at least 16, not 15"),
        ({"reassigned": 2.0}, "reassigned is a share of the keys"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")):
        experiment.run(Settings(**settings), seed=0, device="cpu")
