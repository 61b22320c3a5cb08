"""Inner products per episode hold every score: against sums that are written out."""

import numpy as np
import pytest

from neurofwp.identification import scores
from neurofwp.identification.confidence_set import confidence_set
from neurofwp.identification.decision import decide
from neurofwp.identification.mixture import mix
from neurofwp.identification.products import Products


def made(
    episodes: int = 12, entries: int = 400, noise: float = 0.3, misfit: float = 0.0, seed: int = 0
) -> tuple[Products, dict[str, np.ndarray]]:
    """Two noisy runs of a truth; models "right", "wrong" (another direction), "half" (between them)."""
    rng = np.random.default_rng(seed)
    truth, other, strange = rng.normal(size=(3, episodes, entries))
    expected = truth + misfit**0.5 * strange
    run, repeat = (expected + noise * rng.normal(size=expected.shape) for _ in range(2))
    series = {
        "run": run, "repeat": repeat, "ones": np.ones_like(run),
        "right": truth, "wrong": other, "half": (truth + other) / 2,
    }  # fmt: skip
    rows = np.stack(list(series.values()), axis=1)
    return Products(tuple(list(series)[3:]), rows @ rows.transpose(0, 2, 1)), series


def test_unexplained_share_and_distance_are_their_sums() -> None:
    products, x = made()
    mean = (x["run"].mean() + x["repeat"].mean()) / 2
    repeatable = ((x["run"] - mean) * (x["repeat"] - mean)).sum()
    for index, model in enumerate(products.models):
        misfit = ((x["run"] - x[model]) * (x["repeat"] - x[model])).sum()
        assert scores.unexplained(products)[index] == pytest.approx(misfit / repeatable)
    apart = ((x["right"] - x["half"]) ** 2).sum() / repeatable
    assert scores.distance(products)[0, 2] == pytest.approx(apart)


def test_a_mixture_is_found_where_it_was_made_and_its_parabola_is_the_score_itself() -> None:
    _, x = made(seed=3)
    expected = 0.3 * x["right"] + 0.7 * x["wrong"]
    rng = np.random.default_rng(1)
    run, repeat = (expected + 0.2 * rng.normal(size=expected.shape) for _ in range(2))
    rows = np.stack([run, repeat, np.ones_like(run), x["right"], x["wrong"]], axis=1)
    products = Products(("right", "wrong"), rows @ rows.transpose(0, 2, 1))
    mixture = mix(products, "right", "wrong")
    assert mixture.low < 0.3 < mixture.high
    best = mixture.share * x["right"] + (1 - mixture.share) * x["wrong"]
    direct = ((run - best) * (repeat - best)).sum() / products.repeatable().sum()
    assert mixture.unexplained == pytest.approx(direct, abs=1e-12)
    assert mixture.holds


@pytest.mark.parametrize("misfit", [0.0, 0.2])
def test_intervals_cover_as_often_as_they_say(misfit: float) -> None:
    """u of a model whose true misfit is known: 400 data sets of eight episodes."""
    true = misfit / (1 + misfit)
    hits = 0
    for seed in range(400):
        products, _ = made(episodes=8, entries=60, misfit=misfit, seed=seed)
        low, high = scores.interval(products)
        hits += bool(low[0] <= true <= high[0])
    assert 0.92 <= hits / 400 <= 0.98


def test_the_best_rule_is_kept_as_often_as_promised() -> None:
    """Twelve equally good rules: the set misses any one of them, the best in truth, in no more than 5 %."""
    missed = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=(10, 80))
        run, repeat = (truth + rng.normal(size=truth.shape) for _ in range(2))
        models = [truth + 0.3 * rng.normal(size=truth.shape) for _ in range(12)]
        rows = np.stack([run, repeat, np.ones_like(run), *models], axis=1)
        products = Products(tuple(map(str, range(12))), rows @ rows.transpose(0, 2, 1))
        missed += not confidence_set(products, seed)[0]
    assert missed / 200 <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_a_worse_rule_is_rejected_and_a_copy_is_not() -> None:
    products, _ = made()
    assert confidence_set(products).tolist() == [True, False, False]
    twice = products.choose(["right", "right", "wrong"])
    assert confidence_set(twice).tolist() == [True, True, False]


def test_verdicts() -> None:
    products, _ = made()
    assert decide(products, ["right", "wrong"]).kind == "rule"
    assert decide(products, ["right", "right"]).kind == "class"
    assert decide(products, ["wrong"]).kind == "none"
    assert decide(Products(products.models, products.values, False), ["right", "wrong"]).kind == "adequacy unknown"
    few, _ = made(episodes=2, entries=10, noise=2.0)
    assert decide(few, ["right", "wrong"]).kind == "undecided"
    strange, _ = made(misfit=0.5)
    assert decide(strange, ["right", "wrong"]).kind == "none"


def test_without_a_repeat_only_the_order_of_rules_is_known() -> None:
    products, x = made()
    alone = products.alone()
    run = x["run"]
    rss, tss = ((run - x["right"]) ** 2).sum(), ((run - run.mean()) ** 2).sum()
    assert scores.r2(products)[0] == pytest.approx(1 - rss / tss)
    assert np.isnan(scores.noise_ceiling(alone)).all()
