"""Scores on held-out episodes, from sums per episode, so that resampling episodes costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurofwp.identification.noise_ceiling import ceiling, ceiling_error, moments

RESAMPLES = 2000


@dataclass(frozen=True)
class HeldOut:
    """Residual sums of squares (rule, episode) and moments (episode, 5) of the weights, with a repeat if there is one.

    A `count` (..., episode) says how often each episode is taken: ones for all, a row of integers for a resample.
    """

    rss: np.ndarray
    own: np.ndarray
    shared: np.ndarray | None

    @classmethod
    def of(cls, rss: np.ndarray, weight: np.ndarray, repeat: np.ndarray | None) -> HeldOut:
        """From the weights (episode, weight) of the Trace and of its repeat."""
        return cls(rss, moments(weight, weight), None if repeat is None else moments(weight, repeat))

    @property
    def all(self) -> np.ndarray:
        return np.ones(self.rss.shape[1])

    def r2(self, count: np.ndarray) -> np.ndarray:
        """1 - RSS/TSS (..., rule), TSS about the mean of all weights taken."""
        total = count @ self.own
        spread = total[..., 4] - total[..., 1] ** 2 / total[..., 0]
        explained: np.ndarray = 1 - (count @ self.rss.T) / spread[..., None]
        return explained

    def ceiling(self, count: np.ndarray) -> np.ndarray:
        """Noise ceiling (...); NaN without a repeat."""
        if self.shared is None:
            return np.full(count.shape[:-1], np.nan)
        return np.asarray(ceiling(count @ self.shared))

    def ceiling_sem(self) -> float:
        """By jackknife over episodes; NaN without a repeat or with one episode."""
        return np.nan if self.shared is None or len(self.shared) < 2 else ceiling_error(self.shared)

    def share(self, count: np.ndarray) -> np.ndarray:
        """r2 / ceiling (..., rule); without a repeat, NaN."""
        share: np.ndarray = self.r2(count) / self.ceiling(count)[..., None]
        return share

    def resamples(self, seed: int) -> np.ndarray:
        """How often each episode is drawn in each bootstrap resample, (resample, episode)."""
        episodes = len(self.own)
        return np.random.default_rng(seed).multinomial(episodes, np.full(episodes, 1 / episodes), size=RESAMPLES)
