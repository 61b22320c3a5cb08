"""Settings of training, which the command line reads, and refuses, without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from neurofwp.errors import InputError

if TYPE_CHECKING:
    from neurofwp.slownet.families import Family
    from neurofwp.slownet.programmer import Shape

Architecture = Literal["feed-forward", "gru", "recurrent"]


@dataclass(frozen=True)
class Training:
    """How long and how to train.

    Evaluated every `evaluate_every` steps; ends when the evaluated loss is at most `target`, after `patience`
    evaluations without a better one, or after `steps`. clip : largest norm of the gradient, None for any.
    """

    steps: int = 20_000
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    evaluate_every: int = 100
    patience: int | None = 10
    target: float | None = None
    clip: float | None = 1.0

    def __post_init__(self) -> None:
        for name in ("steps", "evaluate_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if self.patience is not None and self.patience < 1:
            raise InputError(f"patience must be 1 or more, not {self.patience}")
        if not 0 <= self.weight_decay < math.inf:
            raise InputError(f"weight_decay must be 0 or more, not {self.weight_decay:g}")
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning_rate must be above 0, not {self.learning_rate:g}")


@dataclass(frozen=True)
class MetaTraining:
    """The slow net, its fast weights, and how it is trained."""

    architecture: Architecture = "feed-forward"
    """What the controller knows: the event, all events so far (gru), or what was read last (recurrent)."""
    rule: str = "delta"
    """Update rule of the fast weights; `neurofwp list rules`."""
    pre: int | None = None
    """Presynaptic cells. Left out: what suits the family."""
    active: int | None = None
    """Of these, how many fire in a key. Left out: what suits the family."""
    hidden: int = 32
    """Cells of the controller."""
    nonnegative: bool = False
    """Weights are conductances: clamped at 0, with ON and OFF pools for values."""
    w_max: float | None = None
    """Largest conductance, where weights are nonnegative. Left out: none."""
    gate_cost: float = 0.0
    """Loss per open write gate, which makes gates sparse."""
    steps: int = 1000
    """Training steps."""
    batch: int = 16
    """Episodes per step."""
    learning_rate: float = 3e-3
    """Of AdamW."""
    weight_decay: float = 0.0
    """Of AdamW."""
    evaluate_every: int = 100
    """Steps between evaluations on held-out episodes, each of which leaves a checkpoint."""
    patience: int | None = 10
    """Evaluations without a better one that end training."""

    def check(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        InputError
            for a batch below 1, a gate cost below 0, and what `Training` refuses.
        """
        if self.batch < 1:
            raise InputError(f"batch must be 1 or more, not {self.batch}")
        if not self.gate_cost >= 0:
            raise InputError(f"gate_cost must be 0 or more, not {self.gate_cost:g}")
        self.training()

    def shape(self, family: Family) -> Shape:
        """The shape of the slow net for a family."""
        from neurofwp.slownet.programmer import Shape

        own = {name: getattr(self, name) for name in ("pre", "active") if getattr(self, name) is not None}
        return Shape(
            **family.shape | own,
            hidden=self.hidden,
            architecture=self.architecture,
            rule=self.rule,
            nonnegative=self.nonnegative,
            w_max=self.w_max,
        )

    def training(self) -> Training:
        """How long and how to train."""
        return Training(
            steps=self.steps,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            evaluate_every=self.evaluate_every,
            patience=self.patience,
        )
