"""One file per experiment; `neurofwp run NAME` finds it here by its name.

An experiment NAME.py has a docstring whose first line describes it, and one object

    EXPERIMENT = Experiment(Settings, run, tables, plot)

of `neurofwp.runtime.experiment.Experiment`, which says what each of the four is given and returns:

- ``Settings``: a frozen dataclass; its fields become flags, the line of text under each becomes that flag's help;
- ``run(settings, *, seed, device, folder) -> xr.DataTree``: everything that was measured, as groups of one tree;
- ``tables(result) -> {name: xr.Dataset}``: labelled, with units; ``summary.json`` and CSV files are made of them;
- ``plot(result) -> {name: Figure}``: from the saved tree alone.

Settings are read to answer ``--help``, so that a module here imports what takes long inside its functions, under
TYPE_CHECKING or from `neurofwp.runtime.lazy`. `key_overlap.py` is a good example.
"""
