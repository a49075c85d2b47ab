"""Keyword spotting in continuous sound: samples in, in chunks of any size; detections out. NumPy only."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kws.audio.io import to_float
from kws.errors import InputError, KwsError
from kws.labels import SILENCE
from kws.streaming.decoder import CommandDecoder
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection
from kws.streaming.scorer import Scores, StreamScorer, checked, fits_stride
from kws.streaming.silence import ZeroFiller, faint_noise

# Called with the start times of windows, in ms, and their scores (windows, labels).
OnScores = Callable[[NDArray[np.int64], Scores], None]

# Runs of exact zeros up to this length stay; so no frame of 20 ms or more is ever all zeros.
_ZEROS_MS = 10


class Spotter:
    """Find keywords in a stream, in constant memory.

    Times count from the stream's first sample, dropped samples included. As in TensorFlow's tutorial, a detection's
    time is the START of the window that decided, `_silence_` is never reported, and `_unknown_` is.

    A detection needs several windows that agree, and at the ends of a stream a word has few. So faint noise is put
    before and after the stream, and every window that holds any of the sound is scored. `on_scores` gets negative times
    for windows that begin before the stream; a detection in one of them has the time 0.

    Args:
        scorer: computes the scores of each window.
        settings: the decoder's settings; their stride must be the scorer's.
        on_scores: called with the times and the scores of completed windows, before their detections are returned.
        pad_ends: put faint noise before and after the stream; False scores only the windows inside it, as the tutorial
            does.
        fill_zeros: replace digital silence (exact zeros for over 10 ms) by faint noise; False keeps it, as the tutorial
            does.

    Raises:
        KwsError: the scorer's stride differs from the settings', or the settings do not fit the labels.
    """

    def __init__(
        self,
        scorer: StreamScorer,
        settings: DecoderSettings | None = None,
        on_scores: OnScores | None = None,
        *,
        pad_ends: bool = True,
        fill_zeros: bool = True,
    ) -> None:
        settings = settings or DecoderSettings()
        self.labels = scorer.labels
        self._rate_hz, self._window = scorer.spec.sample_rate, scorer.spec.samples
        self._scorer, self._on_scores = scorer, on_scores
        self._decoder = CommandDecoder(scorer.labels.names, settings)
        # The longest run of whole strides before the stream whose first window still reaches into it.
        self._lead = (self._window - 1) // scorer.stride_samples * scorer.stride_samples
        self._pad_ends = pad_ends
        self._filler = ZeroFiller(self._rate_hz * _ZEROS_MS // 1000) if fill_zeros else None
        if not fits_stride(settings.stride_ms, scorer):
            raise KwsError(
                f"stride_ms: the decoder's settings say {settings.stride_ms}, but the scorer gives scores every"
                f" {1000 * scorer.stride_samples / self._rate_hz:g} ms; make them equal"
            )
        self.reset()

    @property
    def time_ms(self) -> int:
        """Position in the stream, in ms: samples fed plus samples dropped."""
        return self._in_ms(self._heard)

    def reset(self) -> None:
        """Start a new stream at time 0."""
        self._heard = 0
        self._restart()
        self._to_lead = self._lead if self._pad_ends else 0

    def feed(self, samples: NDArray[np.int16] | NDArray[np.floating[Any]]) -> list[Detection]:
        """Process the next samples.

        Args:
            samples: int16, or float in [-1, 1], (samples,), at the model's sample rate; any number, also 0.

        Returns:
            The detections of the windows that these samples completed.

        Raises:
            InputError: wrong type or shape, or NaN or infinite samples; nothing was processed, the stream can go on.
        """
        sound: NDArray[Any] = np.asarray(samples)
        sound = checked(to_float(sound) if sound.dtype == np.int16 else sound)
        if self._to_lead and len(sound):
            # Shorter than a window, so no scores yet.
            self._scorer.push(faint_noise(self._heard - self._to_lead, self._to_lead))
            self._begin -= self._to_lead
            self._to_lead = 0
        if self._filler is not None:
            sound = self._filler.fill(sound, self._heard)
        scores = self._scorer.push(sound)
        self._heard += len(sound)
        return self._decode(scores)

    def skip(self, samples: int) -> list[Detection]:
        """Report lost samples: time goes on, and nothing before the gap is joined to anything after it.

        Windows start anew after the gap, and the decoder forgets its last detection, for whatever ended that word may
        lie in the gap. Samples before the gap that filled no window are not scored. No noise is put around a gap: a
        word there was cut in two, and a computer that loses sound has no time for more windows. After a gap at the very
        start of a stream, the noise still comes before the first sound.

        Args:
            samples: number of lost samples.

        Returns:
            An empty list, so that `feed` and `skip` can be used alike.

        Raises:
            InputError: a negative number.
        """
        if operator.index(samples) < 0:
            raise InputError(f"samples: {samples} lost samples told; 0 or more are expected")
        if samples:
            self._heard += samples
            self._restart()
        return []

    def flush(self) -> list[Detection]:
        """End the stream, and get ready for a new one at time 0.

        With `pad_ends`, faint noise follows until every window that holds any of the sound was scored. Without it, the
        rest after the last whole window (less than a stride; or all, if the stream is shorter than a window) is padded
        with zeros at its end, like a short clip, and scored as one more window. So every sample is in some window.

        Returns:
            The detections of these windows.
        """
        rest, stride = self._heard - self._begin, self._scorer.stride_samples
        if self._pad_ends:
            missing = (-(-rest // stride) - 1) * stride + self._window - rest
            tail = faint_noise(self._heard, missing)
        else:
            done = self._windows * stride
            # Where the last window ended; 0 if there was none since the start or the last gap.
            reached = done - stride + self._window if self._windows else 0
            tail = np.zeros(done + self._window - rest if rest > reached else 0, np.float32)
        found = self._decode(self._scorer.push(tail)) if rest else []
        self.reset()
        return found

    def _restart(self) -> None:
        # The sample at which the first window began, and the number of windows since.
        self._begin = self._heard
        self._windows = 0
        self._scorer.reset()
        self._decoder.reset()
        if self._filler is not None:
            self._filler.reset()

    def _decode(self, scores: Scores) -> list[Detection]:
        starts = self._begin + self._scorer.stride_samples * np.arange(self._windows, self._windows + len(scores))
        self._windows += len(scores)
        times_ms = starts * 1000 // self._rate_hz
        if self._on_scores is not None and len(scores):
            self._on_scores(times_ms, scores)
        decisions = [self._decoder.step(row, int(time_ms)) for row, time_ms in zip(scores, times_ms, strict=True)]
        # A window may begin before the stream; a word can't.
        new = [one for one in decisions if one.is_new and one.label != SILENCE]
        return [Detection(one.label, max(one.time_ms, 0), one.score) for one in new]

    def _in_ms(self, samples: int) -> int:
        return samples * 1000 // self._rate_hz
