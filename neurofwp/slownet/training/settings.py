"""Settings of meta-training, which the command line reads without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from neurofwp.slownet.families import Family
    from neurofwp.slownet.programmer import Shape
    from neurofwp.slownet.training.loop import Training

Architecture = Literal["feed-forward", "gru", "recurrent"]


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

    def shape(self, family: Family) -> Shape:
        """The shape of the slow net for a family."""
        from neurofwp.slownet.programmer import Shape

        own = {name: getattr(self, name) for name in ("pre", "active") if getattr(self, name) is not None}
        return Shape(
            **family.shape | own, hidden=self.hidden, architecture=self.architecture, rule=self.rule,
            nonnegative=self.nonnegative, w_max=self.w_max,
        )  # fmt: skip

    def training(self) -> Training:
        """How long and how to train."""
        from neurofwp.slownet.training.loop import Training

        return Training(
            steps=self.steps, learning_rate=self.learning_rate, weight_decay=self.weight_decay,
            evaluate_every=self.evaluate_every, patience=self.patience,
        )  # fmt: skip
