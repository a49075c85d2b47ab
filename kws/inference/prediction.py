"""What a model says of one clip."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """The likeliest label of a clip, and how likely each is.

    Attributes:
        label: the likeliest: a keyword, `_silence_` or `_unknown_`.
        score: its probability, 0 to 1.
        scores: the probability of every label, in the order of the model's labels.
    """

    label: str
    score: float
    scores: dict[str, float]

    @classmethod
    def of(cls, scores: dict[str, float]) -> Prediction:
        """From the probability of every label."""
        label = max(scores, key=scores.__getitem__)
        return cls(label, scores[label], scores)
