"""`neurofwp calibrate`: a circuit of coupled cells, by a closed form, or a synapse model, fitted to measurements."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from neurofwp.cli import choice
from neurofwp.errors import InputError, unknown

FIT = "fit-synapse"  # the experiment that `measurements` is another name of
WHAT = {
    "circuit": "parameters of value cells whose soma and dendrite are coupled",
    "measurements": "parameters of a synapse model, fitted to measurements of plasticity",
}
DESCRIPTION = """A circuit file whose cells have coupled compartments, with parameters from a closed form.

SpikingNetwork(circuit="my-circuit.toml") and `neurofwp run hetero-associative --circuit my-circuit.toml` run it. To fit
a synapse model: `neurofwp calibrate measurements`; to let a network run a rule: `neurofwp run calibrate`."""


@dataclass(frozen=True)
class _Circuit:
    coupling: float = 5.0
    """Conductance between soma and dendrite, nS."""
    nmda: float = 0.5
    """NMDA conductance of the dendrite for one synapse's fully open channels, nS."""
    backpropagation: float = 8.0
    """Depolarisation of the dendrite by a spike of the soma, mV."""
    base: Annotated[str, tyro.conf.arg(metavar="CIRCUIT")] = "apical-feedback"
    """Circuit without coupling: apical-feedback, or a TOML file of that form with cells of another size."""
    synapse: Annotated[str, tyro.conf.arg(metavar="MODEL")] = "error-correcting"
    """Synapse model, which says how NMDA receptors open and how strong feedback is without coupling."""
    active: float = 20.0
    """Cells that are active in a key."""
    gate: Literal["spikes", "number"] = "spikes"
    """What carries the write gate: spikes of VIP cells, or a number."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="(default: the terminal)")] = None
    """TOML file to write."""
    overwrite: bool = False
    """Replace the file, if it is there and says something else."""


def main(words: list[str]) -> int:
    """Print a circuit file, or write it; or fit a synapse model, as `neurofwp run fit-synapse` does."""
    chosen = choice.choose("calibrate", "thing to calibrate", words, WHAT, "[--out PATH]")
    if chosen is None:
        return 0
    what, flags = chosen
    if what not in WHAT:
        raise unknown("thing to calibrate", what, WHAT)
    if what == "measurements":
        from neurofwp.cli import run

        return run.main([FIT, *flags])
    given = tyro.cli(_Circuit, prog="neurofwp calibrate circuit", description=DESCRIPTION, args=flags)
    if given.out is not None and given.out.suffix != ".toml":
        raise InputError(f"circuits are TOML files: --out must end in .toml, not {str(given.out)!r}")
    from neurofwp.calibration.circuit import calibrate  # brings Brian2

    text = calibrate(
        given.coupling, given.nmda, given.backpropagation, base=given.base, synapse=given.synapse, active=given.active,
        gate=given.gate,
    )  # fmt: skip
    if given.out is None:
        print(text, end="")
    else:
        _write(text, given.out, overwrite=given.overwrite)
        print(given.out)
    return 0


def _write(text: str, out: Path, *, overwrite: bool) -> None:
    """Write a circuit, unless it is there.

    Raises
    ------
    InputError
        if the file is there and says something else, or cannot be read or written.
    """
    from neurofwp.runtime import files, locks

    files.output_folder(out.parent)
    content = text.encode()
    with locks.hold(out, out.with_name(f".{out.name}.lock")):
        try:
            found = out.read_bytes() if os.path.lexists(out) else None
        except OSError as error:
            raise InputError(f"cannot write {str(out)!r}: {error.strerror}; choose another file with --out") from error
        if found not in (None, content) and not overwrite:
            raise InputError(
                f"{str(out)!r} is there, and says something else: choose another file, or replace it with --overwrite"
            )
        if found != content:
            files.write_bytes(content, out)
