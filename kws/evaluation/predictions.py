"""Predictions of a model for a set of clips, and which of them are worth a look. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kws.audio.io import to_float
from kws.data.sets.clip_set import ClipSet
from kws.evaluation.confusion import Confusion

Places = NDArray[np.int64]
Scorer = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Predictions:
    """Scores and true labels of a set of clips.

    Attributes:
        scores: float32 (clips, labels), probabilities.
        truths: int64 (clips,), true labels as indices.
        names: of the labels.
    """

    scores: NDArray[np.float32]
    truths: NDArray[np.int64]
    names: tuple[str, ...]

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Predicted label of each clip, (clips,)."""
        predictions: NDArray[np.int64] = self.scores.argmax(axis=1)
        return predictions

    @property
    def confidences(self) -> NDArray[np.float32]:
        """Probability of each clip's predicted label, (clips,)."""
        confidences: NDArray[np.float32] = self.scores.max(axis=1)
        return confidences

    @property
    def confusion(self) -> Confusion:
        """Confusion matrix."""
        return Confusion.count(self.truths, self.predictions, self.names)

    def wrong(self) -> Places:
        """Return the indices of wrong predictions, the most confident first."""
        places = np.flatnonzero(self.predictions != self.truths)
        return places[np.argsort(-self.confidences[places], kind="stable")]

    def least_confident(self, count: int = 1) -> Places:
        """Return indices of correct predictions, up to `count` per label in label order, the least confident first."""
        right = np.flatnonzero(self.predictions == self.truths)
        right = right[np.argsort(self.confidences[right], kind="stable")]
        parts = [right[self.truths[right] == label][:count] for label in range(len(self.names))]
        return np.concatenate(parts).astype(np.int64)


def evaluate(
    score: Scorer, clips: ClipSet, names: Sequence[str], batch_size: int = 100, done: Callable[[int], object] | None = None
) -> Confusion:
    """Compute the confusion matrix of a model over a set; the arguments are those of `predict_dataset`."""
    return predict_dataset(score, clips, names, batch_size, done).confusion


def predict_dataset(
    score: Scorer, clips: ClipSet, names: Sequence[str], batch_size: int = 100, done: Callable[[int], object] | None = None
) -> Predictions:
    """Score a set with a model.

    Args:
        score: maps float32 waveforms (batch, samples) in [-1, 1] to scores (batch, labels).
        clips: the set; its labels are indices into `names`.
        names: the model's labels.
        batch_size: clips per call of `score`.
        done: called with the number of clips after each batch, for a progress bar.
    """
    scores = np.zeros((len(clips), len(names)), dtype=np.float32)
    for places, scored in _scored(score, clips, batch_size, done):
        scores[places] = scored
    return Predictions(scores, clips.list.labels, tuple(names))


def predict(
    score: Scorer, clips: ClipSet, batch_size: int = 100, done: Callable[[int], object] | None = None
) -> NDArray[np.int64]:
    """Return a model's predicted label of each clip, int64 (clips,); the arguments are those of `predict_dataset`."""
    predictions = np.zeros(len(clips), dtype=np.int64)
    for places, scored in _scored(score, clips, batch_size, done):
        predictions[places] = scored.argmax(axis=1)
    return predictions


def _scored(
    score: Scorer, clips: ClipSet, batch_size: int, done: Callable[[int], object] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    for start in range(0, len(clips), batch_size):
        places = np.arange(start, min(start + batch_size, len(clips)))
        yield places, score(to_float(clips.read(places)))
        if done is not None:
            done(len(places))
