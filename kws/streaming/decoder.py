"""Turn scores over time into detections: averaging, a threshold, suppression."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kws.errors import KwsError
from kws.labels import SILENCE, UNKNOWN
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.score_window import ScoreWindow


@dataclass(frozen=True, slots=True)
class Decision:
    """The decoder's decision at one window.

    Args:
        label: the label with the highest averaged score; the last one found while there are too few scores to average.
        score: its averaged score; 0 while there are too few scores to average.
        is_new: the label was detected at this very window: the moment to act.
        time_ms: start of the window.
    """

    label: str
    score: float
    is_new: bool
    time_ms: int


class CommandDecoder:
    """Decode scores over time as TensorFlow's RecognizeCommands does, with the extensions that the settings turn on.

    Args:
        labels: names of the scores, in order.
        settings: see DecoderSettings; the defaults are those of TensorFlow's test_streaming_accuracy.

    Raises:
        KwsError: no labels, a repeated label, or a threshold for a word that is not a label.
    """

    def __init__(self, labels: Sequence[str], settings: DecoderSettings | None = None) -> None:
        self.labels = tuple(labels)
        self.settings = settings or DecoderSettings()
        if not self.labels or len(set(self.labels)) < len(self.labels):
            raise KwsError(f"labels: {list(self.labels)} given; at least one, and each once, is expected")
        strangers = [word for word in dict(self.settings.word_thresholds) if word not in self.labels]
        if strangers:
            raise KwsError(f"word_thresholds: {', '.join(strangers)} not among the labels; they are {', '.join(self.labels)}")
        # Rounded to float32, as the scores are: a score equal to the threshold must not count as above it.
        self._thresholds = [float(np.float32(self.settings.threshold_of(label))) for label in self.labels]
        release = self.settings.release_threshold
        self._releases = self._thresholds if release is None else [float(np.float32(release))] * len(self.labels)
        self._window = ScoreWindow(len(self.labels), self.settings.average_window_ms, self.settings.minimum_count)
        self.reset()

    def reset(self) -> None:
        """Start a new stream: the next window may have any time."""
        self._window.clear()
        self._latest_ms: int | None = None
        self._found = SILENCE  # as if just detected, even where it is not a label
        self._found_index = 0
        self._found_ms = 0
        self._released = True  # False while a detected word is held
        self._leader = -1  # the label above its threshold; `_run` counts its windows in a row
        self._run = 0

    def step(self, scores: ArrayLike, time_ms: int) -> Decision:
        """Process the scores of the next window.

        Args:
            scores: (labels,), finite; averaged in float32.
            time_ms: start of the window, in whole ms, not before the last one's.

        Raises:
            KwsError: wrong number of scores, a NaN or infinite one, or a time that runs backwards; nothing was
                processed.
        """
        time_ms = operator.index(time_ms)
        average = self._window.add(self._checked(scores, time_ms), time_ms)
        self._latest_ms = time_ms
        if average is None:
            self._run, self._released = 0, True
            return Decision(self._found, 0.0, False, time_ms)
        top = int(average.argmax())
        score = float(average[top])
        is_new = self._is_new(top, score, average, time_ms)
        if is_new:
            self._found, self._found_index, self._found_ms = self.labels[top], top, time_ms
            self._released = self._found in (SILENCE, UNKNOWN)
        return Decision(self.labels[top], score, is_new, time_ms)

    def _is_new(self, top: int, score: float, average: NDArray[np.float32], time_ms: int) -> bool:
        settings = self.settings
        if not self._released and average[self._found_index] <= self._releases[self._found_index]:
            self._released = True
        if score <= self._thresholds[top]:
            self._run = 0
            return False
        self._run = self._run + 1 if top == self._leader and self._run else 1
        self._leader = top
        passed_ms = time_ms - self._found_ms
        if self._run < settings.consecutive_windows or not (self._found == SILENCE or passed_ms > settings.suppression_ms):
            return False
        if self.labels[top] != self._found:
            return self._released or settings.release_threshold is None
        if not settings.repeat_words or self._found in (SILENCE, UNKNOWN):
            return False
        return self._released or (settings.repeat_held_ms is not None and passed_ms >= settings.repeat_held_ms)

    def _checked(self, scores: ArrayLike, time_ms: int) -> NDArray[np.float32]:
        latest = np.asarray(scores, dtype=np.float32)
        if latest.shape != (len(self.labels),):
            raise KwsError(f"scores of shape {latest.shape} at {time_ms} ms; {len(self.labels)} are expected, one a label")
        if not np.isfinite(latest).all():
            raise KwsError(f"scores at {time_ms} ms: NaN or infinite for {self._broken(latest)}; finite numbers are expected")
        if self._latest_ms is not None and time_ms < self._latest_ms:
            raise KwsError(f"a result of {time_ms} ms after one of {self._latest_ms} ms; times must not run backwards: reset()")
        return latest

    def _broken(self, scores: NDArray[np.float32]) -> str:
        return ", ".join(label for label, finite in zip(self.labels, np.isfinite(scores), strict=True) if not finite)
