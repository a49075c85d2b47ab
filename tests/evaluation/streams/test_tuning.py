"""Choosing decoder settings: the best of what was tried, and honesty about the rest."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from scored import LABELS, decoded, made

from kws.errors import KwsError
from kws.evaluation.streams.offline_decoder import OfflineDecoder, ScoredStream
from kws.evaluation.streams.scoring import score_detections
from kws.evaluation.streams.tuning import SearchSpace, Tuning, tune
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import SpokenWord

# The choice


@pytest.fixture(scope="module")
def tuning() -> Tuning:
    return tune([made(10), made(10, seed=1, words=False)], false_accepts_per_hour=6)


def test_no_setting_that_was_tried_is_better(tuning: Tuning) -> None:
    words, silent = made(10), made(10, seed=1, words=False)
    best = (-1.0, 0.0)
    tried = 0
    for points in SearchSpace().around(DecoderSettings()):
        averages = [OfflineDecoder(stream, points[0].average_window_ms) for stream in (words, silent)]
        for point in points[::4]:
            tried += 1
            said, unsaid = (
                score_detections(stream.truth, each.detect(point), stream.duration_ms).total
                for stream, each in zip((words, silent), averages, strict=True)
            )
            false_accepts = said.false_accepts + unsaid.false_accepts
            if false_accepts <= 2:
                best = max(best, (said.hits, -false_accepts))
    total = tuning.after.score.total
    assert tried > 100
    assert (total.hits, -total.false_accepts) >= best
    assert tuning.reached


def test_the_score_is_that_of_the_decoder_on_all_streams(tuning: Tuning) -> None:
    for point in (tuning.before, tuning.after):
        parts = [
            score_detections(stream.truth, decoded(stream, point.settings), stream.duration_ms)
            for stream in (made(10), made(10, seed=1, words=False))
        ]
        total = point.score.total
        for name in ("hits", "wrong", "missed", "false_accepts", "said"):
            assert getattr(total, name) == sum(getattr(part.total, name) for part in parts)
        assert total.hours == pytest.approx(20 / 60)
        assert total.latencies_ms == parts[0].total.latencies_ms
        assert point.score.words["yes"].said == parts[0].words["yes"].said
        assert point.score.duration_ms == 1_200_000


def test_finds_more_than_before(tuning: Tuning) -> None:
    assert tuning.before.settings == DecoderSettings()
    assert tuning.after.score.total.hits > tuning.before.score.total.hits


def test_what_is_not_searched_stays() -> None:
    start = DecoderSettings(stride_ms=30, word_thresholds={"no": 0.95}, consecutive_windows=2, repeat_words=True)
    after = tune([made(3)], start, false_accepts_per_hour=60).after.settings
    names = ("threshold", "average_window_ms", "suppression_ms", "minimum_count")
    assert replace(after, **{name: getattr(start, name) for name in names}) == start


def test_the_curve_is_the_choice_at_every_threshold(tuning: Tuning) -> None:
    thresholds = [point.settings.threshold for point in tuning.curve]
    assert thresholds == sorted({*SearchSpace().thresholds, 0.7})
    assert {replace(point.settings, threshold=0.5) for point in tuning.curve} == {replace(tuning.after.settings, threshold=0.5)}
    assert tuning.after in tuning.curve


def test_equals_are_decided_by_latency_then_by_nearness_to_the_defaults() -> None:
    times_ms = np.arange(0, 20_000, 30)
    scores = np.tile(np.float32([0.9, 0.05, 0.03, 0.02]), (len(times_ms), 1))
    scores[(times_ms >= 5000) & (times_ms < 6000)] = [0, 0, 1, 0]
    stream = ScoredStream(times_ms, scores, LABELS, (SpokenWord("yes", 5000),), 20_000)
    after = tune([stream]).after
    quickest = SearchSpace(thresholds=(0.2,), average_windows_ms=(250,))
    assert after.score.total.hits == 1
    assert after.score.total.latency_ms(50) == tune([stream], space=quickest).after.score.total.latency_ms(50)
    # Of the thresholds and suppressions that find it at that moment.
    alike = SearchSpace(average_windows_ms=(0,), thresholds=(0.1, 0.6, 0.9), suppressions_ms=(0, 1400, 5000))
    chosen = tune([stream], DecoderSettings(average_window_ms=0, minimum_count=1), space=alike).after.settings
    assert (chosen.threshold, chosen.suppression_ms) == (0.7, 1500)


def test_says_that_no_setting_reaches_the_target() -> None:
    times_ms = np.arange(0, 60_000, 30)
    scores = np.tile(np.float32([1, 0, 0, 0]), (len(times_ms), 1))
    # Two words heard alike, one said: whatever finds it makes a false accept.
    for start_ms in (5000, 25_000):
        scores[(times_ms >= start_ms) & (times_ms < start_ms + 1000)] = [0, 0, 1, 0]
    stream = ScoredStream(times_ms, scores, LABELS, (SpokenWord("yes", 5000),), 60_000)
    tuning = tune([stream])
    assert not tuning.reached
    assert not tuning.proven
    assert (tuning.after.score.total.hits, tuning.after.score.total.false_accepts) == (1, 1)


def test_finding_nothing_is_no_way_to_the_target() -> None:
    stream = made(0.5)
    deaf = SearchSpace(thresholds=(1.0,))
    tuning = tune([stream], DecoderSettings(threshold=1.0), space=deaf)
    assert (tuning.reached, tuning.after.score.total.hits, tuning.after.score.total.false_accepts) == (False, 0, 0)


def test_little_sound_proves_little() -> None:
    tuning = tune([made(10)], false_accepts_per_hour=0.5)
    rate = tuning.after.score.total.false_accepts_per_hour
    assert (tuning.reached, tuning.proven, rate.value, rate.low) == (True, False, 0, 0)
    # Garwood's: none in ten minutes leaves up to -ln(0.025) in ten minutes open.
    assert rate.high == pytest.approx(6 * -math.log(0.025))
    times_ms = np.array([0, 30])
    quiet = ScoredStream(times_ms, np.float32([[1, 0, 0, 0]] * 2), LABELS, (), 8 * 3_600_000)
    assert tune([made(10), quiet], false_accepts_per_hour=0.5).proven


def test_as_json_takes_it(tuning: Tuning) -> None:
    content = json.loads(json.dumps(tuning.to_dict(), allow_nan=False))
    assert content["reached"] is True
    assert content["tried"] == tuning.tried
    assert DecoderSettings.from_dict(content["after"]["settings"]) == tuning.after.settings
    assert content["before"]["score"]["hits"] == tuning.before.score.total.hits
    assert set(content["after"]["score"]["false_accepts_per_hour"]) == {"value", "low", "high"}
    assert len(content["curve"]) == len(tuning.curve)


def test_ten_minutes_and_500_settings_take_seconds() -> None:
    stream = made(10, labels=12)
    started = time.process_time()
    tuning = tune([stream])
    assert tuning.tried >= 500
    assert time.process_time() - started < 30


# The values tried


def test_settings_that_could_find_nothing_are_left_out() -> None:
    space = SearchSpace(average_windows_ms=(0, 20, 90), minimum_counts=(1, 4, 5), suppressions_ms=(0,), thresholds=(0.5,))
    start = DecoderSettings(average_window_ms=500, threshold=0.5, suppression_ms=0, minimum_count=3)
    tried = [(point.average_window_ms, point.minimum_count) for points in space.around(start) for point in points]
    assert tried == [(0, 1), (90, 1), (90, 3), (90, 4), (500, 1), (500, 3), (500, 4), (500, 5)]


def test_thresholds_under_the_release_are_left_out() -> None:
    (points,) = SearchSpace((0.1, 0.3, 0.8), (500,), (1500,)).around(DecoderSettings(release_threshold=0.3))
    assert [point.threshold for point in points] == [0.3, 0.7, 0.8]


# What is refused


def test_what_cannot_be_tuned_is_refused() -> None:
    stream = made(0.2)
    with pytest.raises(KwsError, match="no stream given"):
        tune([])
    with pytest.raises(KwsError, match="streams of different labels"):
        tune([stream, replace(stream, labels=("a", "b", "c", "d"))])
    with pytest.raises(KwsError, match="none of no, yes is in the ground truth"):
        tune([replace(stream, truth=(SpokenWord("_unknown_", 10), SpokenWord("house", 20)))])
    with pytest.raises(KwsError, match="word_thresholds: house not among the labels"):
        tune([stream], DecoderSettings(word_thresholds={"house": 0.5}))
    for target in (-1.0, math.nan, math.inf):
        with pytest.raises(KwsError, match=f"false_accepts_per_hour: {target} given"):
            tune([stream], false_accepts_per_hour=target)


def test_needs_no_torch() -> None:
    code = "import sys, kws.evaluation.streams.tuning; sys.exit(bool({'torch', 'matplotlib', 'scipy'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
