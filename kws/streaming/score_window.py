"""Moving average of a stream's scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FIRST_CAPACITY = 64


class ScoreWindow:
    """Moving average over the latest scores; memory is bounded by the window, not by the stream.

    Args:
        labels: number of scores per row.
        window_ms: rows older than the latest by more than this are dropped.
        minimum_count: with fewer rows there is no mean.
    """

    def __init__(self, labels: int, window_ms: int, minimum_count: int) -> None:
        self._window_ms = window_ms
        self._minimum_count = minimum_count
        self._youngest_ms = window_ms // 4  # integer division, as in TensorFlow's RecognizeCommands
        # Rows _start to _stop are in the window; when the array is full, they are moved to its front.
        self._scores = np.empty((_FIRST_CAPACITY, labels), dtype=np.float32)
        self._times_ms = [0] * _FIRST_CAPACITY
        self._start = self._stop = 0

    def clear(self) -> None:
        """Forget all scores."""
        self._start = self._stop = 0

    def add(self, scores: NDArray[np.float32], time_ms: int) -> NDArray[np.float32] | None:
        """Add a row of scores (labels,), not older than the last one.

        Returns:
            float32 (labels,), the mean over the window; None while it holds too few rows, or its oldest row is younger
            than a quarter of the window (as in TensorFlow's RecognizeCommands).
        """
        if self._stop == len(self._times_ms):
            self._make_room()
        times = self._times_ms
        self._scores[self._stop] = scores
        times[self._stop] = time_ms
        self._stop += 1
        while times[self._start] < time_ms - self._window_ms:
            self._start += 1
        count = self._stop - self._start
        if count < self._minimum_count or time_ms - times[self._start] < self._youngest_ms:
            return None
        # Divided first, then summed from the oldest on, all in float32: bit for bit the mean of RecognizeCommands.
        parts = self._scores[self._start : self._stop] / np.float32(count)
        mean: NDArray[np.float32] = np.add.reduce(parts, axis=0)
        return mean

    def _make_room(self) -> None:
        held = slice(self._start, self._stop)
        scores, times = self._scores[held].copy(), self._times_ms[held]
        if 2 * len(times) > len(self._times_ms):
            self._times_ms = [0] * (2 * len(self._times_ms))
            self._scores = np.empty((len(self._times_ms), scores.shape[1]), dtype=np.float32)
        self._start, self._stop = 0, len(times)
        self._scores[: self._stop] = scores
        self._times_ms[: self._stop] = times
