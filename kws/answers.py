"""What a model answered to a set of clips, and which of its answers to look at. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kws.metrics import Confusion

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """Scores of a set of clips, and their true labels.

    Attributes:
        scores: float32 (clips, labels), probabilities.
        truths: int64 (clips,), indices of labels.
        names: of the labels.
    """

    scores: NDArray[np.float32]
    truths: NDArray[np.int64]
    names: tuple[str, ...]

    @property
    def predictions(self) -> NDArray[np.int64]:
        """The likeliest label of each clip, (clips,)."""
        predictions: NDArray[np.int64] = self.scores.argmax(axis=1)
        return predictions

    @property
    def confidences(self) -> NDArray[np.float32]:
        """The likeliest label's probability, (clips,)."""
        confidences: NDArray[np.float32] = self.scores.max(axis=1)
        return confidences

    @property
    def confusion(self) -> Confusion:
        """Counts of truths against predictions."""
        return Confusion.count(self.truths, self.predictions, self.names)

    def wrong(self) -> Places:
        """Places of the clips whose answer is wrong, the most confident first."""
        places = np.flatnonzero(self.predictions != self.truths)
        return places[np.argsort(-self.confidences[places], kind="stable")]

    def doubtful(self, count: int = 1) -> Places:
        """Places of right answers, up to so many a label (in the labels' order), the least confident first."""
        right = np.flatnonzero(self.predictions == self.truths)
        right = right[np.argsort(self.confidences[right], kind="stable")]
        parts = [right[self.truths[right] == label][:count] for label in range(len(self.names))]
        return np.concatenate(parts).astype(np.int64)
