"""The figure of ablations."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from neurofwp.errors import InputError
from neurofwp.plots.recall_and_rules import recall_and_rules

DIMS = ("synapse_model", "condition")
TABLE = xr.Dataset(
    {
        "status": (DIMS, [["learns", "no learning", "does not apply"], ["learns", "learns", "does not apply"]]),
        "r2": (DIMS, [[0.95, 0.01, np.nan], [0.5, 0.4, np.nan]]),
        "r2_sem": (DIMS, [[0.01, 0.01, np.nan], [0.1, 0.1, np.nan]]),
        "reassigned_r2": (DIMS, [[0.93, -2.0, np.nan], [0.4, 0.3, np.nan]]),
        "reassigned_r2_sem": (DIMS, [[0.02, 0.01, np.nan], [0.1, 0.1, np.nan]]),
        "rules": (DIMS, [["delta", "", ""], ["outstar or calcium_threshold", "outstar", ""]]),
        "feve": (DIMS, [[0.99, np.nan, np.nan], [0.7, -3.0, np.nan]]),
        "low": (DIMS, [[0.98, np.nan, np.nan], [0.6, -4.0, np.nan]]),
        "high": (DIMS, [[0.995, np.nan, np.nan], [0.8, -2.0, np.nan]]),
    },
    coords={"synapse_model": ["error-correcting", "btsp-network"],
            "condition": ["intact", "NMDA blocked", "interneurons removed"]},
)  # fmt: skip


def test_every_row_shows_its_recall_and_its_rule(assert_legible: Callable[[Figure], None]) -> None:
    figure = recall_and_rules(TABLE, 0.4)
    assert_legible(figure)
    left, right = figure.axes
    drawn = left.lines[0].get_xdata()
    np.testing.assert_allclose(np.asarray(drawn, dtype=float), TABLE["r2"].values.ravel())
    np.testing.assert_allclose([bar.get_width() for bar in right.patches][:1], [0.99])
    words = [text.get_text() for text in right.texts]
    assert words[:3] == ["delta: 0.990 [0.980, 0.995]", "no learning", "does not apply"]
    assert words[3].startswith("outstar or calcium threshold")
    assert [text.get_text() for text in left.texts] == ["error-correcting", "btsp-network"]


def test_many_rules_are_counted(assert_legible: Callable[[Figure], None]) -> None:
    many = TABLE.copy(deep=True)
    many["rules"] = TABLE["rules"].astype(object).where(False, " or ".join(f"rule_{number}" for number in range(9)))
    figure = recall_and_rules(many.isel(synapse_model=[0]), 0.4)
    assert_legible(figure)
    assert figure.axes[1].texts[0].get_text() == "rule 0 or rule 1 or 7 others: 0.990 [0.980, 0.995]"


def test_a_table_without_what_is_drawn_is_refused() -> None:
    with pytest.raises(InputError, match="'low'"):
        recall_and_rules(TABLE.drop_vars("low"), 0.4)
