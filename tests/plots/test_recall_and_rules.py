"""The figure of ablations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots.recall_and_rules import recall_and_rules

TABLE = pd.DataFrame(
    {
        "regime": ["error-correcting"] * 3 + ["btsp-network"] * 2,
        "condition": ["intact", "NMDA blocked", "interneurons removed", "intact", "gate shuffled, known"],
        "status": ["learns", "no learning", "does not apply", "learns", "learns"],
        "r2": [0.95, 0.01, np.nan, 0.5, 0.4],
        "r2_sem": [0.01, 0.01, np.nan, 0.1, 0.1],
        "rebound_r2": [0.93, -2.0, np.nan, 0.4, 0.3],
        "rebound_r2_sem": [0.02, 0.01, np.nan, 0.1, 0.1],
        "rules": ["delta", "", "", "outstar or calcium_threshold", "outstar"],
        "explained_share": [0.99, np.nan, np.nan, 0.7, -3.0],
        "low": [0.98, np.nan, np.nan, 0.6, -4.0],
        "high": [0.995, np.nan, np.nan, 0.8, -2.0],
        "noise_ceiling": [0.98, np.nan, np.nan, 0.9, 0.9],
    }
)


def test_every_row_shows_its_recall_and_its_rule(assert_legible: Callable[[Figure], None]) -> None:
    figure = recall_and_rules(TABLE, 0.4)
    assert_legible(figure)
    left, right = figure.axes
    drawn = left.lines[0].get_xdata()
    np.testing.assert_allclose(np.asarray(drawn, dtype=float), TABLE["r2"].to_numpy(float))
    np.testing.assert_allclose([bar.get_width() for bar in right.patches][:1], [0.99])
    words = [text.get_text() for text in right.texts]
    assert words[:3] == ["delta: 0.990 [0.980, 0.995]", "no learning", "does not apply"]
    assert words[3].startswith("outstar or calcium threshold")
    assert [text.get_text() for text in left.texts] == ["error-correcting", "btsp-network"]


def test_a_table_without_what_is_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="with low"):
        recall_and_rules(TABLE.drop(columns="low"), 0.4)
