"""Place fields: the timeline, what bins say of each other, and a rule that is found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurofwp.errors import InputError
from neurofwp.experiments import place_fields
from neurofwp.laboratory.measurements import btsp_map

SETTINGS = place_fields.Settings(rules=("hebbian", "outstar"), restarts=2)


def test_an_input_fires_when_its_place_is_passed_and_the_plateau_is_at_zero() -> None:
    published = btsp_map()
    program, trace = place_fields.write_program(SETTINGS, published)
    duration = program["duration"].isel(episode=0).values / 1000
    plateau = int(np.flatnonzero(program["write_gate"].isel(episode=0))[0])
    assert duration[plateau] == pytest.approx(SETTINGS.plateau)
    np.testing.assert_allclose(np.delete(duration, plateau), SETTINGS.step)
    start = np.cumsum(duration) - duration
    middle = start + duration / 2 - start[plateau]
    key = program["key"].values[..., 0]
    centre = (key * duration * middle).sum(1) / (key * duration).sum(1)
    np.testing.assert_allclose(centre, np.repeat(published["delay"], 3), atol=0.03)
    # the area under exp(-t^2 / 2 s^2), of which 99.7 % lie within three s
    np.testing.assert_allclose((key * duration).sum(1), np.sqrt(2 * np.pi) * SETTINGS.field, rtol=0.003)
    change = trace["weight"].isel(event=-1).values.ravel() - trace["initial_weight"].values.ravel()
    np.testing.assert_allclose(change, published["change"].values.ravel())
    assert trace["weight"].attrs["units"] == "mV"


def test_an_additive_table_is_predicted_by_its_other_entries() -> None:
    table = np.array([1.0, 3.0, -2.0, 0.5])[:, None] + np.array([0.0, -1.0, 4.0])
    for row, column in np.ndindex(table.shape):
        known = table.copy()
        known[row, column] = np.nan
        assert place_fields.additive(known, row, column) == pytest.approx(table[row, column])
    nulls = place_fields.Nulls(tuple(table.ravel().tolist()), 3)([each for each in range(12) if each != 4], 4)
    assert nulls["null: mean"].keywords["change"] == pytest.approx((table.sum() - table[1, 1]) / 11)
    assert nulls["null: additive"].keywords["change"] == pytest.approx(table[1, 1])


def test_a_map_that_outstar_made_is_outstars(monkeypatch: pytest.MonkeyPatch) -> None:
    published = btsp_map()
    program, trace = place_fields.write_program(SETTINGS, published)
    key = program["key"].values[program["write_gate"].values > 0][:, 0]  # at the plateau
    initial = trace["initial_weight"].values.ravel()
    change = 0.8 * key * (6.0 - initial)
    made = published.assign(change=published["change"].copy(data=change.reshape(published["change"].shape)))
    monkeypatch.setattr("neurofwp.laboratory.measurements.btsp_map", lambda: made)
    result = place_fields.run(SETTINGS, seed=0, device="cpu")
    tables = place_fields.tables(result)
    models = tables["models"]
    assert models["model"].values[0] == "outstar"
    assert float(models["r2"].sel(model="outstar")) == pytest.approx(1, abs=1e-6)
    assert not models["best"].sel(model="hebbian")
    value = tables["parameters"]["value"].sel(rule="outstar")
    assert float(value.sel(parameter="rate")) == pytest.approx(0.8, abs=1e-3)
    np.testing.assert_allclose(tables["predicted"]["predicted"].sel(model="outstar"), made["change"], atol=1e-3)
    figure = place_fields.plot(result)["place_fields"]
    curves, bars = figure.axes
    assert curves.get_ylabel() == "change of ramp (mV)"
    assert bars.get_yticklabels()[0].get_text() == "outstar"
    assert [tick.get_fontweight() for tick in bars.get_yticklabels()][:2] == ["bold", "normal"]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"field": 0.0}, "field must be above 0 s, not 0"), ({"ramps": (4.0, 1.0, 8.0)}, "three rising numbers")],
)
def test_settings_that_cannot_be_run(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        place_fields.check(replace(SETTINGS, **change))
