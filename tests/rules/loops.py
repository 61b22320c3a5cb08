"""What tests of a rule against a loop over its authors' equations share."""

from __future__ import annotations

import numpy as np
import pytest
from torch import Tensor

BOTH = pytest.mark.parametrize("mode", ["recurrent", "chunkwise"])


def arrays(given: dict, *names: str) -> tuple[np.ndarray, ...]:
    """One batch and head, (time, dim)."""
    return tuple(given[name][0, :, 0].double().cpu().numpy() for name in names)


def close(made: Tensor, expected: object) -> None:
    np.testing.assert_allclose(made.cpu(), expected, rtol=1e-11, atol=1e-11)
