"""Language modelling, byte by byte: bits per byte of fast weight rules and softmax attention, of one size and budget.

The text is Python's standard library, split by file: training sees no file of the test. Networks read windows of
`length` bytes, beyond which none remembers anything, and predict each next byte. All are the same stack of blocks with
a short convolution and differ in the layer alone; what a rule's own gates take is taken off the MLP, so that all have
the same number of parameters to 1 %. All are trained alike, with the same bytes in the same order, by one recipe, and
the weights that are best on validation files are tested.

Beside them stand closed forms: all bytes alike (8 bits), and the shares of bytes, and of bytes behind each byte, in the
training text. The default, three networks from one seed, is a smoke result: it says that all of this learns, and not
which rule is better. Three seeds of all seven, by --full, give intervals.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import neurofwp as nf
from neurofwp.runtime.experiment import SPEED, Experiment, check_counts, check_models
from neurofwp.runtime.lazy import np, torch, xr
from neurofwp.runtime.parallel import parallel_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from neurofwp.rate import FastWeightStack
    from neurofwp.tasks.tokens.standard_library import Split, Texts

    Batch = tuple[Tensor, Tensor]  # tokens and targets, (window, event) each

SOFTMAX = "softmax"
SMOKE = (SOFTMAX, "hebbian", "delta")
MODELS = (*SMOKE, "scalar_decay", "gated_delta", "erase_write_delta", "log_linear")
UNIT = "bits/byte"
EVALUATIONS = 20  # of validation files, in the first stage of training
AT_ONCE = 64  # windows: a bound on memory
TIMED = 5  # batches, of which the median is the throughput


@dataclass(frozen=True)
class Settings:
    """What to run. The default is a smoke result of three networks; claims take --full."""

    models: tuple[str, ...] = ()
    """softmax, or ids of rules. Left out: softmax hebbian delta; with --full, four more rules."""
    full: bool = False
    """All models and three networks of each: hours."""
    networks: int | None = None
    """Networks of each model, of the seeds that follow the run's: seed, seed + 1, ... Left out: 1; with --full, 3."""
    width: int = 96
    """Dimensions of a byte's vector."""
    heads: int = 3
    """Of each layer."""
    size: int = 32
    """Dimensions of a key, and of a value, of one head."""
    blocks: int = 2
    """Layers, each with an MLP."""
    length: int = 256
    """Bytes of a window."""
    batch: int = 16
    """Windows of a training step."""
    steps: int = 1500
    """Training steps at learning rate 0.003; a quarter as many follow at 0.001."""
    validated: int = 128
    """Windows of the validation files by which the best weights are chosen, spread over all."""
    tested: int = 1000
    """Windows of the test files, spread over all."""


def check(settings: Settings) -> None:
    """Refuse what cannot be run.

    Raises
    ------
    InputError
        for a model that is not known or comes twice, or a size below 1.
    """
    check_models(settings.models, MODELS)
    check_counts(settings)


