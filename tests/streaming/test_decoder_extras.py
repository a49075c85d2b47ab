"""What the decoder does beyond the original, setting by setting; each result is its own average here."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws.streaming.decoder import CommandDecoder
from kws.streaming.decoder_settings import DecoderSettings

LABELS = ("_silence_", "_unknown_", "yes", "no")


def found(results: str | Sequence[tuple[str, float]], step_ms: int = 100, **settings: object) -> list[tuple[int, str]]:
    """Index and label of what is new. Threshold 0.5, suppression 300 ms, a result each 100 ms.

    Args:
        results: (label, score) of each; or letters: Y, N, U, S a label with 0.9; y, n, u one with 0.4; . silence with 0.4.
    """
    if isinstance(results, str):
        names = {"Y": "yes", "N": "no", "U": "_unknown_", "S": "_silence_", ".": "_silence_"}
        results = [(names[letter.upper()], 0.9 if letter.isupper() else 0.4) for letter in results]
    chosen = {"average_window_ms": 0, "minimum_count": 1, "threshold": 0.5, "suppression_ms": 300, **settings}
    decoder = CommandDecoder(LABELS, DecoderSettings(**chosen))  # type: ignore[arg-type]  # of the tests' own making
    new = []
    for index, (label, score) in enumerate(results):
        decision = decoder.step([score if name == label else (1 - score) / 4 for name in LABELS], index * step_ms)
        if decision.is_new:
            new.append((index, decision.label))
    return new


def test_as_the_original_without_them() -> None:
    assert found("YYYY....NN....N.YY") == [(0, "yes"), (8, "no"), (16, "yes")]


class TestWordThresholds:
    def test_a_word_of_its_own_threshold(self) -> None:
        results = [("yes", 0.6), ("_silence_", 0.1), ("no", 0.6)]
        assert found(results, 1000) == [(0, "yes"), (2, "no")]
        assert found(results, 1000, word_thresholds={"yes": 0.7}) == [(2, "no")]
        assert found(results, 1000, threshold=0.7, word_thresholds={"no": 0.55}) == [(2, "no")]

    def test_one_means_never(self) -> None:
        assert found([("yes", 1.0), ("no", 1.0)], 1000, word_thresholds={"yes": 1}) == [(1, "no")]

    def test_silence_can_have_one_too(self) -> None:
        assert found("Y...S", word_thresholds={"_silence_": 0.95}) == [(0, "yes")]
        assert found("Y...S") == [(0, "yes"), (4, "_silence_")]


class TestConsecutiveWindows:
    def test_so_many_in_a_row(self) -> None:
        assert found("YY.YYY", consecutive_windows=3) == [(5, "yes")]
        assert found("YY.YY", consecutive_windows=2) == [(1, "yes")]

    def test_each_above_the_threshold(self) -> None:
        assert found("YYyYYY", consecutive_windows=3) == [(5, "yes")]

    def test_of_the_same_label(self) -> None:
        assert found("NYNYNNN", consecutive_windows=3) == [(6, "no")]

    def test_they_count_while_another_word_suppresses(self) -> None:
        assert found("YYNNNN", consecutive_windows=2) == [(1, "yes"), (5, "no")]

    def test_a_gap_in_the_stream_breaks_the_row(self) -> None:
        settings = DecoderSettings(average_window_ms=100, minimum_count=2, consecutive_windows=2, threshold=0.5)
        decoder = CommandDecoder(LABELS, settings)
        times_ms = [0, 50, 5000, 5050, 5100]
        assert [decoder.step([0, 0, 1, 0], time_ms).is_new for time_ms in times_ms] == [False, False, False, False, True]


class TestReleaseThreshold:
    def test_a_word_is_held_until_its_score_falls_to_it(self) -> None:
        # "no" outdoes a lingering "yes": the original finds it, and would go back and forth.
        both = [[0, 0, 0.9, 0], *[[0, 0, lingering, 0.6] for lingering in (0.5, 0.4, 0.35, 0.25, 0.2)]]
        for release, expected in ((None, [0, 1]), (0.35, [0, 3]), (0.3, [0, 4]), (0.1, [0])):
            settings = DecoderSettings(
                average_window_ms=0, minimum_count=1, threshold=0.5, suppression_ms=300, release_threshold=release
            )
            decoder = CommandDecoder(LABELS, settings)
            assert [i for i, scores in enumerate(both) if decoder.step(scores, i * 1000).is_new] == expected

    def test_what_fell_once_is_released_for_good(self) -> None:
        rows = [[0, 0, 0.9, 0], [1, 0, 0.1, 0], [0, 0, 0.45, 0.6]]
        settings = DecoderSettings(
            average_window_ms=0, minimum_count=1, threshold=0.5, suppression_ms=1500, release_threshold=0.2
        )
        decoder = CommandDecoder(LABELS, settings)
        assert [decoder.step(scores, i * 1000).is_new for i, scores in enumerate(rows)] == [True, False, True]

    @pytest.mark.parametrize("label", ["_unknown_", "_silence_"])
    def test_unknown_and_silence_are_not_held(self, label: str) -> None:
        first, second = [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.6]
        first[LABELS.index(label)], second[LABELS.index(label)] = 0.9, 0.5
        settings = DecoderSettings(average_window_ms=0, minimum_count=1, threshold=0.5, suppression_ms=300, release_threshold=0.2)
        decoder = CommandDecoder(LABELS, settings)
        decoder.step([0, 0, 0.9, 0], 0)
        assert decoder.step([0.2, 0.2, 0.1, 0.1], 500).is_new is False
        assert decoder.step(first, 1000).is_new
        assert decoder.step(second, 2000).is_new


class TestRepeatWords:
    def test_a_word_said_twice_without_a_silence_between(self) -> None:
        assert found("YY..YY..") == [(0, "yes")]
        assert found("YY..YY..", repeat_words=True) == [(0, "yes"), (4, "yes")]

    def test_a_steady_word_is_one_word(self) -> None:
        assert found("Y" * 50, repeat_words=True) == [(0, "yes")]

    def test_within_the_suppression_it_is_the_same_word(self) -> None:
        assert found("Y.YY", repeat_words=True) == [(0, "yes")]
        assert found("Y.YYY", repeat_words=True) == [(0, "yes"), (4, "yes")]

    def test_it_must_fall_to_its_own_threshold(self) -> None:
        wavering = [("yes", score) for score in (0.9, 0.6, 0.6, 0.6, 0.9)]
        assert found(wavering, repeat_words=True) == [(0, "yes")]
        assert found(wavering, repeat_words=True, word_thresholds={"yes": 0.6}) == [(0, "yes"), (4, "yes")]

    def test_it_must_fall_to_the_release_threshold(self) -> None:
        wavering = [("yes", score) for score in (0.9, 0.45, 0.45, 0.45, 0.9)]
        assert found(wavering, repeat_words=True) == [(0, "yes"), (4, "yes")]
        assert found(wavering, repeat_words=True, release_threshold=0.3) == [(0, "yes")]
        fallen = [("yes", score) for score in (0.9, 0.45, 0.3, 0.45, 0.9)]
        assert found(fallen, repeat_words=True, release_threshold=0.3) == [(0, "yes"), (4, "yes")]

    def test_unknown_does_not_repeat_for_it_would_suppress_the_words(self) -> None:
        assert found("U...U..Y", repeat_words=True) == [(0, "_unknown_"), (7, "yes")]

    def test_silence_does_not_repeat(self) -> None:
        assert found("Y...S..S..S", repeat_words=True) == [(0, "yes"), (4, "_silence_")]

    def test_a_gap_in_the_stream_separates(self) -> None:
        for repeat, last in ((False, False), (True, True)):
            decoder = CommandDecoder(
                LABELS, DecoderSettings(average_window_ms=100, minimum_count=2, threshold=0.5, repeat_words=repeat)
            )
            assert [decoder.step([0, 0, 1, 0], time_ms).is_new for time_ms in (0, 50, 5000, 5050)] == [False, True, False, last]

    def test_said_too_fast_to_fall_it_repeats_by_time_where_asked(self) -> None:
        steady = "Y" * 16
        assert found(steady, repeat_words=True, repeat_held_ms=700) == [(0, "yes"), (7, "yes"), (14, "yes")]
        # But never within the suppression.
        assert found(steady, repeat_words=True, repeat_held_ms=100) == [(0, "yes"), (4, "yes"), (8, "yes"), (12, "yes")]


@given(st.text("YNUSynu.", max_size=40))
def test_repeating_finds_no_fewer_and_never_closer_than_the_suppression(letters: str) -> None:
    plain, repeated = found(letters), found(letters, repeat_words=True)
    words = [(index, label) for index, label in repeated if label != "_silence_"]
    previous_silent = {index for (_, before), (index, _) in pairwise(repeated) if before == "_silence_"}
    for (before, _), (after, _) in pairwise(words):
        assert after - before > 3 or after in previous_silent
    assert bool(plain) == bool(repeated)


@given(st.text("YNUSynu.", max_size=40), st.integers(1, 4))
def test_more_windows_in_a_row_find_nothing_earlier(letters: str, windows: int) -> None:
    first = found(letters)[:1]
    later = found(letters, consecutive_windows=windows)[:1]
    assert not later or later[0][0] >= first[0][0] + windows - 1


def test_averages_decide_not_single_results() -> None:
    # One result of silence between does not make the averaged score fall.
    settings = DecoderSettings(average_window_ms=300, minimum_count=1, threshold=0.5, suppression_ms=300, repeat_words=True)
    decoder = CommandDecoder(LABELS, settings)
    scores = [np.eye(4)[0 if index == 6 else 2] for index in range(14)]
    assert [index for index, result in enumerate(scores) if decoder.step(result, index * 100).is_new] == [1]
