"""A small sequence model of fast weight layers, for retrieval and state-tracking tasks."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurofwp.errors import InputError
from neurofwp.rate.layer import FastWeightLayer, LayerState
from neurofwp.rate.layer_signals import check_sizes, draw_linear, draw_uniform, empty_linear, factory, fill
from neurofwp.rate.sequences import Offsets, Sequences, check_sequences
from neurofwp.rate.values import are_known
from neurofwp.rules import Rule
from neurofwp.rules.chunkwise import last_ones, left_aligned, unaligned

BlockState = tuple[Tensor, LayerState]
StackState = list[BlockState]


class FastWeightStack(nn.Module):
    """Tokens to logits: embedding, `layers` blocks, RMS norm, linear head.

    A block adds two branches to its input, each behind an RMS norm (Zhang & Sennrich 2019): a FastWeightLayer, and a
    gated MLP (SwiGLU, Shazeer 2020) of about the size of a plain one that widens four times. Nothing tells a block
    the position of a token: order is what its rule makes of it.

    Parameters
    ----------
    vocabulary : number of tokens, of the input and of the answer.
    rule, d_model, d_key, d_value, heads : of every FastWeightLayer.
    layers : number of blocks.
    convolution : length of a causal depthwise convolution before each FastWeightLayer, so that one event can bind
        neighbouring tokens; 1, the default, is none.
    mlp_width : cells of each MLP; left out, 8/3 d_model.
    generator, device, dtype : as of FastWeightLayer.
    settings : the other arguments of FastWeightLayer.

    Raises
    ------
    InputError
        for sizes below 1, and whatever FastWeightLayer refuses; when called, for tokens of the wrong shape or dtype, or
        out of the vocabulary.
    """

    def __init__(
        self,
        vocabulary: int,
        rule: str | Rule,
        d_model: int,
        d_key: int,
        d_value: int,
        heads: int,
        *,
        layers: int = 2,
        convolution: int = 1,
        mlp_width: int | None = None,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        mlp_width = round(8 / 3 * d_model) if mlp_width is None else mlp_width
        check_sizes(vocabulary=vocabulary, layers=layers, convolution=convolution, mlp_width=mlp_width)
        where = factory(device, dtype)
        self.blocks = nn.ModuleList()
        for _ in range(layers):
            layer = FastWeightLayer(rule, d_model, d_key, d_value, heads, generator=generator, **settings, **where)
            self.blocks.append(Block(layer, convolution, mlp_width, generator))
        self.embedding = nn.utils.skip_init(nn.Embedding, vocabulary, d_model, **where)
        self.norm = nn.RMSNorm(d_model, **where)
        self.head = empty_linear(d_model, vocabulary, **where)
        self._draw(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all initial weights again."""
        for block in self._layers():
            block.layer.reset_parameters(generator)
            block.reset_parameters(generator)
        self._draw(generator)

    @torch.no_grad()
    def _draw(self, generator: torch.Generator | None) -> None:
        """Initial weights of what is no block."""
        shape = self.embedding.weight.shape
        fill(self.embedding.weight, torch.empty(shape, device="cpu").normal_(generator=generator))
        self.norm.reset_parameters()
        draw_linear(self.head, generator)

    def forward(self, tokens: Tensor, mask: Tensor | None = None, cu_seqlens: Offsets | None = None) -> Tensor:
        """Logits (batch, time, vocabulary) of tokens (batch, time), whole numbers; token t sees up to t only.

        mask, cu_seqlens : as in `neurofwp.rate.run`, for padded and for packed sequences, which see nothing of each
            other. Tokens that a mask leaves out must be in the vocabulary; their logits mean nothing.
        """
        return self.advance(tokens, mask=mask, cu_seqlens=cu_seqlens)[0]

    def advance(
        self,
        tokens: Tensor,
        state: StackState | None = None,
        *,
        mask: Tensor | None = None,
        cu_seqlens: Offsets | None = None,
    ) -> tuple[Tensor, StackState]:
        """`forward` from a state, and the state after it: to read a prompt before `step`, or a sequence in parts."""
        x = self.embedding(self._check(tokens, ("batch", "time")))
        sequences = check_sequences(mask, cu_seqlens, tokens)
        count = len(tokens) if sequences is None else sequences.count or len(tokens)
        before = self.begin(count) if state is None else self._check_state(state, count)
        return self.advance_vectors(x, before, sequences)

    def advance_vectors(
        self, x: Tensor, before: StackState, sequences: Sequences | None = None
    ) -> tuple[Tensor, StackState]:
        """`advance` of vectors (batch, time, d_model), as tokens become, from a state."""
        after = []
        for block, memory in zip(self._layers(), before, strict=True):
            x, kept = block(x, memory, sequences)
            after.append(kept)
        return self._logits(x), after

    def step(self, token: Tensor, state: StackState | None = None) -> tuple[Tensor, StackState]:
        """Logits (batch, vocabulary) of one token (batch,), and the state for the next; left out, a fresh one."""
        x = self.embedding(self._check(token, ("batch",)))
        before = self.begin(len(token)) if state is None else self._check_state(state, len(token))
        after = []
        for block, memory in zip(self._layers(), before, strict=True):
            x, kept = block.step(x, memory)
            after.append(kept)
        return self._logits(x), after

    def begin(self, batch: int) -> StackState:
        """The state before the first token."""
        return [block.begin(batch) for block in self._layers()]

    def _layers(self) -> list[Block]:
        return cast(list[Block], list(self.blocks))

    def _logits(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.norm(x))
        return logits

    def _check_state(self, state: StackState, batch: int) -> StackState:
        if (len(state), len(state[0][0])) != (len(self.blocks), batch):
            raise InputError(
                f"state is of {len(state)} layers and a batch of {len(state[0][0])}, "
                f"but the stack has {len(self.blocks)} and token {batch}"
            )
        return state

    def _check(self, tokens: Tensor, dims: tuple[str, ...]) -> Tensor:
        if tokens.dim() != len(dims):
            raise InputError(f"tokens must have shape ({', '.join(dims)}), not {tuple(tokens.shape)}")
        if tokens.dtype not in (torch.int64, torch.int32):
            raise InputError(f"tokens must be of dtype int64 or int32, not {tokens.dtype}")
        if tokens.numel() == 0:
            raise InputError(f"tokens must not be empty, but their shape is {tuple(tokens.shape)}")
        if not are_known(tokens):
            return tokens
        least, most = torch.stack(tokens.aminmax()).tolist()  # a GPU is waited for once
        vocabulary = self.embedding.num_embeddings
        if least < 0 or most >= vocabulary:
            raise InputError(f"tokens must be from 0 to {vocabulary - 1}, but they go from {least} to {most}")
        return tokens


