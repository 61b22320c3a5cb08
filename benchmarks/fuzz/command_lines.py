"""Command lines with words that no flag should have; nothing is run: what would begin is only looked at."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from unittest.mock import patch

from benchmarks.fuzz.mutations import NUMBERS
from neurofwp import cli
from neurofwp.cli import catalogue

FLAGS = ("--seed", "--pairs", "--episodes", "--parameters", "--device", "--load", "--over", "--seeds", "--workers",
         "--steps", "--synapse", "--circuit", "--out", "--fresh", "--learning-rate", "--noise", "--rules", "--units",
         "--repeats", "--duration", "--help", "--decay", "--ridge", "--longest", "--backend", "--values")  # fmt: skip
WORDS = (*NUMBERS, "g_gaba=1", "g_gaba=nan", "tau_nmda=1e999ms", "pairs=1,2", "pairs=", "=", "cpu", "x", "a=b=c",
         "-1,nan", "tau_nmda=1e-9", "1 2 3", "error-correcting", "/dev/null", "g_gaba=" + "9" * 401)  # fmt: skip


class Accepted(Exception):
    """The command line was taken."""


def _accept(*_: object, **__: object) -> None:
    raise Accepted


@contextmanager
def _nothing_begins() -> Iterator[None]:
    begins = ("neurofwp.cli.output.results_folder", "neurofwp.cli.output.device", "neurofwp.cli.run.carry_out",
              "neurofwp.identification.given.read")  # fmt: skip
    with ExitStack() as stack:
        for name in begins:
            stack.enter_context(patch(name, _accept))
        for redirect in (redirect_stdout, redirect_stderr):
            stack.enter_context(redirect(StringIO()))
        yield


def words(rng: random.Random) -> list[str]:
    """A command line."""
    command = rng.choice(("run", "run", "sweep", "train", "show", "list", "identify", "compare", "plot", "rerun"))
    own = {"run": catalogue.experiments, "sweep": catalogue.experiments, "train": catalogue.families}.get(command)
    first = rng.choice(sorted(own())) if own and rng.random() < 0.9 else rng.choice(WORDS)
    made = [command, first]
    for _ in range(rng.randrange(4)):
        made += [rng.choice(FLAGS), *rng.choices(WORDS, k=rng.choice((0, 1, 1, 1, 2)))]
    return [word.replace("\0", "") for word in made]


def read(line: list[str]) -> None:
    """Raises what a command line should not raise."""
    with _nothing_begins(), suppress(Accepted, SystemExit):
        cli.main(line)
