"""Spot keywords in live sound, and keep what a display shows: scores, level, lag, losses."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kws.audio.io import to_int16
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection
from kws.streaming.recorder import Recorder
from kws.streaming.score_window import ScoreWindow
from kws.streaming.scorer import Scores, StreamScorer
from kws.streaming.sound_source import Block
from kws.streaming.spotter import Spotter

_KEPT = 100  # latest detections, for the display
_SMOOTHED_S = 1.0  # level, window time and real-time factor are averaged over about this long
_FAINTEST_DB = -96.0


@dataclass(frozen=True)
class SessionState:
    """Snapshot of a live session: scores, latest detections, input level, load.

    Args:
        labels: names of the scores.
        scores: averaged as the decoder averages them, one per label; zeros at first.
        thresholds: of each label.
        detections: the latest, oldest first.
        found: number of all detections.
        time_ms: position in the stream, lost sound included.
        dropped: number of lost samples.
        dropped_ms: the same as a time.
        level_db: recent root mean square of the sound, dB of full scale, at least -96.
        clipped: the sound reached full scale just now.
        window_ms: recent computing time of one window.
        busy: recent real-time factor: seconds of computing per second of sound.
        lag_ms: sound that waits to be processed.
        windows: number of scored windows.
        busy_s: seconds of computing since the start.
    """

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    thresholds: tuple[float, ...]
    detections: tuple[Detection, ...] = ()
    found: int = 0
    time_ms: int = 0
    dropped: int = 0
    dropped_ms: int = 0
    level_db: float = _FAINTEST_DB
    clipped: bool = False
    window_ms: float = 0.0
    busy: float = 0.0
    lag_ms: int = 0
    windows: int = 0
    busy_s: float = 0.0


class LiveSession:
    """Spot keywords in blocks of live sound as they arrive.

    Each sample is rounded to 16 bits before it is scored, and the scorer gets at most one stride at a time. So a
    recording gives the same scores again, to the bit, whatever the blocks were.

    Args:
        scorer: computes the scores of each window.
        settings: the decoder's settings.
        recorder: keeps the sound, scores and detections; its creator closes it.
        clock: seconds since any fixed moment.

    Raises:
        KwsError: settings that do not fit the scorer.
    """

    def __init__(
        self,
        scorer: StreamScorer,
        settings: DecoderSettings,
        recorder: Recorder | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._spotter = Spotter(scorer, settings, self._scored)
        self._recorder, self._clock = recorder, clock
        self._rate_hz, self._stride = scorer.spec.sample_rate, scorer.stride_samples
        self._labels = scorer.labels.names
        self._thresholds = tuple(settings.threshold_of(label) for label in self._labels)
        self._window = ScoreWindow(len(self._labels), settings.average_window_ms, 1)
        self._scores: tuple[float, ...] = (0.0,) * len(self._labels)
        self._latest: deque[Detection] = deque(maxlen=_KEPT)
        self._found = self._dropped = self._windows = self._time_ms = 0
        self._busy_s = 0.0
        # Running means, weighted by length of sound: power; seconds of computing and windows, both per second of sound.
        self._power = self._load = self._rate = self._peak = 0.0

    def hear(self, block: Block) -> list[Detection]:
        """Process a block; return its detections.

        Raises:
            KwsError: the recording can't be written.
        """
        samples, before, windows = to_int16(block.samples), self._clock(), self._windows
        if self._recorder is not None:
            self._recorder.lose(block.dropped)
            self._recorder.hear(samples)
        if block.dropped:
            self._dropped += block.dropped
            self._window.clear()
        found = feed(self._spotter, samples, block.dropped, self._stride)
        self._keep(found)
        self._time_ms = self._spotter.time_ms
        if len(samples):
            self._measure(block.samples, self._clock() - before, self._windows - windows)
        return found

    def end(self) -> list[Detection]:
        """End the stream; return the detections of its last windows."""
        found = self._spotter.flush()
        self._keep(found)
        return found

    def state(self, waiting_samples: int = 0) -> SessionState:
        """Return a snapshot; `waiting_samples` are those that arrived but were not processed yet."""
        return SessionState(
            self._labels, self._scores, self._thresholds, tuple(self._latest), self._found, self._time_ms,
            self._dropped, 1000 * self._dropped // self._rate_hz,
            max(10 * math.log10(self._power), _FAINTEST_DB) if self._power else _FAINTEST_DB, self._peak >= 1,
            1000 * self._load / self._rate if self._rate else 0.0, self._load, 1000 * waiting_samples // self._rate_hz,
            self._windows, self._busy_s,
        )  # fmt: skip

    def _keep(self, found: list[Detection]) -> None:
        self._latest.extend(found)
        self._found += len(found)
        if self._recorder is not None:
            self._recorder.find(found)

    def _scored(self, times_ms: NDArray[np.int64], scores: Scores) -> None:
        self._windows += len(scores)
        if self._recorder is not None:
            self._recorder.score(times_ms, scores)
        for time_ms, row in zip(times_ms.tolist(), scores, strict=True):
            mean = self._window.add(row, time_ms)
            if mean is not None:
                self._scores = tuple(mean.tolist())

    def _measure(self, samples: NDArray[np.float32], busy_s: float, windows: int) -> None:
        length_s = len(samples) / self._rate_hz
        self._busy_s += busy_s
        new = 1 - math.exp(-length_s / _SMOOTHED_S)
        self._power += new * (float(np.square(samples, dtype=np.float64).mean()) - self._power)
        self._load += new * (busy_s / length_s - self._load)
        self._rate += new * (windows / length_s - self._rate)
        # The largest 16-bit sample is one step below 1.
        self._peak = max(float(abs(samples).max()) * 32768 / 32767, self._peak * (1 - new))


def feed(spotter: Spotter, samples: NDArray[np.int16], dropped: int, stride_samples: int) -> list[Detection]:
    """Feed live or recorded samples stride by stride: many windows at once would round the last bits differently."""
    found = spotter.skip(dropped)
    for first in range(0, len(samples), stride_samples):
        found += spotter.feed(samples[first : first + stride_samples])
    return found
