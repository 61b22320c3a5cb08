"""Models that predict numbers, event by event: fast weights or softmax attention, and an LSTM, of equal size."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from neurofwp.rate.language_model import SOFTMAX, Sizes, language_model, parameter_count
from neurofwp.rate.layer_signals import linear


class Predictor(nn.Module):
    """Vectors (batch, time, inputs) to vectors (batch, time, outputs); each output knows its event and the past.

    The blocks of `language_model` between linear maps: a short convolution, by which one write can bind what came at
    one event to what came at the next, fast weights or softmax attention, and an MLP.

    Parameters
    ----------
    layer : "softmax" or the id of a rule. inputs, outputs : of an event. width, heads, size, blocks, length : as of
        `language_model`. generator : of all initial weights.
    """

    def __init__(
        self,
        layer: str,
        inputs: int,
        outputs: int,
        *,
        generator: torch.Generator,
        **sizes: Unpack[Sizes],
    ) -> None:
        super().__init__()
        stack = language_model(layer, 1, **sizes, answers=outputs, generator=generator)
        stack.embedding = nn.Identity()  # of tokens, which there are none of
        self.input = linear(inputs, sizes["width"], bias=0.0, generator=generator)
        self.stack = stack

    def forward(self, x: Tensor) -> Tensor:
        answers, _ = self.stack.advance_vectors(self.input(x), self.stack.begin(len(x)))
        return answers


class RecurrentPredictor(nn.Module):
    """The same of an LSTM (Hochreiter & Schmidhuber 1997) and a linear read-out.

    Parameters
    ----------
    inputs, outputs : as of `Predictor`. cells : of the LSTM. generator : of all initial weights.
    """

    def __init__(self, inputs: int, outputs: int, *, cells: int, generator: torch.Generator) -> None:
        super().__init__()
        self.layer = nn.LSTM(inputs, cells, batch_first=True)
        self.head = nn.utils.skip_init(nn.Linear, cells, outputs)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(cells**-0.5), cells**-0.5, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        answers: Tensor = self.head(self.layer(x)[0])
        return answers


def predictor(
    model: str, inputs: int, outputs: int, *, generator: torch.Generator, **sizes: Unpack[Sizes]
) -> nn.Module:
    """A `Predictor`, or for "lstm" a `RecurrentPredictor` with as many cells as make it no larger than attention."""
    if model != "lstm":
        return Predictor(model, inputs, outputs, generator=generator, **sizes)
    most = parameter_count(Predictor(SOFTMAX, inputs, outputs, generator=torch.Generator(), **sizes))
    cells = 1
    while 4 * (cells + 1) * (inputs + cells + 3) + (cells + 2) * outputs <= most:
        cells += 1
    return RecurrentPredictor(inputs, outputs, cells=cells, generator=generator)
