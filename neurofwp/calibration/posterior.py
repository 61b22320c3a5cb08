"""The posterior of parameters, given measurements: an ensemble of walkers, many sets of parameters in every step.

The density is that whose mode `fit_parameters` finds: a normal one of every mean, with its SEM, times a log-normal one
of every parameter about its published value, within the bounds; without a spread it is even in the logarithm (of
amplitudes that may be 0, in the amplitude). Walkers stretch towards each other (Goodman & Weare 2010, Commun Appl Math
Comput Sci 5:65) as emcee does it (Foreman-Mackey et al. 2013, Publ Astron Soc Pac 125:306).

Steps are taken in parts. Each is kept, and an interrupted sampling resumes behind the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from neurofwp.calibration.problem import Problem
from neurofwp.errors import InputError
from neurofwp.runtime import store
from neurofwp.runtime.progress import progress_bar

Floats = NDArray[np.float64]

PARTS = 20  # in which steps are taken


@dataclass(frozen=True)
class Ensemble:
    """Walkers on the posterior of a problem.

    about : all that the problem depends on beside the code, as data.
    """

    problem: Problem
    about: Any

    def depends_on(self) -> Any:
        """What kept parts depend on."""
        own = [[each.name, each.low, each.high, each.published] for each in self.problem.parameters]
        return [self.about, own, self.problem.ratio, self.problem.sem, self.problem.spread]

    def log_density(self, places: Floats) -> Floats:
        """Up to a constant, (walkers,), of places (walkers, parameters); minus infinity beyond the bounds."""
        inside = ((places >= 0) & (places <= 1)).all(1)
        # as many sets in every call, for which a bench is compiled once
        squares = self.problem.meet(self.problem.target).costs(places.clip(0, 1))
        return np.where(inside, -squares / 2, -np.inf)

    def part(self, start: Floats, steps: int, seed: int) -> xr.Dataset:
        """``place`` (draw, walker, parameter) and ``log_density`` (draw, walker) of some steps."""
        emcee = _emcee()
        sampler = emcee.EnsembleSampler(*start.shape, self.log_density, vectorize=True)
        state = emcee.State(start, random_state=np.random.RandomState(seed).get_state())
        sampler.run_mcmc(state, steps, skip_initial_state_check=True)
        return xr.Dataset(
            {
                "place": (("draw", "walker", "parameter"), sampler.get_chain()),
                "log_density": (("draw", "walker"), sampler.get_log_prob()),
            }
        )


def sample_posterior(
    problem: Problem,
    start: Floats,
    *,
    about: Any = None,
    walkers: int = 32,
    steps: int = 2000,
    draws: int = 250,
    seed: int = 0,
    folder: Path | None = None,
    progress: bool = True,
) -> xr.Dataset:
    """Draws from the posterior.

    Parameters
    ----------
    start : place (parameter,) about which walkers begin, as of a fit. walkers : at least twice as many as parameters.
    steps : of each walker, of which the first half is left out. draws : of each walker that are kept of the others.
    about : all that predictions depend on beside the code, as data; parts are kept in `folder` under its hash.

    Returns
    -------
    Dataset of ``place`` (chain, draw, parameter), ``log_density`` (chain, draw), and of values in declared units, one
    variable (chain, draw) for each parameter, with units; chains are walkers. ``autocorrelation`` (parameter,): steps
    after which draws of a walker are independent, as emcee estimates it, and ``effective`` (parameter,): how many
    independent draws that leaves.

    Raises
    ------
    InputError
        if emcee is missing, for too few walkers, or fewer steps than `PARTS`.
    """
    count = len(problem.parameters)
    if walkers < 2 * count:
        raise InputError(f"{count} parameters need {2 * count} walkers or more, not {walkers}")
    if steps < PARTS:
        raise InputError(f"steps must be at least {PARTS}, not {steps}")
    rng = np.random.default_rng(seed)
    ensemble = Ensemble(problem, about)
    place = (start + 0.02 * rng.standard_normal((walkers, count))).clip(1e-3, 1 - 1e-3)
    lengths = [len(each) for each in np.array_split(np.arange(steps), PARTS)]
    parts: list[xr.Dataset] = []
    with progress_bar(total=steps, desc="sampling", disable=not progress) as bar:
        for index, (length, own) in enumerate(zip(lengths, rng.integers(2**31, size=PARTS), strict=True)):
            call = (ensemble, place, length, int(own))
            entry = store.entries(folder, Ensemble.part, {f"posterior-{index}": call}).get(f"posterior-{index}")
            part = entry.read() if entry else None
            if part is None:
                part = Ensemble.part(*call)
                if entry:
                    entry.write(part)
            parts.append(part)
            place = part["place"].values[-1]
            bar.update(length)
    return _describe(problem, xr.concat(parts, "draw"), draws)


def _describe(problem: Problem, steps: xr.Dataset, draws: int) -> xr.Dataset:
    emcee = _emcee()
    later = steps.isel(draw=slice(steps.sizes["draw"] // 2, None))
    lag = np.atleast_1d(emcee.autocorr.integrated_time(later["place"].values, tol=0))
    effective = later.sizes["draw"] * later.sizes["walker"] / np.maximum(lag, 1)
    thin = max(1, later.sizes["draw"] // draws)
    drawn = later.isel(draw=slice(None, None, thin)).rename(walker="chain").transpose("chain", "draw", ...)
    names = [own.name for own in problem.parameters]
    found = drawn.assign_coords(
        parameter=names, chain=np.arange(drawn.sizes["chain"]), draw=np.arange(drawn.sizes["draw"])
    )
    for own, place in zip(problem.parameters, np.moveaxis(drawn["place"].values, -1, 0), strict=True):
        found[own.name] = (("chain", "draw"), own.value(place), {"units": own.unit})
    return found.assign(
        autocorrelation=("parameter", lag, {"units": "1"}), effective=("parameter", effective, {"units": "1"})
    )


def _emcee() -> Any:
    try:
        import emcee
    except ImportError as error:
        raise InputError("a posterior needs emcee: pip install 'neurofwp[posterior]'") from error
    return emcee
