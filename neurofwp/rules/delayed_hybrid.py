"""Delayed hybrid: fast weights that get what leaves a window of softmax attention.

Both have their share in a read, as in hybrid. The write gate of an event opens for the key and value that leave.
"""

from __future__ import annotations

from neurofwp.rules.hybrid import Hybrid


class DelayedHybrid(Hybrid):
    """Fast weights that get what leaves a window of softmax attention."""

    id = "delayed_hybrid"
    equation = "delta, of the key and value that leave the window; y as hybrid"
    objective = "|v - W k|^2 / 2, of what leaves the window"
    signals = ("gate", "prediction", "key trace", "value trace")
    reading = "a short-term store whose items become synaptic as they leave it"
    source = "Irie, Yau & Gershman 2025 (arXiv 2506.00744), delayed streaming"
    not_fitted = "its weights are those of delta, as many events later as its window has, which a Program does not say"
    delayed = True


RULE = DelayedHybrid()
