"""The small Program of the tests of spiking networks, which compiled networks are tested on too."""

from __future__ import annotations

from ..spiking.conftest import stored_program

__all__ = ["stored_program"]
