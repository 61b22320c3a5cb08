"""Models that track a state: one fast weight layer, and nothing else that could count; and a recurrent network."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from neurofwp.rate.layer import FastWeightLayer

WIDTH = 32
SHUT = 200.0  # log sigmoid of it is 0, and so is its gradient


class Tracker(nn.Module):
    """Tokens (batch, time), whole numbers below `vocabulary`, to scores of all answers (batch, time, answers).

    One layer of two heads between an embedding and a linear read-out, without position or MLP. Its weights do not
    decay, since what decays cannot count.

    Parameters
    ----------
    vocabulary : how many tokens there are. answers : how many answers. rule, beta_range, sizes : as of
        `FastWeightLayer`.
    generator : of all initial weights.
    """

    def __init__(
        self,
        vocabulary: int,
        answers: int,
        rule: str,
        beta_range: float,
        sizes: Mapping[str, int] | None = None,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.embedding = nn.utils.skip_init(nn.Embedding, vocabulary, WIDTH)
        nn.init.normal_(self.embedding.weight, generator=generator)
        self.layer = FastWeightLayer(
            rule,
            WIDTH,
            d_key=8,
            d_value=8,
            heads=2,
            feature_map="silu-l2",
            beta_range=beta_range,
            sizes=sizes,
            generator=generator,
        )
        self.head = nn.utils.skip_init(nn.Linear, WIDTH, answers)
        nn.init.uniform_(self.head.weight, -(WIDTH**-0.5), WIDTH**-0.5, generator=generator)
        nn.init.zeros_(self.head.bias)
        if "log_decay" in self.layer.signals:
            nn.init.constant_(self.layer.signals["log_decay"].bias, SHUT)  # type: ignore[arg-type]

    def forward(self, tokens: Tensor) -> Tensor:
        answers: Tensor = self.head(self.layer(self.embedding(tokens)))
        return answers


class RecurrentTracker(nn.Module):
    """The same of an LSTM (Hochreiter & Schmidhuber 1997) of as many cells as the embedding has dimensions.

    Parameters
    ----------
    vocabulary, answers, generator : as of `Tracker`.
    """

    def __init__(self, vocabulary: int, answers: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.embedding = nn.utils.skip_init(nn.Embedding, vocabulary, WIDTH)
        nn.init.normal_(self.embedding.weight, generator=generator)
        self.layer = nn.LSTM(WIDTH, WIDTH, batch_first=True)
        self.head = nn.utils.skip_init(nn.Linear, WIDTH, answers)
        for parameter in (*self.layer.parameters(), *self.head.parameters()):
            nn.init.uniform_(parameter, -(WIDTH**-0.5), WIDTH**-0.5, generator=generator)

    def forward(self, tokens: Tensor) -> Tensor:
        answers: Tensor = self.head(self.layer(self.embedding(tokens))[0])
        return answers
