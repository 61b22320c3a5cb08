"""Models that predict numbers, event by event: fast weights or softmax attention, and an LSTM, of equal size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neurofwp.rate.language_model import SOFTMAX, language_model, parameter_count
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
        width: int,
        heads: int,
        size: int,
        blocks: int,
        length: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        stack = language_model(
            layer, 1, width=width, heads=heads, size=size, blocks=blocks, length=length, answers=outputs,
            generator=generator,
        )  # fmt: skip
        self.input = linear(inputs, width, bias=0.0, generator=generator)
        self.blocks, self.norm, self.head = stack.blocks, stack.norm, stack.head

    def forward(self, x: Tensor) -> Tensor:
        x = self.input(x)
        for block in self.blocks:
            x, _ = block(x, block.begin(len(x)))  # type: ignore[operator]
        answers: Tensor = self.head(self.norm(x))
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
    model: str,
    inputs: int,
    outputs: int,
    *,
    width: int,
    heads: int,
    size: int,
    blocks: int,
    length: int,
    generator: torch.Generator,
) -> nn.Module:
    """A `Predictor`, or for "lstm" a `RecurrentPredictor` with as many cells as make it no larger than attention."""
    sizes = {"width": width, "heads": heads, "size": size, "blocks": blocks, "length": length}
    if model != "lstm":
        return Predictor(model, inputs, outputs, **sizes, generator=generator)
    most = parameter_count(Predictor(SOFTMAX, inputs, outputs, **sizes, generator=torch.Generator()))
    cells = 1
    while 4 * (cells + 1) * (inputs + cells + 3) + (cells + 2) * outputs <= most:
        cells += 1
    return RecurrentPredictor(inputs, outputs, cells=cells, generator=generator)
