"""Parameters of synapses: fitted to measurements, or searched so that the network runs a given rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurofwp.runtime.lazy import attributes

if TYPE_CHECKING:
    from neurofwp.calibration import search as search
    from neurofwp.calibration.hierarchical import fit_shared as fit_shared
    from neurofwp.calibration.inference import (
        inference_data as inference_data,
        predictions as predictions,
        summarise as summarise,
    )
    from neurofwp.calibration.measurement_fits import (
        best_parameters as best_parameters,
        fit_parameters as fit_parameters,
    )
    from neurofwp.calibration.posterior import sample_posterior as sample_posterior
    from neurofwp.calibration.problem import PERCENTILES as PERCENTILES, Problem as Problem, pose as pose
    from neurofwp.calibration.published import default_spread as default_spread, published_bounds as published_bounds
    from neurofwp.calibration.simulated_fits import fit_by_simulation as fit_by_simulation
    from neurofwp.calibration.space import SPACE as SPACE, Space as Space

HOMES: dict[str, str | None] = {
    "PERCENTILES": "problem",
    "Problem": "problem",
    "SPACE": "space",
    "Space": "space",
    "best_parameters": "measurement_fits",
    "default_spread": "published",
    "fit_by_simulation": "simulated_fits",
    "fit_parameters": "measurement_fits",
    "fit_shared": "hierarchical",
    "inference_data": "inference",
    "pose": "problem",
    "predictions": "inference",
    "summarise": "inference",
    "published_bounds": "published",
    "sample_posterior": "posterior",
    "search": None,
}

__all__ = [*HOMES]
__getattr__ = attributes(__name__, HOMES)
