"""The map of rules: colours, opacity and numbers of every point."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.identification import candidates
from neurofwp.plots import style
from neurofwp.plots.phase_diagram import PALE, phase_diagram

GAINS, TAUS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5), (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
IDS = [rule.id for rule in candidates()]


@pytest.fixture
def table() -> xr.Dataset:
    rng = np.random.default_rng(0)
    shape = (len(GAINS), len(TAUS), len(IDS))
    dims = ("gain", "turnover", "rule")
    return xr.Dataset(
        {
            "verdict": (dims[:2], rng.choice(["rule", "class", "undecided", "none"], shape[:2])),
            "feve": (dims, rng.uniform(-0.2, 1.01, shape)),
            "recall": (dims[:2], rng.uniform(-0.05, 1, shape[:2])),
        },
        coords={
            "gain": ("gain", list(GAINS), {"units": "1", "long_name": "feedback inhibition / that of the model"}),
            "turnover": ("turnover", list(TAUS), {"units": "s", "long_name": "time constant of receptor turnover"}),
            "rule": IDS,
        },
        attrs={"duration": 9.0},
    )


def test_a_point_has_the_colour_and_share_of_its_rule_and_is_pale_where_it_is_undecided(
    table: xr.Dataset, assert_legible: Callable[[Figure], None]
) -> None:
    winners = table["rule"][table["feve"].argmax("rule")]
    figure = phase_diagram(table, winners)
    left = figure.axes[0]
    image = left.images[0].get_array()
    texts = {tuple(map(round, text.get_position())): text.get_text() for text in left.texts}
    for row, column in ((0, 0), (3, 5), (7, 7)):
        rule = str(winners.values[row, column])
        point = table.isel(gain=row, turnover=column).sel(rule=rule)
        opacity = 1.0 if point["verdict"].item() in ("rule", "class") else PALE
        np.testing.assert_allclose(
            image[row, column], opacity * np.array(to_rgb(style.rule(rule)["color"])) + 1 - opacity
        )
        assert texts[column, row].replace("\N{MINUS SIGN}", "-") == f"{float(point['feve']):.2f}"
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), table["recall"])
    assert_legible(figure)


def test_every_rule_that_can_win_has_a_colour_of_its_own() -> None:
    assert set(style.RULES) >= set(IDS)
    assert len({style.rule(rule)["color"] for rule in IDS}) == len(IDS)


def test_a_map_without_recall_is_refused(table: xr.Dataset) -> None:
    with pytest.raises(InputError, match="needs 'recall'"):
        phase_diagram(table.drop_vars("recall"), table["rule"][table["feve"].argmax("rule")])
