"""Words in continuous sound: samples in, in chunks of any size, detections out. NumPy only."""

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

# Times of the windows' starts, ms, and their scores (windows, labels).
OnScores = Callable[[NDArray[np.int64], Scores], None]

# Shorter runs of exact zeros are left as they are; a frame of 20 ms or more is never all zeros then.
_ZEROS_MS = 10


class Spotter:
    """Finds words in a stream. Its memory does not grow with the stream.

    Times count from the stream's first sample, dropped ones included; a detection's is the START of the window that
    decided, as TensorFlow's. `_silence_` is no detection; `_unknown_` is one, as TensorFlow's tutorial counts it.

    A word is found where its windows agree, and at the ends of a stream a word has few windows. So faint noise is put
    before the stream and after it: every window that holds any of the sound is scored. `on_scores` gets negative times
    of windows that begin before the stream; a detection in one of those has the time 0.

    Args:
        scorer: gives the scores of each window.
        settings: of the decoder; their stride must be the scorer's.
        on_scores: called with the times and the scores of the windows that completed, before their detections are
            returned.
        pad_ends: put faint noise before the stream and after it; False scores the windows inside of it alone, as the
            original.
        fill_zeros: put faint noise in place of digital silence (exact zeros for over 10 ms); False leaves it, as the
            original.

    Raises:
        KwsError: the scorer's stride is not the settings', or the settings do not fit the labels.
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
        # The most whole strides before the stream with which each window still holds some of it.
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
        """Where the stream has come to: what was fed and what was dropped."""
        return self._in_ms(self._heard)

    def reset(self) -> None:
        """Begin a new stream at time 0."""
        self._heard = 0
        self._restart()
        self._to_lead = self._lead if self._pad_ends else 0

    def feed(self, samples: NDArray[np.int16] | NDArray[np.floating[Any]]) -> list[Detection]:
        """Take in the next sound.

        Args:
            samples: int16, or float in [-1, 1], (samples,), at the model's rate; any number, also none.

        Returns:
            What was found in the windows that these samples completed.

        Raises:
            InputError: another type or shape, or NaN or infinite samples; nothing was taken in, and the stream can go
                on.
        """
        sound: NDArray[Any] = np.asarray(samples)
        sound = checked(to_float(sound) if sound.dtype == np.int16 else sound)
        if self._to_lead and len(sound):
            # Less than a window: no scores yet.
            self._scorer.push(faint_noise(self._heard - self._to_lead, self._to_lead))
            self._begin -= self._to_lead
            self._to_lead = 0
        if self._filler is not None:
            sound = self._filler.fill(sound, self._heard)
        scores = self._scorer.push(sound)
        self._heard += len(sound)
        return self._decode(scores)

    def skip(self, samples: int) -> list[Detection]:
        """Tell that sound was lost: time goes on, and nothing before the gap is joined to anything after it.

        The windows begin anew after the gap, and the decoder forgets what it found before it, for whatever ended the
        word may lie in the gap. The rest before the gap that filled no window is not scored. A gap is no end of the
        stream: no noise is put around it, for a word there was cut in two, and a computer that loses sound has no time
        for more windows. A gap before any sound is ignored: the noise comes before the first sound that is fed.

        Args:
            samples: how many were lost.

        Returns:
            Nothing is found in a gap: an empty list, so that `feed` and `skip` can be used alike.

        Raises:
            InputError: less than none.
        """
        if operator.index(samples) < 0:
            raise InputError(f"samples: {samples} lost samples told; 0 or more are expected")
        if samples:
            self._heard += samples
            self._restart()
        return []

    def flush(self) -> list[Detection]:
        """End the stream, and be ready for a new one at time 0.

        With `pad_ends`, faint noise follows until every window that holds any of the sound was scored. Without, what
        came after the last whole window (less than a stride; or all, if the stream is shorter than a window) is filled
        up with zeros at its end, as a short clip is, and scored as one window more. So every sample was in a window.

        Returns:
            What was found in these windows.
        """
        rest, stride = self._heard - self._begin, self._scorer.stride_samples
        if self._pad_ends:
            missing = (-(-rest // stride) - 1) * stride + self._window - rest
            tail = faint_noise(self._heard, missing)
        else:
            done = self._windows * stride
            # Up to where the windows so far reach, or to the gap where there is none yet.
            reached = done - stride + self._window if self._windows else 0
            tail = np.zeros(done + self._window - rest if rest > reached else 0, np.float32)
        found = self._decode(self._scorer.push(tail)) if rest else []
        self.reset()
        return found

    def _restart(self) -> None:
        # Sample at which the windows began, and how many there were since.
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
