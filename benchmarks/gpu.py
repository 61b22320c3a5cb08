"""All that there is to measure on a CUDA GPU, in a few minutes: `make gpu`.

tests        tests of rate networks on the GPU
kernels      fused kernels against the rules in double precision, in both half precisions
waits        how often one call of `run` waits for the GPU, as torch's own debug mode counts it
graph        a run that is captured in a CUDA graph and replayed on other numbers, against a plain one
rate.RULE    seconds and memory against flash-linear-attention, and the share of the least time that memory allows
single.RULE  the same for single precision, which no kernel serves: torch's form against the loop over events
identify     seconds against two cores of the CPU
training     seconds of a step of the slow net's training, against two cores of the CPU

Every part runs in a process of its own. One that fails is an entry with its error, and the others go on. The JSON file
has `machine`, and for each of `parts` its `seconds` and its `numbers`, or its `error`.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any
from xml.etree import ElementTree

import numpy as np
import torch
import tyro

from benchmarks import agreement, bandwidth, fitting, half_precision, machine, rate, slownet
from benchmarks.contenders import RULES, SUFFIX, Size, draw, ours, step_loop
from neurofwp.rate import kernels, run
from neurofwp.rate.backends import Mode
from neurofwp.runtime.cost import peak_bytes, time_interleaved
from neurofwp.slownet.families import gated_pairs as task

Part = Callable[[torch.device], dict[str, Any]]

ROOT = Path(__file__).parent.parent
TESTS = ("tests/rate", "tests/test_device_waits.py")
TEST_SECONDS = 900
PLAN = replace(rate.FULL, compile="neither")
CORES = 2
PAIRS = (18, 72)  # of an episode of training
STEPS = 5
LARGE = {"long": Size(batch=4, time=2048, heads=4, d_k=64, d_v=64), "wide": Size(2, 256, 2, 128, 128)}


@dataclass(frozen=True)
class Settings:
    """What to run."""

    json: Annotated[Path, tyro.conf.arg(metavar="FILE")] = Path("results/gpu.json")
    """Where the numbers go."""


def main(words: list[str] | None = None) -> int:
    """Measure all parts; 0 where all worked, or where there is no GPU."""
    settings = tyro.cli(Settings, prog="python -m benchmarks.gpu", description=__doc__, args=words)
    if not torch.cuda.is_available():
        print("torch sees no CUDA GPU on this machine: nothing was measured")
        return 0
    device = torch.device("cuda")
    settings.json.parent.mkdir(parents=True, exist_ok=True)
    made: dict[str, Any] = {"machine": machine.describe(device) | describe(device), "parts": {}}
    for name, part in PARTS.items():
        print(f"{name} ...", end=" ", flush=True)
        made["parts"][name] = attempt(part, device)
        print(made["parts"][name].get("error", f"{made['parts'][name]['seconds']:.0f} s"))
        settings.json.write_text(json.dumps(made, indent=2) + "\n")
    print(settings.json)
    return int(any("error" in part for part in made["parts"].values()))


def describe(device: torch.device) -> dict[str, str | float]:
    """The GPU, beyond its name."""
    found = torch.cuda.get_device_properties(device)
    return {
        "gpu memory (GiB)": round(found.total_memory / 2**30, 1),
        "gpu capability": f"{found.major}.{found.minor}",
        "cuda": str(torch.version.cuda),
    }


def attempt(part: Part, device: torch.device) -> dict[str, Any]:
    """What a part measures, or how it failed; in another process, so that a GPU that faults is not lost to others."""
    begun = perf_counter()
    made: dict[str, Any]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        try:
            made = {"numbers": alone.submit(part, device).result()}
        except Exception as error:
            last = traceback.format_exception(error)
            made = {"error": f"{type(error).__name__}: {error}", "traceback": "".join(last).splitlines()[-40:]}
    return {"seconds": perf_counter() - begun} | made


def run_tests(device: torch.device, paths: tuple[str, ...] = TESTS) -> dict[str, Any]:
    """How many tests passed and which did not.

    Raises
    ------
    RuntimeError
        if any failed, with their names.
    """
    report = ROOT / "results" / f"tests-{device.type}.xml"
    report.parent.mkdir(exist_ok=True)
    words = ["-q", "-n", "auto", "--maxprocesses", "8", "--device", device.type, f"--junitxml={report}", *paths]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, timeout=TEST_SECONDS, capture_output=True, text=True
    )
    if not report.exists():
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    cases = list(ElementTree.parse(report).iter("testcase"))
    bad = [each.get("name") for each in cases if each.find("failure") is not None or each.find("error") is not None]
    report.unlink()
    if bad or done.returncode:
        names = ", ".join(map(str, bad[:50])) or done.stdout[-500:]
        raise RuntimeError(f"{len(bad)} of {len(cases)} tests failed: {names}")
    return {"tests": len(cases), "skipped": sum(each.find("skipped") is not None for each in cases)}


def check_kernels(device: torch.device) -> dict[str, Any]:
    """Relative differences by rule, size and precision, and those that are too large.

    Raises
    ------
    RuntimeError
        if flash-linear-attention is not installed.
    """
    if not kernels.is_installed():
        raise RuntimeError("flash-linear-attention is not installed: pip install neurofwp[kernels]")
    numbers: dict[str, Any] = {}
    for rule in kernels.KERNELS:
        for name, size in (half_precision.SIZES | LARGE).items():
            for dtype, tolerance in half_precision.TOLERANCE.items():
                for gradients in (True, False):
                    key = f"{rule}, {name}, {dtype}{'' if gradients else ', without gradients'}"
                    try:
                        found = half_precision.differences(rule, size, device, dtype, gradients=gradients)
                        worst = max(each / (2 if "gradient" in of else 1) for of, each in found.items())
                        numbers[key] = found | {"agrees": worst < tolerance}
                    except Exception as error:
                        numbers[key] = {"error": f"{type(error).__name__}: {error}", "agrees": False}
    return numbers | {"all agree": all(each["agrees"] for each in numbers.values())}


def count_waits(device: torch.device) -> dict[str, int]:
    """Of one call of `run` with numbers on the device, by rule, form and precision."""
    forms: list[tuple[Mode, torch.dtype]] = [("recurrent", torch.float32), ("chunkwise", torch.float32)]
    if kernels.is_installed():
        forms.append(("auto", torch.bfloat16))
    found = {}
    for rule, (mode, dtype) in product(RULES, forms):
        given = _signals(rule, replace(PLAN.size, time=64), 0, device, dtype)
        run(rule, mode=mode, **given)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            run(rule, mode=mode, **given)
            torch.cuda.set_sync_debug_mode("default")
        found[f"{rule}, {mode}, {dtype}"] = sum("synchroniz" in str(each.message) for each in caught)
    return found


def capture(device: torch.device) -> dict[str, float]:
    """The largest difference of what a CUDA graph of `run` replays on other numbers, and of a plain run."""
    found = {}
    dtypes = (torch.float32, torch.bfloat16) if kernels.is_installed() else (torch.float32,)
    for rule, dtype in product(RULES, dtypes):
        given, other = (_signals(rule, PLAN.size, seed, device, dtype) for seed in (0, 1))
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # compiles kernels, and lets the allocator settle
            for _ in range(3):
                run(rule, **given)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            read = run(rule, **given).read
        for name, signal in given.items():
            signal.copy_(other[name])
        graph.replay()
        found[f"{rule}, {dtype}"] = float((read - run(rule, **given).read).abs().max())
    return found


def _signals(rule: str, size: Size, seed: int, device: torch.device, dtype: torch.dtype) -> dict[str, Any]:
    return {name: signal.detach() for name, signal in draw(rule, size, seed, device, dtype)[0].items()}


def against_peers(rule: str, device: torch.device) -> dict[str, Any]:
    return rate.against_peers(PLAN, device, 0, [rule])


def single_precision(rule: str, device: torch.device) -> dict[str, Any]:
    """Seconds, bytes and the share of the least time that memory allows, without kernels."""
    drawn = draw(rule, PLAN.size, 0, device, torch.float32)
    contenders = {"ours": ours(rule, *drawn), "step_loop": step_loop(rule, *drawn)}
    speed = bandwidth.bytes_per_second(device)
    numbers: dict[str, Any] = {"difference": agreement.check(rule, contenders)}
    for work, suffix in SUFFIX.items():
        calls = {name: contender.works[work] for name, contender in contenders.items()}
        seconds = {n: float(np.median(each)) for n, each in time_interleaved(calls, PLAN.repeats, device).items()}
        numbers |= {f"seconds.{name}{suffix}": each for name, each in seconds.items()}
        numbers |= {f"bytes.{name}{suffix}": peak_bytes(call, device) for name, call in calls.items()}
        numbers[f"ratio.step_loop{suffix}"] = seconds["step_loop"] / seconds["ours"]
        least = bandwidth.least_bytes(contenders["ours"], backward="backward" in work)
        numbers[f"floor{suffix}"] = least / speed / seconds["ours"]
    return numbers


def on_two_cores(device: torch.device) -> None:
    """Keep this process to two cores, if it computes on the CPU."""
    if device.type == "cpu":
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
        torch.set_num_threads(CORES)


def _against_cores(work: Callable[[torch.device], dict[str, Any]], device: torch.device) -> dict[str, Any]:
    """What some work tells on a GPU and on two cores, a process each."""
    found = {}
    for where in (device, torch.device("cpu")):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), on_two_cores, (where,)) as alone:
            found[where.type] = alone.submit(work, where).result()
    return found


def identify(device: torch.device, settings: fitting.Settings | None = None) -> dict[str, Any]:
    """Seconds on each, and whether both leave the same rules."""
    found = _against_cores(partial(_identify, settings or fitting.Settings()), device)
    gpu, cpu = found[device.type], found["cpu"]
    return {
        **{name: number for each in (cpu, gpu) for name, number in each.items() if name != "rules"},
        "ratio": cpu["seconds.identify.cpu"] / gpu[f"seconds.identify.{device.type}"],
        "same rules": cpu["rules"] == gpu["rules"],
    }


def _identify(settings: fitting.Settings, device: torch.device) -> dict[str, Any]:
    return fitting.whole(settings, device.type)


def training(device: torch.device) -> dict[str, Any]:
    """Seconds of a step on each, by events and rule."""
    found = _against_cores(seconds_of_steps, device)
    ratios = {f"ratio.{key}": found["cpu"][key] / seconds for key, seconds in found[device.type].items()}
    return {f"seconds.{where}.{key}": each for where, own in found.items() for key, each in own.items()} | ratios


def seconds_of_steps(device: torch.device) -> dict[str, float]:
    """The median of some steps, drawing their episodes included."""
    found = {}
    for pairs in PAIRS:
        family = task.family(task.Settings(stored=pairs // 3, distractors=pairs - pairs // 3))
        nets = slownet.contenders(family, 0, device)
        batch, _ = slownet.batches(family, 0, device)
        for name, net in nets.items():
            step = slownet.step(net, batch)
            found[f"{name}.{2 * pairs}"] = float(np.median([_seconds(step, device) for _ in range(STEPS + 1)][1:]))
    return found


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    begun = perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter() - begun


PARTS: Mapping[str, Part] = {
    "tests": run_tests,
    "kernels": check_kernels,
    "waits": count_waits,
    "graph": capture,
    **{f"rate.{rule}": partial(against_peers, rule) for rule in RULES},
    **{f"single.{rule}": partial(single_precision, rule) for rule in RULES},
    "identify": identify,
    "training": training,
}


if __name__ == "__main__":
    sys.exit(main())
