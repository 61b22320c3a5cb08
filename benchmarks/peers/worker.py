"""One contender in a process of its own: builds a network, then runs it once for every line that it reads."""

from __future__ import annotations

import importlib
import json
import os
import sys

import numpy as np


def main() -> None:
    """`python -m benchmarks.peers.worker MODULE CASE FILE`: tells JSON, leaves weights in FILE."""
    module, words, place = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    begun = _spent()
    try:
        contender = importlib.import_module(f"benchmarks.peers.{module}")
    except ImportError as missing:
        print("\n@" + json.dumps({"missing": str(missing)}), flush=True)
        return
    from benchmarks.peers.cases import Case

    imported = _spent()
    program = contender.build(Case(**json.loads(words)))
    print("\n@" + json.dumps({"imports": imported - begun, "start": _spent() - imported}), flush=True)
    first = True
    for _ in sys.stdin:
        told = {"seconds": program.run()}
        if first:
            np.save(place, program.weights())
            told |= {"fired": program.fired(), "mebibytes": program.mebibytes()}
            first = False
        print("\n@" + json.dumps(told), flush=True)


def _spent() -> float:
    """Processor seconds of this process and its children."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
