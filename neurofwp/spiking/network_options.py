"""What `SpikingNetwork` is told beside its models, refused where no network has it."""

from __future__ import annotations

from brian2 import Quantity, have_same_dimensions, ms

from neurofwp.errors import InputError


def check_options(
    cells_per_pool: int, gate: str, read_gate: float, membrane_step: Quantity, plasticity_step: Quantity
) -> None:
    """
    Raises
    ------
    InputError
        that names the option, and what it may be.
    """
    if cells_per_pool < 1:
        raise InputError(f"cells_per_pool must be at least 1, not {cells_per_pool}")
    if gate not in (known := ("dendrite", "conductance")):
        raise InputError(f"gate must be one of {', '.join(known)}, not {gate!r}")
    if not 0 <= read_gate <= 1:
        raise InputError(f"read_gate must be in [0, 1], not {read_gate:g}")
    for option, step in (("membrane_step", membrane_step), ("plasticity_step", plasticity_step)):
        if not have_same_dimensions(step, ms) or step <= 0 * ms:
            raise InputError(f"{option} must be a time above 0, like 0.1*ms, not {step!r}")
    steps = float(plasticity_step / membrane_step)
    if round(steps) < 1 or abs(steps - round(steps)) > 1e-9 * steps:
        raise InputError(f"plasticity_step must be a whole multiple of membrane_step, but is {steps:g} times as long")
