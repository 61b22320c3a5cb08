"""One file per experiment; `neurofwp run NAME` finds it here by its name.

An experiment NAME.py has a module docstring whose first line describes it, and

- ``Settings``: a frozen dataclass; its fields become flags, the line of text under each becomes that flag's help;
- ``run(settings, *, seed: int, device: str, folder: Path) -> xr.DataTree``: everything that was measured, as groups of
  one tree; `folder` is for finished parts, so that an interrupted run can go on;
- ``summary(result) -> dict[str, float | list[str]]``: the numbers of its tables, under flat dotted keys;
- if it has tables for spreadsheets, ``tables(result) -> dict[str, pandas.DataFrame]``: each becomes a CSV file;
- ``plot(result) -> dict[str, Figure]``: its figures by name, from the saved tree alone;
- if points of a sweep can share a network, a field ``parameters`` in its Settings, of texts like "g_gaba=1.5", and
  ``run_together(list of settings, *, seed, device, folder) -> list[xr.DataTree]`` for settings that differ in it alone.
"""
