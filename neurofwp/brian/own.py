"""Variables of a group that stand for parameters, so that networks which differ in numbers alone have the same code."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from brian2 import Quantity

from neurofwp.brian.connect import base_unit

# before the name of a parameter: Brian2 does not let a synapse's variable be called like one of its cells
OWN, OF_CONNECTION = "own_", "spike_"


class Own:
    """The parameters that the code of one group names.

    Parameters
    ----------
    constants : all parameters, by name.
    varied : names of those of which every member of the group has its own.
    prefix : of the variables: `OWN`, or `OF_CONNECTION` of a connection, between groups that have theirs.
    """

    def __init__(
        self, constants: Mapping[str, Quantity | float], varied: Collection[str] = (), prefix: str = OWN
    ) -> None:
        self.constants, self.varied, self.prefix = constants, varied, prefix
        self.named: set[str] = set()

    def __call__(self, code: str) -> str:
        """The code, with variables in place of parameters."""
        names = self.constants
        self.named |= names.keys() & set(re.findall(r"\w+", code))
        return re.sub(r"\b[A-Za-z]\w*", lambda found: (self.prefix if found[0] in names else "") + found[0], code)

    @property
    def equations(self) -> str:
        """These variables, declared."""
        return "\n".join(
            f"{self.prefix}{name} : {base_unit(self.constants[name])} "
            f"({'constant' if name in self.varied else 'shared, constant'})"
            for name in sorted(self.named)
        )
