"""Hetero-associative pairs of digits, some of their keys bound to new values: the last value counts."""

from __future__ import annotations

from dataclasses import dataclass

from neurofwp.slownet.family import Family, centre, image_scores, training_digits


@dataclass(frozen=True)
class Settings:
    """The task."""

    pairs: int = 8
    """Pairs per episode."""
    reassign: float = 0.5
    """Share of the keys that are written again with new values."""


def family(settings: Settings) -> Family:
    """Episodes of `neurofwp.tasks.digit_pairs`."""
    from neurofwp.tasks import digit_pairs
    from neurofwp.tasks.digits import images

    pixels = images().shape[1]
    return Family(
        draw=lambda episodes, seed, split: digit_pairs(
            settings.pairs, episodes, reassign=settings.reassign, seed=seed, split=split
        ),
        shape={"cue": pixels, "content": pixels, **centre()},
        measure=image_scores,
        cues=training_digits,
    )
