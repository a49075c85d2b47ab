"""Whole streams averaged at once: the same detections as the decoder's, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import LABELS, decoded, made

from kws.errors import KwsError
from kws.evaluation.streams.offline_decoder import OfflineDecoder, ScoredStream
from kws.evaluation.streams.tuning import SearchSpace
from kws.streaming.decoder_settings import DecoderSettings

# The same as the decoder


@st.composite
def cases(draw: st.DrawFn) -> tuple[ScoredStream, DecoderSettings]:
    """Coarse numbers, so that times fall on the edges of windows and scores on thresholds; every extra of the decoder."""
    window_ms = draw(st.sampled_from([0, 50, 100, 102, 200]))
    labels = draw(st.sampled_from([LABELS, LABELS[2:], LABELS[:3], LABELS[2:3], ("yes", "_silence_", "no")]))
    repeats = draw(st.booleans())
    own = draw(st.dictionaries(st.sampled_from(labels), st.sampled_from([0.5, 0.7, 1.0]), max_size=2))
    decoder_settings = DecoderSettings(
        average_window_ms=window_ms,
        threshold=draw(st.sampled_from([0.2, 0.5, 0.7])),
        suppression_ms=draw(st.sampled_from([0, 50, 100, 250])),
        minimum_count=min(draw(st.integers(1, 4)), window_ms // 25 + 1),
        stride_ms=25,
        word_thresholds=own,
        consecutive_windows=draw(st.integers(1, 3)),
        release_threshold=draw(st.sampled_from([None, 0.1, 0.2])),
        repeat_words=repeats,
        repeat_held_ms=draw(st.sampled_from([None, 60, 150])) if repeats else None,
    )
    steps = draw(st.lists(st.sampled_from([0, 1, 25, 25, 50, 250]), max_size=50))
    row = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]), min_size=len(labels), max_size=len(labels))
    rows = draw(st.lists(row, min_size=len(steps), max_size=len(steps)))
    scores = np.array(rows, dtype=np.float32).reshape(len(steps), len(labels))
    times_ms = np.cumsum(np.array(steps, dtype=np.int64)) + draw(st.sampled_from([-400, -25, 0, 1000]))
    return ScoredStream(times_ms, scores, labels, (), 60_000), decoder_settings


@settings(max_examples=300)
@given(cases())
def test_finds_what_the_decoder_finds(case: tuple[ScoredStream, DecoderSettings]) -> None:
    stream, decoder_settings = case
    found = OfflineDecoder(stream, decoder_settings.average_window_ms).detect(decoder_settings)
    assert found == decoded(stream, decoder_settings)


@pytest.mark.parametrize(
    "extras",
    [
        {},
        {"consecutive_windows": 4},
        {"release_threshold": 0.1},
        {"repeat_words": True},
        {"repeat_words": True, "repeat_held_ms": 400},
    ],
)
def test_finds_what_the_decoder_finds_in_minutes_of_sound(extras: dict[str, Any]) -> None:
    stream = made(1)
    start = DecoderSettings(**extras)
    averages: dict[int, OfflineDecoder] = {}
    tried = [point for points in SearchSpace(thresholds=(0.2, 0.5, 0.9)).around(start) for point in points]
    for point in tried:
        window_ms = point.average_window_ms
        averages.setdefault(window_ms, OfflineDecoder(stream, window_ms))
        assert averages[window_ms].detect(point) == decoded(stream, point)
    assert len(tried) == 4 * 3 * 4


def test_averages_know_their_window() -> None:
    with pytest.raises(KwsError, match="average_window_ms: 500 given; these averages are of 250"):
        OfflineDecoder(made(0.1), 250).detect(DecoderSettings())


# What is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": np.zeros((3, 4))}, r"scores of shape \(3, 4\) with times of shape \(2,\) and 4 labels"),
        ({"scores": np.zeros((2, 3))}, r"scores of shape \(2, 3\)"),
        ({"times_ms": np.array([30, 0])}, "do not run backwards"),
        ({"times_ms": np.array([0.0, 30.0])}, "whole milliseconds"),
        ({"scores": np.full((2, 4), np.nan)}, "NaN or infinite"),
    ],
)
def test_scores_that_are_none_are_refused(changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"times_ms": np.array([0, 30]), "scores": np.zeros((2, 4), np.float32)}
    with pytest.raises(KwsError, match=message):
        ScoredStream(**{**given, **changes}, labels=LABELS, truth=(), duration_ms=1000)
