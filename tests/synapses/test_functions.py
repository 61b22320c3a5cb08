"""Functions of equations on the numpy backend."""

from __future__ import annotations

import numpy as np
import pytest
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.functions import DEFAULT_FUNCTIONS

from neurofwp.synapses import own_equations


@pytest.mark.parametrize("name", ["kept", "another", *sorted(own_equations.FUNCTIONS)])
def test_none_is_called_through_a_check_of_units(name: str) -> None:
    code = DEFAULT_FUNCTIONS[name].implementations[NumpyCodeObject].get_code(None)
    assert "wrapper_function" not in getattr(code, "__qualname__", "")


def test_their_values() -> None:
    x = np.array([0, 1e-20, 1e-9, 0.5, 3])
    names = ("exprel", "expm1", "log1p")
    code = {name: DEFAULT_FUNCTIONS[name].implementations["numpy"].get_code(None) for name in names}
    np.testing.assert_allclose(code["exprel"](x), [1, 1, 1 + 5e-10, 2 * (np.exp(0.5) - 1), (np.exp(3) - 1) / 3])
    np.testing.assert_allclose(code["expm1"](x), [0, 1e-20, 1e-9 + 5e-19, np.exp(0.5) - 1, np.exp(3) - 1])
    np.testing.assert_allclose(code["log1p"](x), [0, 1e-20, 1e-9 - 5e-19, np.log(1.5), np.log(4)])
