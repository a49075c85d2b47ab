"""Scoring a fixed set of clips with any model. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kws.answers import Answers
from kws.audio import to_float
from kws.data.fixed_set import FixedSet
from kws.metrics import Confusion

Scorer = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def evaluate(
    score: Scorer, clips: FixedSet, names: Sequence[str], batch_size: int = 100, done: Callable[[int], object] | None = None
) -> Confusion:
    """The confusion matrix of a model over a set; arguments as of `answers`."""
    return answers(score, clips, names, batch_size, done).confusion


def answers(
    score: Scorer, clips: FixedSet, names: Sequence[str], batch_size: int = 100, done: Callable[[int], object] | None = None
) -> Answers:
    """The scores of a model over a set.

    Args:
        score: float32 waveforms (batch, samples) in [-1, 1] to scores (batch, labels).
        clips: the set; its labels are indices into `names`.
        names: the model's labels.
        batch_size: clips scored at once.
        done: called with the number of clips after each batch, for a progress bar.
    """
    scores = np.zeros((len(clips), len(names)), dtype=np.float32)
    for places, scored in _scored(score, clips, batch_size, done):
        scores[places] = scored
    return Answers(scores, clips.list.labels, tuple(names))


def predict(
    score: Scorer, clips: FixedSet, batch_size: int = 100, done: Callable[[int], object] | None = None
) -> NDArray[np.int64]:
    """The label that a model gives each clip of a set, int64 (clips,); arguments as of `answers`."""
    predictions = np.zeros(len(clips), dtype=np.int64)
    for places, scored in _scored(score, clips, batch_size, done):
        predictions[places] = scored.argmax(axis=1)
    return predictions


def _scored(
    score: Scorer, clips: FixedSet, batch_size: int, done: Callable[[int], object] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    for start in range(0, len(clips), batch_size):
        places = np.arange(start, min(start + batch_size, len(clips)))
        yield places, score(to_float(clips.read(places)))
        if done is not None:
            done(len(places))