def models_of(settings: Settings) -> tuple[str, ...]:
    """The models that the settings ask for."""
    return settings.models or (MODELS if settings.full else SMOKE)


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Train and test all networks, one process per core; in `folder` each leaves a checkpoint, from which it resumes.

    Raises
    ------
    InputError
        as `check` does, and where the source of the standard library is not there.
    """
    check(settings)
    place = nf.rate.choose_device(device).type
    library = nf.tasks.tokens.standard_library
    texts = {split: library.read_texts(split) for split in library.SPLITS}
    models, networks = models_of(settings), settings.networks or (3 if settings.full else 1)
    # one network of every model before the next ones: what an interrupted run leaves can be compared
    found = parallel_map(
        train_and_test,
        {(name, n): (name, settings, seed + n, place, folder) for n in range(networks) for name in models},
        description="training networks",
        report=lambda job, own: f"{job[0]}, seed {seed + job[1]}: {float(own['bits']):.3f} bits per byte",
    )
    by_model = [xr.concat([found[name, n] for n in range(networks)], dim="network") for name in models]
    result = xr.concat(by_model, dim="model").assign_coords(model=list(models), network=seed + np.arange(networks))
    result.attrs |= {"python": platform.python_version(), "length": settings.length}
    return xr.DataTree.from_dict({"/models": result, "/baselines": baselines(texts), "/files": library.files_of(texts)})


def baselines(texts: Mapping[Split, Texts]) -> xr.Dataset:
    """Bits per byte of the test files in closed form (baseline), and how much of them training has seen in lines."""
    library = nf.tasks.tokens.standard_library
    training, test = (library.stream(texts[split]) for split in ("training", "test"))
    bits = {
        "uniform": math.log2(library.BYTES),
        "unigram": library.ngram_bits(training, test, 1),
        "bigram": library.ngram_bits(training, test, 2),
    }
    known = library.share_of_known_lines(texts["training"], texts["test"])
    return xr.Dataset(
        {"bits": ("baseline", list(bits.values()), {"units": UNIT}), "known_lines": ((), known, {"units": "1"})},
        coords={"baseline": list(bits)},
    )


def build(name: str, settings: Settings, generator: torch.Generator) -> FastWeightStack:
    """A network, not trained."""
    return nf.rate.language_model(
        name, nf.tasks.tokens.standard_library.BYTES, width=settings.width, heads=settings.heads, size=settings.size,
        blocks=settings.blocks, length=settings.length, generator=generator,
    )  # fmt: skip


def train_and_test(
    name: str, settings: Settings, seed: int, device: str, folder: Path | None, *, progress: bool = False
) -> xr.Dataset:
    """One trained network.

    ``bits`` of the test files; ``validation`` (evaluation), bits of validation files, after ``trained`` bytes;
    ``parameters``; ``throughput`` of training, here and now, beside whatever else runs.
    """
    model, curve = train(name, settings, seed, device, folder, progress=progress)
    library = nf.tasks.tokens.standard_library
    tested = library.windows(library.stream(library.read_texts("test")), settings.length, most=settings.tested)
    bits = bits_per_byte(model, _batch(tested, device))
    return curve.assign(
        bits=((), bits, {"units": UNIT}),
        parameters=((), nf.rate.parameter_count(model), {"units": "1"}),
        throughput=((), throughput(model, settings, device), {"units": "bytes/second", SPEED: "of this machine"}),
    )


def train(
    name: str, settings: Settings, seed: int, device: str, folder: Path | None = None, *, progress: bool = False
) -> tuple[nn.Module, xr.Dataset]:
    """One network after both learning rates, and its learning curve."""
    library = nf.tasks.tokens.standard_library
    training, validation = (library.stream(library.read_texts(split)) for split in ("training", "validation"))
    chosen = _batch(library.windows(validation, settings.length, most=settings.validated), device)
    model = build(name, settings, torch.Generator().manual_seed(seed)).to(device)
    # neither other networks nor the test change this one
    others = ("models", "full", "networks", "tested")
    config = {key: value for key, value in asdict(settings).items() if key not in others}
    config |= {"model": name, "seed": seed, "text": sha256(training.tobytes() + validation.tobytes()).hexdigest()}

    def train_stage(stage: str, first: int, steps: int, learning_rate: float) -> list[tuple[float, float]]:
        outcome = nf.slownet.training.train(
            model,
            lambda step: _batch(
                library.random_windows(training, settings.length, settings.batch, seed=(seed, first + step)), device
            ),
            loss_of,
            lambda model: {"loss": bits_per_byte(model, chosen)},
            settings=nf.slownet.training.Training(
                steps, learning_rate, evaluate_every=max(1, settings.steps // EVALUATIONS), patience=None
            ),
            folder=None if folder is None else folder / name / str(seed) / stage,
            config=config, progress=progress, description=f"{name}, {stage}",
        )  # fmt: skip
        return [(first + each["step"], each["loss"]) for each in outcome.history]

    history = train_stage("coarse", 0, settings.steps, 3e-3)
    history += train_stage("fine", settings.steps, -(-settings.steps // 4), 1e-3)
    return model, _curve(history, settings)


def _curve(history: list[tuple[float, float]], settings: Settings) -> xr.Dataset:
    """Steps, and bits of the validation files after them, as a learning curve."""
    steps, bits = np.array(history).T
    trained = (steps * settings.batch * settings.length).astype(int)
    return xr.Dataset(
        {
            "trained": ("evaluation", trained, {"units": "bytes"}),
            "validation": ("evaluation", bits, {"units": UNIT}),
        }
    )


def _batch(windows: xr.Dataset, device: str) -> Batch:
    token, target = (torch.as_tensor(windows[name].values, device=device) for name in ("token", "target"))
    return token, target


def loss_of(model: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of the next bytes, nats."""
    token, target = batch
    return torch.nn.functional.cross_entropy(
        model(token).flatten(0, 1), target.flatten(), ignore_index=nf.tasks.tokens.NOT_ASKED
    )


