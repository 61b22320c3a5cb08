"""A torch layer that runs any update rule: a slow net of linear maps programs the fast weights of every head."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from neurofwp import rules
from neurofwp.errors import InputError
from neurofwp.rate import feature_maps
from neurofwp.rate.arguments import check_compute_dtype
from neurofwp.rate.backends import WORTH_CHUNKING, Mode
from neurofwp.rate.evaluation import evaluate
from neurofwp.rate.layer_signals import (
    arguments_of,
    bring_into_range,
    check_input,
    check_sizes,
    check_weight,
    draw_linear,
    draw_uniform,
    empty_linear,
    event_signals,
    factory,
    fill,
    initial_bias,
    sizes_of,
    trial_signals,
)
from neurofwp.rate.normalisers import Normaliser
from neurofwp.rate.one_event import write_and_read
from neurofwp.rate.preparation import Preparation
from neurofwp.rate.scan import Bounds
from neurofwp.rate.segments import are_many, parts
from neurofwp.rate.sequences import Offsets, Sequences, behind, check_sequences
from neurofwp.rate.stream import run
from neurofwp.rules import Rule

LayerState = dict[str, Tensor]

UNIT_SOFTPLUS = math.log(math.e - 1)  # softplus of it is 1


class FastWeightLayer(nn.Module):
    """(batch, time, d_model) -> (batch, time, d_model): every event writes into fast weights, then reads them.

    Each head has fast weights of its own. Linear maps of the input make the query, the key, the value and all else that
    the rule takes at every event, each brought into its range: a finite one by a logistic function, one that is
    bounded below by softplus, one that is bounded above (a log decay) by log sigmoid. What a rule takes once (the ridge
    of mesa, the recurrent weights of recurrent_delta, the lag biases of hybrids, the first weights of self_referential
    and mlp_memory) is learned as a parameter. The reads of all heads go through one more linear map. There is no norm
    and no residual, and queries are not scaled.

    What keeps weights bounded is left to the user. Error-correcting rules (delta and its kin) diverge where
    beta |k|^2 > 2: "silu-l2" makes unit keys. Oja's diverge where beta |v|^2 > 2: a small beta_range helps. Those whose
    synapses move for themselves (outstar, soft_bound, calcium_threshold) need keys that are not negative.

    Parameters
    ----------
    rule : id of a rule, or a Rule.
    d_model : of input and output. d_key, d_value : of one head, keys before the feature map. heads : their number.
    feature_map : of keys and queries, see `neurofwp.rate.feature_maps.get`. A random projection is drawn once and is
        a buffer.
    normaliser, bounds, mode, chunk : as in `neurofwp.rate.run`. Under autocast fast weights keep the layer's precision,
        except where a kernel runs them.
    beta_range : largest write strength. 1 is sigmoid; 2 is 2 sigmoid, with which the transition of a delta rule with
        unit keys has eigenvalues in [-1, 1] in place of [0, 1] (Grazzi et al. 2024, arXiv 2411.12537).
    parameters : of the rule, by name: a number, or one per head; not learned.
    sizes : of what is not d_key or d_value: {"micro": micro-steps} for delta_product, {"slot": slots} for three_factor,
        {"level": levels} for log_linear, {"window": events} for the hybrids, {"hidden": cells} for mlp_memory.
    compute_dtype : as in `neurofwp.rate.run`, for a layer in half precision.
    generator : of all initial weights, on the CPU; by default torch's own, as for any nn.Module. One seed draws the
        same for every device and dtype.
    device, dtype : of the layer. On the device "meta" nothing is drawn: `to_empty`, then `reset_parameters`.

    Raises
    ------
    InputError
        for a name that is not known, a size below 1, sizes that are missing or that the rule does not have, a
        beta_range that the rule cannot have, a feature map that takes keys out of the rule's range, and whatever
        `neurofwp.rate.run` refuses; when called, for an input of the wrong shape or dtype.
    """

    random_projection: Tensor

    def __init__(
        self,
        rule: str | Rule,
        d_model: int,
        d_key: int,
        d_value: int,
        heads: int,
        feature_map: str = "identity",
        normaliser: Normaliser | None = None,
        *,
        beta_range: float = 1.0,
        bounds: Bounds | None = None,
        mode: Mode = "auto",
        chunk: int | None = None,
        parameters: Mapping[str, float | Sequence[float]] | None = None,
        sizes: Mapping[str, int] | None = None,
        compute_dtype: torch.dtype | None = None,
        generator: torch.Generator | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        check_sizes(d_model=d_model, d_key=d_key, d_value=d_value, heads=heads)
        check_compute_dtype(compute_dtype)
        self.rule = rules.get(rule)
        self.d_model, self.d_key, self.heads = d_model, d_key, heads
        self.normaliser, self.bounds, self.mode, self.chunk = normaliser, bounds, mode, chunk
        self.parameters_of_rule = dict(parameters or {})
        self.feature_map = feature_maps.get(feature_map)
        self.sizes = sizes_of(self.rule, self.feature_map.dimension(d_key), d_value, sizes or {})
        self.arguments = arguments_of(self.rule, self.feature_map, beta_range)
        self.weight_shape = (heads, *self._shape(self.rule.weight_dims))
        self._event_signals = event_signals(self.arguments, self.sizes, d_key, heads)
        self._constant_arguments = [argument for argument in self.arguments if not argument.per_event]
        self.compute_dtype = compute_dtype
        self._make(d_value, factory(device, dtype))
        self._preparation = Preparation(
            self.rule, self.parameters_of_rule, heads, mode, bounds=bounds, chunk=chunk, compute_dtype=compute_dtype
        )
        with torch.device("cpu"):  # where values can be looked at
            self._try_settings()
        self.reset_parameters(generator)

    def _make(self, d_value: int, where: dict[str, Any]) -> None:
        """All that is learned, its numbers yet to be drawn."""
        shape = (self.feature_map.dimension(self.d_key), self.d_key)
        random = torch.empty(shape, device=where["device"], dtype=torch.float64) if self.feature_map.draw else None
        self.register_buffer("random_projection", random)
        self.signals, self.constants = nn.ModuleDict(), nn.ParameterDict()
        constants = {argument.name: argument.dims for argument in self._constant_arguments}
        if "program" in self.rule.weight_dims:
            constants["weight"] = self.rule.weight_dims
        for signal in self._event_signals:
            width = signal.micro * math.prod(signal.shape)
            self.signals[signal.name] = empty_linear(self.d_model, width, bias=signal.biased, **where)
        for name, dims in constants.items():
            self.constants[name] = nn.Parameter(torch.empty(self.heads, *self._shape(dims), **where))
        self.out = empty_linear(self.heads * d_value, self.d_model, **where)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw all initial weights, and the random projection, again."""
        if self.feature_map.draw:
            fill(self.random_projection, self.feature_map.draw(self.d_key, generator))
        for argument in self.arguments:
            if argument.per_event:
                made = cast(nn.Linear, self.signals[argument.name])
                draw_linear(made, generator, bias=initial_bias(argument) or 0.0)
            elif math.isfinite(argument.low):  # where it must be positive, it starts at 1
                nn.init.constant_(self.constants[argument.name], UNIT_SOFTPLUS)
            else:
                draw_uniform(self.constants[argument.name], generator)
        if "weight" in self.constants:
            draw_uniform(self.constants["weight"], generator)
        draw_linear(self.out, generator)

    def forward(self, x: Tensor, mask: Tensor | None = None, cu_seqlens: Offsets | None = None) -> Tensor:
        """(batch, time, d_model), both ways; in parallel where the rule has a chunkwise form.

        mask, cu_seqlens : as in `neurofwp.rate.run`; what comes out where nothing happens is zero.
        """
        return self.advance(x, mask=mask, cu_seqlens=cu_seqlens)[0]

    def step(self, x: Tensor, state: LayerState | None = None) -> tuple[Tensor, LayerState]:
        """One event, (batch, d_model) both ways, from the state that the last one left; without one, from the first."""
        if x.ndim != 2:
            raise InputError(f"a step takes x (batch, d_model), but its shape is {tuple(x.shape)}")
        before = self.begin(len(x)) if state is None else state
        prepared = self._preparation.of_one_event(self.out.weight, x)
        alone = x.shape[-1] == self.d_model and self.normaliser is None and "micro" not in self.sizes
        if prepared is None or not alone or before.keys() != set(self.rule.remembered):
            y, after = self.advance(x[:, None], state)
            return y[:, 0], after
        check_weight(self.rule, before["weight"], (x.shape[0], *self.weight_shape))
        numbers, _, one = prepared
        read, after = write_and_read(self.rule, self._signals(x), numbers, one, before, self.bounds)
        return self.out(read.flatten(1)), after

    def advance(
        self,
        x: Tensor,
        state: LayerState | None = None,
        *,
        mask: Tensor | None = None,
        cu_seqlens: Offsets | None = None,
    ) -> tuple[Tensor, LayerState]:
        """`forward` from a state, and the state after it: to read a prompt before streaming, or a sequence in parts.

        Of packed sequences each has a state of its own.
        """
        check_input(x, self.d_model, self.out.weight.dtype)
        return self.advance_sequences(x, state, check_sequences(mask, cu_seqlens, x))

    def advance_sequences(
        self, x: Tensor, state: LayerState | None, sequences: Sequences | None
    ) -> tuple[Tensor, LayerState]:
        """`advance` of sequences that have been checked."""
        if are_many(x) and self.normaliser is None and (sequences is None or sequences.mask is not None):
            made = []
            for part, its in parts(x, sequences):
                y, state = self.advance_sequences(part, state, its)
                made.append(y)
            assert state is not None
            return torch.cat(made, dim=1), state
        if sequences is not None and sequences.mask is not None:
            x = torch.where(behind(sequences.mask, x), x, 0.0)
        count = len(x) if sequences is None else sequences.count or len(x)
        before = self.begin(count) if state is None else state
        check_weight(self.rule, before["weight"], (count, *self.weight_shape))
        signals = self._signals(x)
        numbers, backend, _ = self._preparation.of_events(self.out.weight, signals["query"], sequences is not None)
        if backend != "flash-linear-attention":
            # in half precision, as under autocast, fast weights would lose what they gather
            dtype = self._preparation.state_dtype(self.out.weight)
            signals = {name: signal.to(dtype) for name, signal in signals.items()}
        query = signals.pop("query")
        result = evaluate(
            self.rule,
            query,
            signals,
            numbers,
            before,
            backend=backend,
            normaliser=self.normaliser,
            bounds=self.bounds,
            chunk=self.chunk,
            micro_steps=self.sizes.get("micro"),
            sequences=sequences,
        )
        return self.out(result.read.to(x.dtype).flatten(2)), result.state

    def begin(self, batch: int) -> LayerState:
        """The state before the first event: the fast weights, zero unless the rule learns its first ones."""
        like = self.constants["weight"] if "weight" in self.constants else self.out.weight.new_zeros(())
        dtype = self._preparation.state_dtype(self.out.weight)
        return {"weight": like.to(dtype).expand(batch, *self.weight_shape)}

    def extra_repr(self) -> str:
        return f"rule={self.rule.id}, feature_map={self.feature_map.id}, heads={self.heads}"

    def _signals(self, x: Tensor) -> dict[str, Tensor]:
        """What the rule takes, in the layout and the ranges of `run`; without time where x has none."""
        made = {}
        leading = tuple(x.shape[:-1])
        features = None if self.feature_map.id == "identity" else self.feature_map.function
        random = (self.random_projection,) if self.feature_map.draw else ()
        # the linear maps are in the order of their signals
        for signal, linear in zip(self._event_signals, self.signals.values(), strict=True):
            before = leading if signal.micro == 1 else (leading[0], signal.micro * leading[1])
            raw = linear(x).reshape(before + signal.shape)
            bounded = raw if signal.into_range is None else signal.into_range(raw)
            made[signal.name] = features(bounded, *random) if features and signal.is_feature else bounded
        for argument in self._constant_arguments:
            made[argument.name] = bring_into_range(self.constants[argument.name], argument)
        return made

    def _shape(self, dims: Sequence[str]) -> tuple[int, ...]:
        return tuple(self.sizes[dim] for dim in dims)

    @torch.no_grad()
    def _try_settings(self) -> None:
        """Put signals of the layer's shapes and ranges through the checks of `run`."""
        made: dict[str, Any] = trial_signals(self.arguments, self.sizes, self.heads, WORTH_CHUNKING)
        first = torch.zeros(1, self.heads, *self._shape(self.rule.weight_dims))
        run(
            self.rule,
            query=made.pop("query"),
            mode=self.mode,
            normaliser=self.normaliser,
            initial=first,
            bounds=self.bounds,
            chunk=self.chunk,
            micro_steps=self.sizes.get("micro"),
            parameters=self._preparation.parameters(first),
            **made,
        )
