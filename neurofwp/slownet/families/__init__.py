"""Families of tasks that a slow net can be trained on: one file each; `neurofwp train NAME` finds it here by its name.

A family NAME.py has a module docstring whose first line describes it, and

- ``Settings``: a frozen dataclass; its fields become flags, the line of text under each becomes that flag's help;
- ``family(settings) -> Family``: episodes, what a slow net for them must be like, and how it is judged.
"""

from neurofwp.slownet.family import Family

__all__ = ["Family"]
