"""Bounded parameters and least squares: what every fit needs, whatever is fitted."""

from neurofwp.optimisation.bounded import BoundedParameter
from neurofwp.optimisation.least_squares import LeastSquares, Minimum

__all__ = ["BoundedParameter", "LeastSquares", "Minimum"]
