"""Thresholds of single words: more hits within the same false accepts, or none of their own."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from scored import LABELS, decoded, made

from kws.evaluation.streams.offline_decoder import ScoredStream
from kws.evaluation.streams.operating_point import OperatingPointEvaluator, sort_key
from kws.evaluation.streams.scoring import score_detections
from kws.evaluation.streams.tuning import SearchSpace, tune
from kws.evaluation.streams.word_thresholds import _knapsack, _Option, refine
from kws.streaming.decoder_settings import DecoderSettings

SPACE = SearchSpace(thresholds=(0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95), average_windows_ms=(250,), suppressions_ms=(1000,))
START = DecoderSettings(average_window_ms=250)


def lopsided() -> list[ScoredStream]:
    """Streams in which `yes` is heard too easily and `no` too faintly, so that no common threshold suits both."""
    streams = []
    for words, seed in ((True, 0), (False, 1)):
        stream = made(10, seed, words)
        scores = stream.scores.copy()
        scores[:, 3] *= 0.5
        streams.append(replace(stream, scores=scores))
    return streams


def test_finds_more_within_the_same_false_accepts() -> None:
    streams = lopsided()
    tuning = tune(streams, START, space=SPACE, false_accepts_per_hour=12, per_word=True)
    common, after = tuning.common, tuning.after
    assert common is not None
    assert common == tune(streams, START, space=SPACE, false_accepts_per_hour=12).after
    assert after.score.total.hits > common.score.total.hits
    assert after.score.total.false_accepts_per_hour.value <= 12
    assert after.settings.threshold_of("no") < after.settings.threshold_of("yes")
    assert set(dict(after.settings.word_thresholds)) <= {"yes", "no"}
    # What is promised is what the decoder itself does.
    scores = [score_detections(one.truth, decoded(one, after.settings), one.duration_ms).total for one in streams]
    assert sum(score.hits for score in scores) == after.score.total.hits
    assert sum(score.false_accepts for score in scores) == after.score.total.false_accepts


def test_is_the_best_of_all_thresholds_of_two_words() -> None:
    judge = OperatingPointEvaluator(lopsided(), 750, 0.95)
    tuning = tune(lopsided(), START, space=SPACE, false_accepts_per_hour=12, per_word=True)
    values = sorted({*SPACE.thresholds, 0.7})
    points = [
        judge.point(replace(tuning.after.settings, word_thresholds={"yes": yes, "no": no})) for yes, no in product(values, values)
    ]
    within = [point for point in points if point.score.total.false_accepts_per_hour.value <= 12]
    assert sort_key(tuning.after)[:2] == min(map(sort_key, within))[:2]


def test_where_nothing_is_better_the_common_one_stays() -> None:
    point = OperatingPointEvaluator([made(3)], 750, 0.95).point
    common = point(DecoderSettings())
    best, tried = refine(point, common, 10_000, [0.7])
    assert best == common
    assert tried == 2


def test_thresholds_of_words_are_chosen_anew_and_others_stay() -> None:
    start = DecoderSettings(word_thresholds={"yes": 1.0, "_unknown_": 0.9})
    after = tune([made(5)], start, space=SPACE, false_accepts_per_hour=100, per_word=True).after
    assert after.settings.threshold_of("_unknown_") == 0.9
    assert after.settings.threshold_of("yes") < 1
    assert after.score.words["yes"].hits > 0
    kept = tune([made(5)], start, space=SPACE, false_accepts_per_hour=100)
    assert dict(kept.after.settings.word_thresholds) == dict(start.word_thresholds)
    assert kept.common is None


@pytest.mark.parametrize(
    ("budget", "chosen"),
    [(0, {"a": 0.7, "b": 0.7}), (1, {"a": 0.5, "b": 0.9}), (2, {"a": 0.5, "b": 0.7}), (-1, {"a": 0.7, "b": 0.9}), (-2, None)],
)
def test_false_accepts_go_where_they_find_most(budget: int, chosen: dict[str, float] | None) -> None:
    stay = _Option(0.7, 0, 0, 0.0)
    options = {"a": [stay, _Option(0.5, 5, 2, 0.2)], "b": [_Option(0.9, -2, -1, 0.2), stay, _Option(0.6, 1, 1, 0.1)]}
    assert _knapsack(options, budget) == chosen


def test_labels_are_those_of_the_stream() -> None:
    assert made(1).labels == LABELS
