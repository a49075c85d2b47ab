"""Thresholds that find at another temperature what they found before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kws.evaluation.calibration import softmax
from kws.evaluation.streams.offline_decoder import OfflineDecoder, ScoredStream
from kws.streaming.at_temperature import at_temperature
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import SpokenWord

LABELS = ("_silence_", "_unknown_", "yes", "no", "stop", "go", "left", "right")
STRIDE_MS, WORDS = 30, 120
temperatures = st.floats(0.2, 5)


def spoken(seed: int) -> NDArray[np.float64]:
    """Logits (windows, labels) of a stream with a word every three seconds, said more and less clearly."""
    rng = np.random.default_rng(seed)
    count = WORDS * 3000 // STRIDE_MS
    logits = 1.2 * np.repeat(rng.standard_normal((count // 10, len(LABELS))), 10, axis=0)
    logits[:, 0] += 4
    for word in range(WORDS):
        middle, clearness = (word * 100) + 50, rng.uniform(2, 10)
        shape = np.exp(-(((np.arange(count) - middle) / 14) ** 2))
        logits[:, 2 + word % 6] += clearness * shape
        logits[:, 0] -= 4 * shape
    return logits


def hits(logits: NDArray[np.float64], settings: DecoderSettings) -> int:
    times = STRIDE_MS * np.arange(len(logits))
    truth = tuple(SpokenWord(LABELS[2 + word % 6], word * 3000 + 1000) for word in range(WORDS))
    stream = ScoredStream(times, softmax(logits).astype(np.float32), LABELS, truth, len(logits) * STRIDE_MS)
    return sum(found.label in LABELS[2:] for found in OfflineDecoder(stream, settings.average_window_ms).detect(settings))


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.85])
@pytest.mark.parametrize("temperature", [0.6, 1.6, 3.28])
def test_as_many_words_are_found_as_before(temperature: float, threshold: float) -> None:
    logits, settings = spoken(0), DecoderSettings(threshold=threshold)
    before = hits(logits, settings)
    assert before > WORDS / 5
    left_alone = abs(hits(logits / temperature, settings) - before)
    followed = abs(hits(logits / temperature, at_temperature(settings, 1.0, temperature, len(LABELS))) - before)
    assert followed < left_alone / 2
    assert followed < WORDS / 8


@given(temperatures, temperatures, st.floats(0.01, 0.99), st.integers(3, 40))
def test_thresholds_keep_their_order_and_come_back(before: float, after: float, threshold: float, labels: int) -> None:
    settings = DecoderSettings(
        threshold=threshold,
        word_thresholds={"yes": 1.0, "no": (1 + threshold) / 2},
        release_threshold=threshold / 2,
        repeat_words=True,
    )
    there = at_temperature(settings, before, after, labels)
    assert there.release_threshold is not None
    assert 0 < there.release_threshold <= there.threshold <= there.threshold_of("no") < there.threshold_of("yes") == 1
    back = at_temperature(there, after, before, labels)
    if there.release_threshold > 0.02 and there.threshold_of("no") < 0.98:  # rounded to four digits
        assert back.threshold == pytest.approx(threshold, abs=0.05)
    assert at_temperature(settings, before, before, labels) is settings


def test_the_mapping_by_hand() -> None:
    # Of three labels the others share 0.3 as 10 : 3.
    others = (10 / 13) ** 2 + (3 / 13) ** 2
    expected = 0.49 / (0.49 + 0.09 * others)
    assert at_temperature(DecoderSettings(), 1.0, 0.5, 3).threshold == pytest.approx(expected, abs=1e-4)
    assert at_temperature(DecoderSettings(threshold=0.0), 1.0, 0.5, 3).threshold == 0
    assert at_temperature(DecoderSettings(threshold=1.0), 1.0, 3.0, 3).threshold == 1
