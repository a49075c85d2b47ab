"""The decoder's settings: defaults, JSON, and what they refuse."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws.errors import KwsError
from kws.streaming.decoder_settings import DecoderSettings

shares = st.floats(0, 1)
settings = st.builds(
    DecoderSettings,
    average_window_ms=st.integers(60, 3000),
    threshold=st.floats(0.5, 1),
    suppression_ms=st.integers(0, 5000),
    minimum_count=st.integers(1, 3),
    stride_ms=st.integers(1, 30),
    word_thresholds=st.dictionaries(st.text(min_size=1), st.floats(0.5, 1)),
    consecutive_windows=st.integers(1, 10),
    release_threshold=st.none() | st.floats(0, 0.5),
    repeat_words=st.just(True),
    repeat_held_ms=st.none() | st.integers(1, 5000),
)


def test_defaults_are_the_originals_tools() -> None:
    assert DecoderSettings().to_dict() == {
        "average_window_ms": 500, "threshold": 0.7, "suppression_ms": 1500, "minimum_count": 3, "stride_ms": 30,
        "word_thresholds": {}, "consecutive_windows": 1, "release_threshold": None, "repeat_words": False, "repeat_held_ms": None,
    }  # fmt: skip


@given(settings)
def test_json_and_back(given_settings: DecoderSettings) -> None:
    back = DecoderSettings.from_dict(json.loads(json.dumps(given_settings.to_dict(), allow_nan=False)))
    assert back == given_settings
    assert hash(back) == hash(given_settings)


def test_what_is_missing_takes_its_default() -> None:
    assert DecoderSettings.from_dict({}) == DecoderSettings()
    assert DecoderSettings.from_dict({"threshold": 0.5, "word_thresholds": {"no": 0.9}}) == DecoderSettings(
        threshold=0.5, word_thresholds={"no": 0.9}
    )


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KwsError, match=r"treshold, window unknown; average_window_ms, threshold, .* are known"):
        DecoderSettings.from_dict({"treshold": 0.5, "window": 3, "stride_ms": 20})
    with pytest.raises(KwsError, match="a mapping of names to values is expected"):
        DecoderSettings.from_dict([("threshold", 0.5)])  # type: ignore[arg-type]


def test_a_long_average_is_refused_but_loaded(caplog: pytest.LogCaptureFixture) -> None:
    assert DecoderSettings(average_window_ms=10_000).average_window_ms == 10_000
    with pytest.raises(KwsError, match="average_window_ms: 3600000 given; at most 10000 is expected"):
        DecoderSettings(average_window_ms=3_600_000)
    # Of a file that an earlier version wrote.
    old = {**DecoderSettings().to_dict(), "average_window_ms": 3_600_000, "minimum_count": 5000}
    loaded = DecoderSettings.from_dict(old)
    assert (loaded.average_window_ms, loaded.minimum_count, loaded.threshold) == (10_000, 334, 0.7)
    assert caplog.messages == ["average_window_ms: 3600000 found in the model's settings; 10000, the longest, is taken"]


def test_a_word_has_the_threshold_of_its_own() -> None:
    chosen = DecoderSettings(threshold=0.6, word_thresholds={"yes": 0.9, "no": 0.2})
    assert [chosen.threshold_of(label) for label in ("yes", "no", "up")] == [0.9, 0.2, 0.6]


def test_word_thresholds_are_the_same_however_they_are_given() -> None:
    pairs = DecoderSettings(word_thresholds=(("yes", 0.9), ("no", 0.2)))
    mapping = DecoderSettings(word_thresholds={"no": 0.2, "yes": 0.9})
    assert pairs == mapping
    assert hash(pairs) == hash(mapping)


def test_numpy_numbers_become_plain_ones() -> None:
    chosen = DecoderSettings(average_window_ms=np.int64(400), threshold=np.float32(0.5), word_thresholds={"no": np.float32(0.25)})
    assert json.loads(json.dumps(chosen.to_dict()))["word_thresholds"] == {"no": 0.25}
    assert chosen == DecoderSettings(average_window_ms=400, threshold=0.5, word_thresholds={"no": 0.25})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"average_window_ms": -1}, "average_window_ms: -1 given; a whole number of at least 0 is expected"),
        ({"average_window_ms": 500.0}, "average_window_ms: 500.0 given; a whole number"),
        ({"suppression_ms": -1}, "suppression_ms: -1 given; a whole number of at least 0"),
        ({"minimum_count": 0}, "minimum_count: 0 given; a whole number of at least 1"),
        ({"minimum_count": True}, "minimum_count: True given; a whole number"),
        ({"stride_ms": 0}, "stride_ms: 0 given; a whole number of at least 1"),
        ({"stride_ms": "30"}, "stride_ms: '30' given; a whole number"),
        ({"consecutive_windows": 0}, "consecutive_windows: 0 given; a whole number of at least 1"),
        ({"threshold": 1.01}, "threshold: 1.01 given; a number from 0 to 1 is expected"),
        ({"threshold": float("nan")}, "threshold: nan given"),
        ({"threshold": None}, "threshold: None given"),
        ({"threshold": "0.5"}, "threshold: '0.5' given"),
        ({"threshold": True}, "threshold: True given"),
        ({"release_threshold": -0.1}, "release_threshold: -0.1 given; a number from 0 to 1"),
        ({"word_thresholds": {"yes": 70}}, r"word_thresholds\.yes: 70 given; a number from 0 to 1"),
        ({"word_thresholds": {False: 0.7}}, "word_thresholds: False is no word; YAML reads .* quote them"),
        ({"word_thresholds": 0.7}, "word_thresholds: 0.7 given; a mapping of words to thresholds is expected"),
        ({"word_thresholds": ["yes"]}, "word_thresholds: .* given; a mapping of words"),
        ({"word_thresholds": [("yes", 0.7), ("yes", 0.8)]}, "word_thresholds: .* names a word twice"),
        ({"repeat_words": 1}, "repeat_words: 1 given; true or false is expected"),
        ({"repeat_words": True, "repeat_held_ms": 0}, "repeat_held_ms: 0 given; a whole number of at least 1"),
        ({"repeat_held_ms": 900}, "repeat_held_ms: 900 has no effect while repeat_words is false"),
        ({"release_threshold": 0.71}, "release_threshold: 0.71 given; at most the lowest threshold, 0.7, is expected"),
        ({"release_threshold": 0.5, "word_thresholds": {"no": 0.4}}, "release_threshold: 0.5 given; .* lowest threshold, 0.4"),
    ],
)
def test_refuses(values: dict[str, Any], message: str) -> None:
    with pytest.raises(KwsError, match=message):
        DecoderSettings(**values)


def test_settings_that_could_never_find_anything_are_refused() -> None:
    # 500 ms hold the results of 0, 30 … 480 ms: 17.
    assert DecoderSettings(minimum_count=17).minimum_count == 17
    with pytest.raises(KwsError, match=r"minimum_count: 18 given, .*average_window_ms=500 holds 17 results at stride_ms=30"):
        DecoderSettings(minimum_count=18)
    assert DecoderSettings(stride_ms=500, minimum_count=1).stride_ms == 500
    with pytest.raises(KwsError, match="stride_ms: 501 given, but average_window_ms=500 is shorter"):
        DecoderSettings(stride_ms=501, minimum_count=1)
    assert DecoderSettings(average_window_ms=0, minimum_count=1).average_window_ms == 0
