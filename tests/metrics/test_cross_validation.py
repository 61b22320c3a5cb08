"""Settings chosen on other data."""

import numpy as np
import xarray as xr

from neurofwp.metrics import best_on_others


def test_a_setting_is_chosen_on_the_other_episodes() -> None:
    score = xr.DataArray([[0.9, 0.1, 0.1], [0.2, 0.3, 0.3], [np.nan] * 3], dims=("setting", "episode"))
    # without the first episode the second setting is better; with it, the first
    np.testing.assert_array_equal(best_on_others(score), [1, 0, 0])
