"""Scoring a fixed set of clips with any model. NumPy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kws.audio import to_float
from kws.data.fixed_set import FixedSet
from kws.metrics import Confusion

Scorer = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def evaluate(
    score: Scorer, clips: FixedSet, names: Sequence[str], batch_size: int = 100, done: Callable[[int], object] | None = None
) -> Confusion:
    """The confusion matrix of a model over a set.

    Args:
        score: float32 waveforms (batch, samples) in [-1, 1] to scores (batch, labels).
        clips: the set; its labels are indices into `names`.
        names: the model's labels.
        batch_size: clips scored at once.
        done: called with the number of clips after each batch, for a progress bar.
    """
    return Confusion.count(clips.list.labels, predict(score, clips, batch_size, done), names)


def predict(
    score: Scorer, clips: FixedSet, batch_size: int = 100, done: Callable[[int], object] | None = None
) -> NDArray[np.int64]:
    """The label that a model gives each clip of a set, int64 (clips,); arguments as of `evaluate`."""
    predictions = np.zeros(len(clips), dtype=np.int64)
    for start in range(0, len(clips), batch_size):
        places = np.arange(start, min(start + batch_size, len(clips)))
        predictions[places] = score(to_float(clips.read(places))).argmax(axis=1)
        if done is not None:
            done(len(places))
    return predictions
