"""Language models that differ in the layer alone, at equal size: fast weights, or softmax attention."""

from __future__ import annotations

from typing import TypedDict

import torch
from torch import nn

from neurofwp.errors import InputError
from neurofwp.rate.attention import SoftmaxLayer
from neurofwp.rate.layer import FastWeightLayer
from neurofwp.rate.layer_signals import linear
from neurofwp.rate.stack import FastWeightStack

SOFTMAX = "softmax"
FEATURE_MAP = "silu-l2"
CONVOLUTION = 4
# Spread of the embedding at first. At the usual one, 1, what a block adds is small beside its input for long.
EMBEDDING = 0.02


class Sizes(TypedDict):
    """Of a model, as of `language_model`."""

    width: int
    heads: int
    size: int
    blocks: int
    length: int


def language_model(
    layer: str,
    vocabulary: int,
    *,
    width: int,
    heads: int,
    size: int,
    blocks: int,
    length: int,
    answers: int | None = None,
    generator: torch.Generator,
) -> FastWeightStack:
    """A FastWeightStack with a short convolution, or the same with softmax attention in place of fast weights.

    What the gates of a rule take is taken off the MLPs: all have as many parameters as the one with attention, whose
    MLPs are 8/3 width wide, to one cell of an MLP.

    Parameters
    ----------
    layer : "softmax" or the id of a rule. width : d_model. heads : of each layer. size : d_key and d_value of one head.
    blocks : their number. length : the longest sequences, for whose events log_linear has levels.
    answers : how many there are, by default as many as tokens. generator : of all initial weights.

    Raises
    ------
    InputError
        where a layer alone has more parameters than a whole block of attention, and as FastWeightStack does.
    """
    sizes = {"level": length.bit_length() + 1} if layer == "log_linear" else None
    attention = [SoftmaxLayer(width, size, generator, heads) for _ in range(blocks)]
    own = attention[0] if layer == SOFTMAX else FastWeightLayer(
        layer, width, size, size, heads, FEATURE_MAP, sizes=sizes, generator=generator
    )  # fmt: skip
    more = parameter_count(own) - parameter_count(attention[0])
    mlp_width = round(8 / 3 * width - more / (3 * width))
    if mlp_width < 1:
        raise InputError(
            f"a layer of {layer} has {more} parameters more than attention, which is more than an MLP has at width "
            f"{width}: make width larger, or heads or size smaller"
        )
    stack = FastWeightStack(
        vocabulary, "hebbian" if layer == SOFTMAX else layer, width, size, size, heads,
        layers=blocks, convolution=CONVOLUTION, mlp_width=mlp_width, feature_map=FEATURE_MAP, sizes=sizes,
        generator=generator,
    )  # fmt: skip
    if answers is not None:
        stack.head = linear(width, answers, generator=generator)
    nn.init.normal_(stack.embedding.weight, std=EMBEDDING, generator=generator)
    if layer == SOFTMAX:
        for block, its_own in zip(stack.blocks, attention, strict=True):
            block.layer = its_own
    return stack


def parameter_count(module: nn.Module) -> int:
    """How many numbers it learns."""
    return sum(parameter.numel() for parameter in module.parameters())
