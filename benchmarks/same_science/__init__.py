"""Does a commit leave the science as it was? Numbers of two checkouts, array by array, on one machine.

::

    python -m benchmarks.same_science dump OUT.npz [--checkout DIR] [--only AREA ...]
    python -m benchmarks.same_science compare BASE HERE [--only AREA ...]
    python -m benchmarks.same_science means BASE HERE [--seeds 50]

BASE and HERE are checkouts or dumps. The code that dumps is the one here, whatever the checkout: it asks for things by
their newest names, and `renames.toml` says what they were called before. What may differ stands in `allowed.toml`, with
a margin and a reason; anything else that differs or is missing makes the exit code 1. `means` is for commits that draw
other random numbers: means over seeds, and whether they differ by more than chance.

Random numbers were keyed anew by commit 9ccf60c. Across it, spikes are compared in two steps; see `keyed_noise`.
"""
