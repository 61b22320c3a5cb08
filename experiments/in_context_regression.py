"""In-context linear regression: fast weights that learn from N examples, against the closed form of each update rule.

Examples x ~ N(0, I) come with targets y = w.x of an unknown w ~ N(0, I); written as keys and values, they must predict
w.x for a new x. Hebbian sums and decaying sums take their best step for N, the delta rule its best constant step or
step 1 for keys of norm one, and least squares (mesa) is the optimum. Every point has episodes of its own, so that the
points are independent: of all of them, 4.6 % should lie more than two standard errors from theory by chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neurofwp as nf
from neurofwp.errors import InputError
from neurofwp.runtime.experiment import Experiment
from neurofwp.runtime.lazy import np, torch, xr

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

TABLE = (5, 10, 20, 40)  # the numbers of examples in the table of errors


@dataclass(frozen=True)
class Settings:
    """What to run."""

    inputs: int = 10
    """Dimensions of an input."""
    longest: int = 40
    """Most examples in an episode."""
    episodes: int = 4000
    """Episodes for each rule and number of examples."""
    decay: float = 0.9
    """Share of the weights that survives an example, for the decaying sum."""
    ridge: float = 1e-10
    """Ridge of least squares; theory takes it for 0."""


@dataclass(frozen=True)
class Learner:
    """A rule as it is used here: what run() is given for N examples, and the squared error that theory expects.

    `arguments(settings, x, y)` gets x (episode, 1 + N, inputs) and y (episode, 1 + N), of which the first is empty, so
    that there is a read even after no example; values and steps come back as (episode, 1 + N), keys as x is.
    """

    rule: str
    arguments: Callable[[Settings, Tensor, Tensor], dict[str, Any]]
    theory: Callable[[Settings, np.ndarray], np.ndarray]


def _hebbian(settings: Settings, x: Tensor, y: Tensor) -> dict[str, Any]:
    step = float(nf.theory.hebbian_step(x.shape[1] - 1, settings.inputs))
    return {"key": x, "value": y, "beta": torch.full_like(y, step)}


def _decay(settings: Settings, x: Tensor, y: Tensor) -> dict[str, Any]:
    step = float(nf.theory.decay_step(x.shape[1] - 1, settings.inputs, settings.decay))
    return {"key": x, "value": y, "beta": torch.full_like(y, step), "parameters": {"decay": settings.decay}}


def _delta(settings: Settings, x: Tensor, y: Tensor) -> dict[str, Any]:
    return {"key": x, "value": y, "beta": torch.full_like(y, 1 / (settings.inputs + 2))}


def _unit_key_delta(settings: Settings, x: Tensor, y: Tensor) -> dict[str, Any]:
    size = torch.linalg.vector_norm(x, dim=-1)
    size = torch.where(size > 0, size, 1.0)
    return {"key": x / size[..., None], "value": y / size, "beta": torch.ones_like(y)}


def _mesa(settings: Settings, x: Tensor, y: Tensor) -> dict[str, Any]:
    ridge = x.new_full((1, settings.inputs), settings.ridge)
    return {"key": x, "value": y, "beta": torch.ones_like(y), "ridge": ridge}


LEARNERS = {
    "hebbian": Learner("hebbian", _hebbian, lambda s, n: nf.theory.hebbian_regression(n, s.inputs)),
    "decay": Learner("fixed_decay", _decay, lambda s, n: nf.theory.decay_regression(n, s.inputs, s.decay)),
    "delta": Learner("delta", _delta, lambda s, n: nf.theory.delta_regression(n, s.inputs)),
    "delta_unit_keys": Learner("delta", _unit_key_delta, lambda s, n: nf.theory.unit_key_delta_regression(n, s.inputs)),
    "mesa": Learner("mesa", _mesa, lambda s, n: nf.theory.mesa_regression(n, s.inputs)),
}


def check(settings: Settings) -> None:
    """Refuse what cannot be run.

    Raises
    ------
    InputError
        for no inputs, no examples, or too few episodes for a standard error.
    """
    for name, least in (("inputs", 1), ("longest", 1), ("episodes", 2)):
        if getattr(settings, name) < least:
            raise InputError(f"{name} must be {least} or more, but is {getattr(settings, name)}")


def run(settings: Settings, *, seed: int, device: str, folder: Path | None = None) -> xr.DataTree:
    """Simulate every rule with every number of examples."""
    check(settings)
    examples = np.arange(settings.longest + 1)
    seeds = iter(np.random.SeedSequence(seed).spawn(len(LEARNERS) * len(examples)))
    mean, sem = np.empty((2, len(LEARNERS), len(examples)))
    for i, learner in enumerate(LEARNERS.values()):
        for j, count in enumerate(examples.tolist()):
            errors = squared_errors(learner, settings, count, np.random.default_rng(next(seeds)), device)
            mean[i, j], sem[i, j] = errors.mean(), errors.std(ddof=1) / np.sqrt(errors.size)
    dims = ("rule", "examples")
    expected = np.stack([learner.theory(settings, examples) for learner in LEARNERS.values()])
    error = xr.Dataset(
        {
            "squared_error": (dims, mean, {"units": "1"}),
            "sem": (dims, sem, {"units": "1"}),
            "theory": (dims, expected, {"units": "1"}),
        },
        coords={"rule": list(LEARNERS), "examples": examples},
        attrs={"episodes": settings.episodes},
    )
    return xr.DataTree.from_dict({"/error": error})


def squared_errors(
    learner: Learner, settings: Settings, count: int, rng: np.random.Generator, device: str
) -> np.ndarray:
    """(w.x - prediction)^2 for a new x after `count` examples, (episode,)."""
    place = nf.rate.choose_device(device)

    def normal(*shape: int) -> Tensor:
        return torch.as_tensor(rng.standard_normal((settings.episodes, *shape)), device=place)

    w, x, new = normal(settings.inputs), normal(1 + count, settings.inputs), normal(settings.inputs)
    x[:, 0] = 0
    arguments = learner.arguments(settings, x, torch.einsum("eti,ei->et", x, w))
    arguments["value"] = arguments["value"][..., None]
    for name in ("key", "value", "beta"):
        arguments[name] = arguments[name][:, :, None]  # one head
    query = torch.zeros_like(arguments["key"])
    query[:, -1, 0] = new
    read, _ = nf.rate.run(learner.rule, query=query, mode="recurrent", **arguments)  # the faster for keys this small
    return ((torch.einsum("ei,ei->e", w, new) - read[:, -1, 0, 0]) ** 2).cpu().numpy()


def deviation(error: xr.Dataset) -> xr.DataArray:
    """(simulation - theory)/SEM by rule and examples; NaN where theory is 0, as nothing is random there."""
    return ((error["squared_error"] - error["theory"]) / error["sem"]).where(error["theory"] > 0)


def tables(result: xr.DataTree) -> dict[str, xr.Dataset]:
    """How many points lie beyond two standard errors, and should by chance; errors with theory (rule, examples)."""
    from scipy.stats import norm

    error = result["error"].to_dataset()
    z = abs(deviation(error))
    points = int(z.notnull().sum())
    numbers = {
        "points": points,
        "beyond_2_standard_errors": int((z > 2).sum()),
        "beyond_2_standard_errors_expected": float(2 * norm.sf(2) * points),
        "largest_z": float(z.max()),
        "largest_error_where_theory_is_0": float(error["squared_error"].where(error["theory"] == 0).max()),
    }
    shown = error.sel(examples=error["examples"].isin(TABLE)).rename(sem="squared_error_sem")
    return {
        "summary": xr.Dataset({name: ((), number, {"units": "1"}) for name, number in numbers.items()}),
        "error": shown,
    }


def plot(result: xr.DataTree) -> dict[str, Figure]:
    """Simulated and expected error against the number of examples, and their difference in standard errors."""
    return {"in_context_regression": nf.plots.in_context(result["error"].to_dataset())}


EXPERIMENT = Experiment(Settings, run, tables, plot, check=check)
