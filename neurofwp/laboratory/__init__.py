"""Laboratory protocols for single synapses: what was done to both cells, as data, and what became of the synapse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.laboratory.protocol import Protocol
from neurofwp.runtime.lazy import attributes

if TYPE_CHECKING:
    from neurofwp.laboratory import (
        curves as curves,
        kinds as kinds,
        measurements as measurements,
        prediction as prediction,
        responses as responses,
        studies as studies,
    )
    from neurofwp.laboratory.laboratory import Laboratory as Laboratory
    from neurofwp.laboratory.measurements import Measurement as Measurement
    from neurofwp.laboratory.one_pair import EMPTY as EMPTY, mean_weight as mean_weight, record_pair as record_pair
    from neurofwp.laboratory.peaks import calcium_peaks as calcium_peaks
    from neurofwp.laboratory.prediction import closed_form as closed_form, predict as predict
    from neurofwp.laboratory.side_by_side import changes as changes
    from neurofwp.laboratory.simulated import Simulated as Simulated
    from neurofwp.laboratory.variants import change_variants as change_variants

HOMES = {
    "EMPTY": "one_pair",
    "Laboratory": "laboratory",
    "Measurement": "measurements",
    "calcium_peaks": "peaks",
    "Simulated": "simulated",
    "change_variants": "variants",
    "changes": "side_by_side",
    "closed_form": "prediction",
    "curves": None,
    "kinds": None,
    "mean_weight": "one_pair",
    "measurements": None,
    "predict": "prediction",
    "prediction": None,
    "record_pair": "one_pair",
    "responses": None,
    "studies": None,
}

__all__ = ["Protocol", *HOMES]
__getattr__ = attributes(__name__, HOMES)
