"""How cells of compiled networks look for spikes: many at a time (templates/threshold.cpp)."""

from __future__ import annotations

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject


class ManyCells(CPPStandaloneCodeObject):
    """Code of cells whose threshold draws no random numbers in a sequence (those of `random_numbers` have none)."""

    templater = CPPStandaloneCodeObject.templater.derive("neurofwp.brian")
