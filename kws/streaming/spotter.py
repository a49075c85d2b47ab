"""Words in continuous sound: samples in, in chunks of any size, detections out. NumPy only."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kws.audio import to_float
from kws.errors import KwsError
from kws.labels import SILENCE
from kws.streaming.decoder import CommandDecoder
from kws.streaming.scorer import Scores, StreamScorer
from kws.streaming.settings import DecoderSettings
from kws.streaming.timeline import Detection

# Times of the windows' starts, ms, and their scores (windows, labels).
OnScores = Callable[[NDArray[np.int64], Scores], None]


class Spotter:
    """Finds words in a stream. Its memory does not grow with the stream.

    Times count from the stream's first sample, dropped ones included; a detection's is the START of the window that decided,
    as the original's. `_silence_` is no detection; `_unknown_` is one, as the original counts it.

    Args:
        scorer: gives the scores of each window.
        settings: of the decoder; their stride must be the scorer's.
        on_scores: called with the times and the scores of the windows that completed, before their detections are returned.

    Raises:
        KwsError: the scorer's stride is not the settings', or the settings do not fit the labels.
    """

    def __init__(self, scorer: StreamScorer, settings: DecoderSettings | None = None, on_scores: OnScores | None = None) -> None:
        settings = settings or DecoderSettings()
        self.labels = scorer.labels
        self._rate_hz, self._window = scorer.spec.rate_hz, scorer.spec.samples
        self._scorer, self._on_scores = scorer, on_scores
        self._decoder = CommandDecoder(scorer.labels.names, settings)
        if scorer.stride_samples != int(self._rate_hz * settings.stride_ms / 1000 + 1e-6):
            raise KwsError(
                f"stride_ms: the decoder's settings say {settings.stride_ms}, but the scorer gives scores every"
                f" {1000 * scorer.stride_samples / self._rate_hz:g} ms; make them equal"
            )
        self.reset()

    @property
    def time_ms(self) -> int:
        """Where the stream has come to: what was fed and what was dropped."""
        return self._in_ms(self._heard)

    def reset(self) -> None:
        """Begin a new stream at time 0."""
        self._heard = 0
        self._restart()

    def feed(self, samples: NDArray[np.int16] | NDArray[np.floating[Any]]) -> list[Detection]:
        """Take in the next sound.

        Args:
            samples: int16, or float in [-1, 1], (samples,), at the model's rate; any number, also none.

        Returns:
            What was found in the windows that these samples completed.

        Raises:
            KwsError: another type or shape, or NaN or infinite samples; nothing was taken in, and the stream can go on.
        """
        sound: NDArray[Any] = np.asarray(samples)
        scores = self._scorer.push(to_float(sound) if sound.dtype == np.int16 else sound)
        self._heard += len(sound)
        return self._decode(scores)

    def skip(self, samples: int) -> list[Detection]:
        """Tell that sound was lost: time goes on, and nothing before the gap is joined to anything after it.

        The windows begin anew after the gap, and the decoder forgets what it found before it, for whatever ended the word may
        lie in the gap. The rest before the gap that filled no window is not scored.

        Args:
            samples: how many were lost.

        Returns:
            Nothing is found in a gap: an empty list, so that `feed` and `skip` can be used alike.

        Raises:
            KwsError: less than none.
        """
        if operator.index(samples) < 0:
            raise KwsError(f"samples: {samples} lost samples told; 0 or more are expected")
        if samples:
            self._heard += samples
            self._restart()
        return []

    def flush(self) -> list[Detection]:
        """End the stream, and be ready for a new one at time 0.

        What came after the last whole window (less than a stride; or all, if the stream is shorter than a window) is filled up
        with zeros at its end, as a short clip is, and scored as one window more. So every sample was in a window.

        Returns:
            What was found in that window.
        """
        rest = self._heard - self._begin
        done = self._windows * self._scorer.stride_samples
        # Up to where the windows so far reach, or to the gap where there is none yet.
        reached = done - self._scorer.stride_samples + self._window if self._windows else 0
        found: list[Detection] = []
        if rest > reached:
            found = self._decode(self._scorer.push(np.zeros(done + self._window - rest, np.float32)))
        self.reset()
        return found

    def _restart(self) -> None:
        # Sample at which the windows began, and how many there were since.
        self._begin, self._windows = self._heard, 0
        self._scorer.reset()
        self._decoder.reset()

    def _decode(self, scores: Scores) -> list[Detection]:
        starts = self._begin + self._scorer.stride_samples * np.arange(self._windows, self._windows + len(scores))
        self._windows += len(scores)
        times_ms = starts * 1000 // self._rate_hz
        if self._on_scores is not None and len(scores):
            self._on_scores(times_ms, scores)
        decisions = [self._decoder.step(row, int(time_ms)) for row, time_ms in zip(scores, times_ms, strict=True)]
        return [Detection(one.label, one.time_ms, one.score) for one in decisions if one.is_new and one.label != SILENCE]

    def _in_ms(self, samples: int) -> int:
        return samples * 1000 // self._rate_hz
