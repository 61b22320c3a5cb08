"""Controllers: what a slow net knows of the episode when it sets its gates. Three architectures, one interface."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurofwp.rate.layer_signals import linear
from neurofwp.slownet.training.settings import Architecture


class FeedForward(nn.Module):
    """Knows the present event: h = relu(A x + a)."""

    def __init__(self, seen: int, read: int, hidden: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.input = linear(seen, hidden, bias=0.0, generator=generator)

    def forward(self, seen: Tensor) -> Tensor:
        """All events: (episode, event, seen) -> (episode, event, hidden)."""
        h: Tensor = self.input(seen).relu()
        return h


class GRU(nn.Module):
    """Knows all events so far: a gated recurrent unit (Cho et al. 2014), and a layer as of FeedForward on top."""

    def __init__(self, seen: int, read: int, hidden: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.memory = nn.GRU(seen, hidden, batch_first=True)
        for parameter in self.memory.parameters():
            nn.init.uniform_(parameter, -(hidden**-0.5), hidden**-0.5, generator=generator)
        self.output = linear(hidden, hidden, bias=0.0, generator=generator)

    def forward(self, seen: Tensor) -> Tensor:
        """All events: (episode, event, seen) -> (episode, event, hidden)."""
        h: Tensor = self.output(self.memory(seen)[0]).relu()
        return h


class Recurrent(nn.Module):
    """Knows what the fast weights said at the last event: h = relu(A x + R tanh(y_{t-1}) + a).

    As in the recurrent FWP and recurrent_delta (Irie et al. 2021, arXiv 2106.06295), the slow net reads its own
    previous output y: the read of that event, or, where it asked nothing, what its key would have read.
    """

    def __init__(self, seen: int, read: int, hidden: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.input = linear(seen, hidden, bias=0.0, generator=generator)
        self.feedback = linear(read, hidden, generator=generator)

    def forward(self, seen: Tensor, read: Tensor) -> Tensor:
        """One event: (episode, seen) and what the last one read (episode, read) -> (episode, hidden)."""
        h: Tensor = (self.input(seen) + self.feedback(read.tanh())).relu()
        return h


ARCHITECTURES: dict[Architecture, type[FeedForward] | type[GRU] | type[Recurrent]] = {
    "feed-forward": FeedForward,
    "gru": GRU,
    "recurrent": Recurrent,
}
