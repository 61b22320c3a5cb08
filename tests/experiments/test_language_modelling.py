"""Language modelling: bits in closed form, what small networks learn, and what a run keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurofwp.errors import InputError
from neurofwp.experiments import language_modelling as experiment
from neurofwp.experiments.language_modelling import MODELS, Settings
from neurofwp.tasks.tokens import standard_library as library

TINY = Settings(
    models=("delta",), width=24, heads=2, size=8, blocks=1, length=64, batch=8, steps=80, validated=16, tested=40
)


class Shares(nn.Module):
    """Answers the same share of every byte, whatever came."""

    def __init__(self, share: np.ndarray) -> None:
        super().__init__()
        self.logits = torch.as_tensor(share).log()

    def forward(self, token: Tensor) -> Tensor:
        return self.logits.expand(*token.shape, -1)


def test_a_model_that_knows_nothing_takes_eight_bits_and_one_that_knows_shares_their_entropy() -> None:
    text = library.stream(library.read_texts("validation"))
    made = library.windows(text, 100)  # the last window is not full
    batch = experiment._batch(made, "cpu")
    assert experiment.bits_per_byte(Shares(np.full(256, 1 / 256)), batch) == pytest.approx(8)
    counts = np.bincount(text[1:], minlength=256)
    share = counts[counts > 0] / counts.sum()
    entropy = -(share * np.log2(share)).sum()
    known = Shares(np.maximum(counts, 1e-300) / counts.sum())
    assert experiment.bits_per_byte(known, batch) == pytest.approx(entropy, rel=1e-9)


@pytest.mark.parametrize("name", ["softmax", "delta"])
def test_small_networks_beat_the_shares_of_bytes(name: str) -> None:
    found = experiment.train_and_test(name, replace(TINY, steps=120), 3, "cpu", None)
    texts = {split: library.read_texts(split) for split in library.SPLITS}
    baselines = experiment.baselines(texts)["bits"]
    assert float(baselines.sel(baseline="uniform")) == 8
    assert float(found["bits"]) < float(baselines.sel(baseline="unigram"))
    assert float(baselines.sel(baseline="bigram")) < float(baselines.sel(baseline="unigram")) < 8
    assert found["validation"].values[-1] < found["validation"].values[0]
    assert found["trained"].values[-1] == 150 * 8 * 64


def test_a_finished_network_is_not_trained_again_for_others_or_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(TINY, steps=3)
    once, curve = experiment.train("delta", settings, 1, "cpu", tmp_path)
    monkeypatch.setattr(experiment, "loss_of", None)  # training would call it
    more = replace(settings, models=("softmax", "delta"), networks=2, tested=7)
    again, same = experiment.train("delta", more, 1, "cpu", tmp_path)
    assert same.identical(curve)
    for name, weight in once.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], weight, rtol=0, atol=0)


def test_a_run_keeps_what_it_read_and_compares_networks_of_one_seed() -> None:
    settings = replace(TINY, models=("softmax", "hebbian"), networks=2, steps=2)
    result = experiment.run(settings, seed=4, device="cpu")
    assert result["models"]["network"].values.tolist() == [4, 5]
    files = result["files"].to_dataset()
    assert files.sizes["file"] == sum(map(len, library.FILES.values()))
    assert all(len(each) == 64 for each in files["sha256"].values)
    numbers = experiment.EXPERIMENT.summary(result)
    bits = result["models"]["bits"]
    expected = bits.sel(model="hebbian") - bits.sel(model="softmax")
    assert numbers["models.hebbian.above_attention"] == pytest.approx(float(expected.mean()))
    assert numbers["models.hebbian.above_attention.sem"] == pytest.approx(float(expected.std(ddof=1)) / 2**0.5)
    assert numbers["models.softmax.above_attention"] == 0
    assert numbers["text.training.files"] == len(library.FILES["training"])
    assert experiment.EXPERIMENT.interpretation.answer_from(numbers).count("bits per byte") == 1


def test_all_models_and_three_networks_of_each_are_the_full_run() -> None:
    assert experiment.models_of(Settings(full=True)) == MODELS
    assert len(MODELS) == 7
    assert experiment.models_of(Settings()) == ("softmax", "hebbian", "delta")
    assert experiment.models_of(Settings(models=("delta",), full=True)) == ("delta",)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": ("gru",)}, "model"),
        ({"models": ("delta", "delta")}, "models must differ, but are delta delta"),
        ({"steps": 0}, "steps must be 1 or more, but is 0"),
        ({"networks": 0}, "networks must be 1 or more, but is 0"),
        ({"tested": 0}, "tested must be 1 or more, but is 0"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        experiment.EXPERIMENT.check(Settings(**settings))
