"""How often verdicts are right: on rules of the library, on truths outside it, and on intervals of parameters."""

from pathlib import Path

from neurofwp.runtime import source

source.register_source(Path(__file__).parent)  # what is kept for resuming depends on this code too
