"""What Brian2 makes of a network: a program of its own, or steps that Python runs."""

import brian2 as b2
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice


def compiling() -> bool:
    """Whether it is a program, in which C++ of ours can take part."""
    return isinstance(b2.get_device(), CPPStandaloneDevice)