class Block(nn.Module):
    """x + layer(convolution(norm(x))), then x + mlp(norm(x)); all (batch, time, d_model)."""

    def __init__(
        self, layer: FastWeightLayer, convolution: int, mlp_width: int, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        where: dict[str, Any] = {"device": layer.out.weight.device, "dtype": layer.out.weight.dtype}
        self.layer = layer
        self.layer_norm = nn.RMSNorm(layer.d_model, **where)
        self.convolution = CausalConvolution(layer.d_model, convolution, **where) if convolution > 1 else None
        self.mlp_norm = nn.RMSNorm(layer.d_model, **where)
        self.mlp = SwiGLU(layer.d_model, mlp_width, **where)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all initial weights but those of the layer."""
        for norm in (self.layer_norm, self.mlp_norm):
            norm.reset_parameters()
        if self.convolution is not None:
            draw_uniform(self.convolution.taps, generator)
        for linear in (self.mlp.gate_and_value, self.mlp.out):
            draw_linear(linear, generator)

    def forward(self, x: Tensor, state: BlockState, sequences: Sequences | None = None) -> tuple[Tensor, BlockState]:
        """From a state; and the state after it. Nothing reaches from one sequence into another."""
        past, memory = state
        seen = self.layer_norm(x)
        if self.convolution is not None:
            seen, past = self.convolution(seen, past, sequences)
        read, memory = self.layer.advance_sequences(seen, memory, sequences)
        x = x + read
        return x + self.mlp(self.mlp_norm(x)), (past, memory)

    def step(self, x: Tensor, state: BlockState) -> tuple[Tensor, BlockState]:
        """The same for one event (batch, d_model)."""
        past, memory = state
        seen = self.layer_norm(x)
        if self.convolution is not None:
            seen, past = self.convolution.step(seen, past)
        read, memory = self.layer.step(seen, memory)
        x = x + read
        return x + self.mlp(self.mlp_norm(x)), (past, memory)

    def begin(self, batch: int) -> BlockState:
        """The state before the first event: what the convolution still sees, and the layer's own."""
        length = 1 if self.convolution is None else self.convolution.taps.shape[-1]
        past = self.layer_norm.weight.new_zeros(batch, self.layer.d_model, length - 1)
        return past, self.layer.begin(batch)


class CausalConvolution(nn.Module):
    """Depthwise: each channel is a weighted sum of its own last `length` events; before the first one are zeros."""

    def __init__(self, d_model: int, length: int, **where: Any) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.empty(d_model, 1, length, **where))

    def forward(self, x: Tensor, past: Tensor, sequences: Sequences | None = None) -> tuple[Tensor, Tensor]:
        """x and what comes out (batch, time, d_model), from the events before it, and the last events.

        past : (batch, d_model, length - 1), and so are the last ones; of packed sequences, (sequence, ...).
        """
        if sequences is None:
            seen = torch.cat([past, x.mT], dim=-1)
            return self._weighted(seen).mT, seen[..., x.shape[1] :]
        if sequences.mask is None:
            return self._packed(x, past, sequences.lengths)
        seen = torch.cat([past.mT, left_aligned(x, sequences.mask)], dim=1)
        return unaligned(self._weighted(seen.mT).mT, sequences.mask), last_ones(seen, past.shape[-1], sequences.mask).mT

    def _packed(self, x: Tensor, past: Tensor, lengths: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """In one sweep over all sequences, each behind its own past: what reaches from one into the next is dropped."""
        kept = past.shape[-1]
        each = [torch.cat(pair, dim=-1) for pair in zip(past.unbind(), x[0].mT.split(lengths, dim=-1), strict=True)]
        made = functional.pad(self._weighted(torch.cat(each, dim=-1)[None])[0], (kept, 0))
        parts = made.split([one.shape[-1] for one in each], dim=-1)
        own = torch.cat([part[:, kept:] for part in parts], dim=-1)
        return own.mT[None], torch.stack([one[:, one.shape[-1] - kept :] for one in each])

    def _weighted(self, seen: Tensor) -> Tensor:
        """(batch, d_model, time) -> (batch, d_model, time - length + 1)."""
        return functional.conv1d(seen, self.taps, groups=len(self.taps))

    def step(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """x and what comes out (batch, d_model); past, the events before it (batch, d_model, length - 1), and after."""
        window = torch.cat([past, x[..., None]], dim=-1)
        return (window * self.taps[:, 0]).sum(-1), window[..., 1:]


class SwiGLU(nn.Module):
    """W3 (silu(W1 x) * W2 x), `width` wide inside (Shazeer 2020)."""

    def __init__(self, d_model: int, width: int, **where: Any) -> None:
        super().__init__()
        self.gate_and_value = empty_linear(d_model, 2 * width, **where)
        self.out = empty_linear(width, d_model, **where)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.gate_and_value(x).chunk(2, dim=-1)
        out: Tensor = self.out(functional.silu(gate) * value)
        return out