def bits_per_byte(model: nn.Module, batch: Batch) -> float:
    """Cross-entropy of all bytes that are asked for, in bits."""
    nats, count = 0.0, 0
    for token, target in zip(*(each.split(AT_ONCE) for each in batch), strict=True):
        asked = int((target != nf.tasks.tokens.NOT_ASKED).sum())
        with torch.no_grad():
            nats += asked * float(loss_of(model, (token, target)))
        count += asked
    return nats / count / math.log(2)


def throughput(model: nn.Module, settings: Settings, device: str) -> float:
    """Bytes per second of training, from loss and gradients of a batch."""
    token = torch.arange(settings.batch * settings.length, device=device) % nf.tasks.tokens.standard_library.BYTES
    token = token.view(settings.batch, -1)
    seconds = []
    for _ in range(TIMED):
        begin = time.perf_counter()
        loss_of(model, (token, token)).backward()
        next(model.parameters()).detach().sum().item()  # waits for a GPU
        seconds.append(time.perf_counter() - begin)
    model.zero_grad(set_to_none=True)
    return token.numel() / float(np.median(seconds))


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """Bits per byte of the test files: of every model with its SEM, and of the closed forms; what was read (split).

    ``above_attention`` is the difference to softmax attention of the same seed, where that was trained.
    """
    models = result["models"].to_dataset().transpose("model", "network", ...).drop_vars("network")
    bits = models["bits"]
    numbers = nf.metrics.mean_and_sem("bits", bits, "network") | {"bits_of_networks": bits}
    if SOFTMAX in models["model"]:
        above = (bits - bits.sel(model=SOFTMAX, drop=True)).assign_attrs(bits.attrs)
        numbers |= nf.metrics.mean_and_sem("above_attention", above, "network")
    for name in ("parameters", "throughput"):
        numbers[name] = models[name].mean("network").assign_attrs(models[name].attrs)
    baselines = result["baselines"].to_dataset()
    files = result["files"].to_dataset()
    by_split = files["bytes"].groupby(files["split"])
    summary = {
        "networks": ((), bits.sizes["network"], {"units": "1"}),
        "trained": models["trained"].max().assign_attrs(units="bytes"),
        "known_lines": baselines["known_lines"],
        "python": ((), models.attrs["python"]),
    }
    return {
        "summary": xr.Dataset(summary),
        "models": xr.Dataset(numbers),
        "baselines": baselines[["bits"]],
        "text": xr.Dataset(
            {
                "files": by_split.count().assign_attrs(units="1"),
                "bytes": by_split.sum().assign_attrs(units="bytes"),
            }
        ),
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Bits per byte against training bytes, and on the test files beside what is known in closed form."""
    parts = (result[name].to_dataset() for name in ("models", "baselines"))
    return {"language_modelling": nf.plots.language_modelling(*parts)}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
