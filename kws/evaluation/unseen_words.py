"""Open-set test: are words that training never saw rejected as unknown, or mistaken for a keyword? NumPy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kws.data.sets.unseen_words import UnseenSet
from kws.evaluation.predictions import Scorer, predict
from kws.labels import UNKNOWN_INDEX


@dataclass(frozen=True)
class UnseenReport:
    """Counts for each unseen word; clips that are neither unknown nor a keyword were predicted as silence.

    Args:
        words: the words.
        counts: int64 (words, 3): clips, clips predicted as unknown, clips mistaken for a keyword.
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]

    @property
    def recall(self) -> float:
        """Share of clips predicted as unknown."""
        return float(self.counts[:, 1].sum() / self.counts[:, 0].sum())

    @property
    def accepted(self) -> float:
        """Share of clips mistaken for a keyword."""
        return float(self.counts[:, 2].sum() / self.counts[:, 0].sum())

    def to_dict(self) -> dict[str, Any]:
        """Return a dictionary for JSON."""
        words = {
            word: {"clips": int(clips), "unknown_recall": float(unknown / clips), "accepted": float(accepted / clips)}
            for word, (clips, unknown, accepted) in zip(self.words, self.counts, strict=True)
        }
        return {
            "unseen_unknown_recall": self.recall,
            "unseen_accepted": self.accepted,
            "unseen_clips": int(self.counts[:, 0].sum()),
            "unseen_words": words,
        }

    def to_text(self) -> str:
        """Format a line of results, with the unknown recall of each word."""
        words = " · ".join(
            f"{word} {100 * unknown / clips:.1f} % of {clips}"
            for word, (clips, unknown, _) in zip(self.words, self.counts, strict=True)
        )
        return (
            f"unseen words: {100 * self.recall:.2f} % of {self.counts[:, 0].sum()} clips called unknown,"
            f" {100 * self.accepted:.2f} % taken for a wanted word ({words})"
        )


def report_unseen(
    score: Scorer, unseen: UnseenSet, batch_size: int = 100, done: Callable[[int], object] | None = None
) -> UnseenReport:
    """Score the clips of unseen words with a model.

    Args:
        score: maps float32 waveforms (batch, samples) in [-1, 1] to scores (batch, labels).
        unseen: the clips.
        batch_size: clips per call of `score`.
        done: called with the number of clips after each batch, for a progress bar.
    """
    predictions = predict(score, unseen.clips, batch_size, done)
    words, word = np.unique(unseen.words, return_inverse=True)
    kinds = np.stack([np.ones(len(predictions)), predictions == UNKNOWN_INDEX, predictions > UNKNOWN_INDEX])
    counts = np.stack([np.bincount(word, weights=kind, minlength=len(words)) for kind in kinds], axis=1)
    return UnseenReport(tuple(words.tolist()), counts.astype(np.int64))
