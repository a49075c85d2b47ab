"""The original's decoder of scores over time: a mean over a window, a threshold, and a pause after each word."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

SILENCE = 0


class Decoder:
    """Finds words in the scores of one window after the other.

    Args:
        average_window_ms: how long a result stays in the mean.
        threshold: a word's mean must be above it.
        suppression_ms: nothing new within so long of a word, unless silence was last.
        minimum_count: fewer results than this decide nothing.

    The defaults are those of test_streaming_accuracy.
    """

    def __init__(
        self, average_window_ms: int = 500, threshold: float = 0.7, suppression_ms: int = 1500, minimum_count: int = 4
    ) -> None:
        self.average_window_ms = average_window_ms
        self.threshold = threshold
        self.suppression_ms = suppression_ms
        self.minimum_count = minimum_count
        self._results: deque[tuple[int, NDArray[np.float32]]] = deque()
        self._label = SILENCE
        self._found_ms = -(10**12)

    def hear(self, scores: NDArray[np.float32], now_ms: int) -> tuple[int, float, bool]:
        """Take the scores (labels,) of the window that starts now; give the label, its mean score, and whether it is new."""
        self._results.append((now_ms, scores))
        while self._results[0][0] < now_ms - self.average_window_ms:
            self._results.popleft()
        if len(self._results) < self.minimum_count or now_ms - self._results[0][0] < self.average_window_ms // 4:
            return self._label, 0.0, False
        mean = np.mean([result for _, result in self._results], axis=0)
        label = int(mean.argmax())
        score = float(mean[label])
        rested = self._label == SILENCE or now_ms - self._found_ms > self.suppression_ms
        new = score > self.threshold and label != self._label and rested
        if new:
            self._label, self._found_ms = label, now_ms
        return label, score, new
