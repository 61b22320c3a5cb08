"""Linear recurrences of fast weights over a whole sequence at once, chunk by chunk: tensor algebra that rules use.

Within a chunk all events are computed in parallel, as attention is; between chunks only W is handed on. The results are
those of the recurrence, to rounding, at any length.
"""

from neurofwp.rules.chunkwise.chunks import join, split
from neurofwp.rules.chunkwise.decay import ChannelDecay, Decay, NoDecay, ScalarDecay
from neurofwp.rules.chunkwise.filtered import filtered_sum
from neurofwp.rules.chunkwise.low_rank import low_rank_sum
from neurofwp.rules.chunkwise.masks import last, last_ones, left_aligned, unaligned
from neurofwp.rules.chunkwise.recurrence import corrected_sum, decayed_sum
from neurofwp.rules.chunkwise.window import windowed_attention

__all__ = [
    "ChannelDecay",
    "Decay",
    "NoDecay",
    "ScalarDecay",
    "corrected_sum",
    "decayed_sum",
    "filtered_sum",
    "join",
    "last",
    "last_ones",
    "left_aligned",
    "low_rank_sum",
    "split",
    "unaligned",
    "windowed_attention",
]
