"""A model of loudness, whose words are easy to make."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kws.audio.framing import FeatureSpec
from kws.labels import LabelSet
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.scorer import WindowScorer

SPEC = FeatureSpec(sample_rate=1000, clip_ms=200.0, window_ms=20.0, hop_ms=10.0)
SETTINGS = DecoderSettings(average_window_ms=40, threshold=0.6, suppression_ms=300, minimum_count=2, stride_ms=20)


class Levels:
    """A model that hears `yes` in a loud positive level, `no` in a negative one, anything unknown in a faint one."""

    labels, spec = LabelSet(["yes", "no"]), SPEC

    def score(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
        level = waveform.mean(axis=1)
        column = np.select([level > 0.25, level < -0.25, abs(level) > 0.1], [2, 3, 1], 0)
        return np.float32(0.04) + np.float32(0.84) * np.eye(4, dtype=np.float32)[column]


def scorer(stride_ms: int = 20) -> WindowScorer:
    return WindowScorer(Levels(), stride_ms)


def sound(*words: tuple[int, float], length: int = 3000) -> NDArray[np.float32]:
    """Levels of 150 ms from the given times on."""
    waveform = np.zeros(length, np.float32)
    for start, level in words:
        waveform[start : start + 150] = level
    return waveform


STREAM = sound((500, 0.9), (1500, -0.9), (2400, 0.9))
