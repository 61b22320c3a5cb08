"""A table to fill in and the TOML file beside it, both with comments."""

from __future__ import annotations

from collections.abc import Sequence

from neurofwp.laboratory.layout import COLUMNS

ALWAYS = ("study", "pathway")
MEANS = ("ratio", "sem", "n")
CELLS = ("cell", "before", "after")
VARYING = ("dt_ms", "frequency_hz")
EXAMPLES = {
    "study": "Doe 2026",
    "pathway": "L5->L5",
    "dt_ms": "10",
    "frequency_hz": "20",
    "ratio": "1.32",
    "sem": "0.09",
    "n": "8",
    "cell": "c1",
    "before": "1.2",
    "after": "1.6",
}
OPTIONAL = ("protocol", "spikes_per_train", "trains", "train_period_s", "pre_ms", "post_ms", "calcium_mm", "sd")

TOML = """\
# How {file} is laid out. Lines that begin with # are not read: remove the # of those that hold.

# What `ratio` and `sem` are in: "ratio" (1.2), "percent" (120), "difference" (0.2) or "percent-difference" (20).
# scale = "ratio"

# In a workbook of Excel: the sheet, by default the first.
# sheet = "Sheet1"

# Columns that you call otherwise: ours = "yours". The columns that are read:
{columns}
[columns]
# ratio = "mean_epsp_ratio"
# dt_ms = "dt"

# What was done to the cells, the same for all lines; where it differs from line to line, make it a column instead.
# A protocol is "pairing", "presynaptic" (no postsynaptic spikes), "spikes" (spike times in pre_ms and post_ms),
# "pre-post-pre", "post-pre-post" or "quadruplet". Put your own numbers: none of these is assumed.
[given]
# protocol = "pairing"
# spikes_per_train = 5
# trains = 15
# train_period_s = 10
# calcium_mm = 2
"""


def template(file: str, *, cells: bool = False) -> tuple[str, str]:
    """Text of the table and of its TOML file; without lines and a protocol, which are for its user to fill in.

    Parameters
    ----------
    file : name of the table, as the TOML file mentions it. cells : whether a line is a cell, with its strength before
        and after, in place of a mean.
    """
    names = [*ALWAYS, *VARYING, *(CELLS if cells else MEANS)]
    lines = [
        f"# {'One cell' if cells else 'One mean'} per line. What each column is and what was done: in the TOML file.",
        ",".join(names),
        f"# {','.join(EXAMPLES[name] for name in names)}",
    ]
    return "\n".join(lines) + "\n", TOML.format(file=file, columns=_describe([*names, *OPTIONAL]))


def _describe(names: Sequence[str]) -> str:
    width = max(map(len, names))
    return "\n".join(f"#   {name:<{width}}  {COLUMNS[name]}" for name in names)
