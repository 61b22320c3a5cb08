"""Decorrelating inputs, as the retina does natural images (Atick & Redlich 1992)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.01  # of the largest variance; whitening leaves components much weaker than this small


def whitening(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean (entry,) of samples (sample, entry), and the matrix (entry, entry) that whitens what is left without it.

    A ridge on the variances keeps entries that hardly ever vary from being blown up.
    """
    mean = samples.mean(axis=0)
    centred = samples - mean
    variance, axis = np.linalg.eigh(centred.T @ centred / len(centred))
    # ZCA, not PCA whitening: it does not depend on the signs that a LAPACK gives to eigenvectors
    return mean, axis / np.sqrt(variance + RIDGE * variance.max()) @ axis.T
