"""Pairs of digits to store amid distractors: the slow net learns when to write."""

from __future__ import annotations

from dataclasses import dataclass

from neurofwp.slownet.family import Family, centre, image_scores, training_digits


@dataclass(frozen=True)
class Settings:
    """The task."""

    stored: int = 6
    """Pairs to store in an episode."""
    distractors: int = 12
    """Distractors: pairs that are not to be stored."""
    noise: float = 0.5
    """Standard deviation of the noise on each entry of the context, which is +1 or -1."""


def family(settings: Settings) -> Family:
    """Episodes of `neurofwp.tasks.gated_pairs`."""
    from neurofwp.tasks.digits import images
    from neurofwp.tasks.gated_pairs import CONTEXTS, gated_pairs

    pixels = images().shape[1]
    return Family(
        draw=lambda episodes, seed, split: gated_pairs(
            settings.stored, settings.distractors, episodes, noise=settings.noise, seed=seed, split=split
        ),
        shape={"cue": pixels, "content": pixels, "context": CONTEXTS.shape[1], **centre()},
        measure=image_scores,
        cues=training_digits,
    )
