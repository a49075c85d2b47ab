"""Words in a stream: the same in any chunks, at the right times, over gaps and up to the end."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from levels import SETTINGS, STREAM, Levels, sound
from numpy.typing import NDArray

from kws.errors import KwsError
from kws.streaming.decoder_settings import DecoderSettings
from kws.streaming.events import Detection
from kws.streaming.scorer import WindowScorer
from kws.streaming.silence import faint_noise
from kws.streaming.spotter import Spotter


def spotter(stride_ms: int = 20, on_scores: Any = None, pad_ends: bool = True) -> Spotter:
    return Spotter(WindowScorer(Levels(), stride_ms), SETTINGS, on_scores, pad_ends=pad_ends)


def fed(into: Spotter, waveform: NDArray[Any], sizes: list[int]) -> list[Detection]:
    cuts = np.cumsum(sizes)
    return [found for chunk in np.split(waveform, cuts[cuts < len(waveform)]) for found in into.feed(chunk)]


def test_words_are_found_once_each_near_where_they_are() -> None:
    found = spotter().feed(STREAM)
    words = [one for one in found if one.label != "_unknown_"]
    assert [one.label for one in words] == ["yes", "no", "yes"]
    # The start of the window that decided: the word ends in the window, which is 200 ms long.
    for one, start in zip(words, (500, 1500, 2400), strict=True):
        assert start - 200 < one.time_ms < start + 100
        assert one.score > 0.6


@given(st.lists(st.integers(0, 700), max_size=30))
@settings(deadline=None)
def test_any_chunking_finds_the_same(sizes: list[int]) -> None:
    assert fed(spotter(), STREAM, sizes) == spotter().feed(STREAM)


def test_int16_and_float_are_the_same_sound() -> None:
    pcm = np.rint(STREAM * 32767).astype(np.int16)
    assert spotter().feed(pcm) == spotter().feed(pcm / 32768)


def test_every_windows_scores_come_with_their_times() -> None:
    times: list[int] = []
    scores: list[NDArray[np.float32]] = []

    def keep(times_ms: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
        times.extend(times_ms.tolist())
        scores.extend(rows)

    fed(spotter(on_scores=keep, pad_ends=False), STREAM, [333] * 9)
    assert times == list(range(0, len(STREAM) - 200 + 1, 20))
    np.testing.assert_array_equal(scores, WindowScorer(Levels(), 20).push(STREAM))
    times.clear()
    scores.clear()
    into = spotter(on_scores=keep)
    fed(into, STREAM, [333] * 9)
    into.flush()
    # Every window that holds any of the sound, and no other.
    assert times == list(range(-180, len(STREAM), 20))
    np.testing.assert_array_equal(scores[9:-9], WindowScorer(Levels(), 20).push(STREAM))


def test_words_at_the_ends_are_found() -> None:
    for start, length in ((0, 2000), (1850, 2000), (0, 150), (1800, 2000), (50, 250)):
        into = spotter()
        found = [*into.feed(sound((start, 0.9), length=length)), *into.flush()]
        assert [one.label for one in found if one.label != "_unknown_"] == ["yes"], (start, length)
        assert all(0 <= one.time_ms <= length for one in found)


def test_what_stands_around_the_sound_is_faint_noise_of_its_place() -> None:
    heard: list[NDArray[np.float32]] = []

    class Watched(Levels):
        def score(self, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
            heard.extend(waveform)
            return super().score(waveform)

    into = Spotter(WindowScorer(Watched(), 20), SETTINGS)
    into.feed(np.full(30, 0.5, np.float32))
    into.flush()
    around = faint_noise(-180, 400)
    around[180:210] = 0.5
    np.testing.assert_array_equal(heard, [around[start : start + 200] for start in range(0, 201, 20)])


def test_lost_sound_moves_the_time_on_and_joins_nothing() -> None:
    starts: list[int] = []
    into = spotter(on_scores=lambda times_ms, _: starts.extend(times_ms.tolist()))
    assert into.feed(STREAM[:0]) == []
    before = into.feed(STREAM[:700])
    assert into.time_ms == 700
    # 137 samples of a gap: the next windows begin where it ends, none holds sound from both sides.
    assert into.skip(137) == []
    assert into.time_ms == 837
    after = into.feed(STREAM[837:])
    # No noise stands around a gap: times never run backwards.
    assert starts == [*range(-180, 501, 20), *range(837, len(STREAM) - 199, 20)]
    assert [one.label for one in (*before, *after) if one.label != "_unknown_"] == ["yes", "no", "yes"]
    whole = [one for one in spotter().feed(STREAM) if one.label == "no"]
    assert abs(next(one.time_ms for one in after if one.label == "no") - whole[0].time_ms) <= 20


def test_lost_before_the_first_sound_is_still_the_beginning() -> None:
    into = spotter()
    into.skip(1000)
    found = [*into.feed(sound((0, 0.9), length=1000)), *into.flush()]
    assert [one.label for one in found if one.label != "_unknown_"] == ["yes"]
    assert 800 < found[0].time_ms < 1200


def test_a_word_is_found_again_after_a_gap() -> None:
    into = spotter()
    assert [one.label for one in into.feed(sound((300, 0.9), length=440))] == ["yes"]
    into.skip(5000)
    found = into.feed(sound((100, 0.9), length=440))
    assert [one.label for one in found if one.label != "_unknown_"] == ["yes"]
    assert all(one.time_ms >= 5440 for one in found)


def test_no_samples_lost_is_no_gap() -> None:
    into = spotter()
    found = into.feed(STREAM[:610])
    into.skip(0)
    assert found + into.feed(STREAM[610:]) == spotter().feed(STREAM)
    with pytest.raises(KwsError, match="samples: -1 lost samples told"):
        into.skip(-1)


def ends(waveform: NDArray[np.float32], skipped: int = 0) -> list[int]:
    """Times of the windows that `flush` adds."""
    starts: list[int] = []
    into = spotter(on_scores=lambda times_ms, _: starts.extend(times_ms.tolist()), pad_ends=False)
    into.skip(skipped)
    into.feed(waveform)
    starts.clear()
    into.flush()
    assert into.time_ms == 0
    return starts


def test_the_rest_is_filled_up_and_scored_once() -> None:
    assert ends(STREAM[:209]) == [20]
    assert ends(STREAM[:219]) == [20]
    assert ends(STREAM[:220]) == []
    assert ends(STREAM[:200]) == []
    assert ends(STREAM[:30]) == [0]
    assert ends(STREAM[:0]) == []
    assert ends(STREAM[:30], skipped=1000) == [1000]
    # A word that only the last, filled window shows.
    model = DecoderSettings(average_window_ms=0, threshold=0.5, minimum_count=1, stride_ms=200)
    into = Spotter(WindowScorer(Levels(), 200), model, pad_ends=False)
    assert into.feed(sound((400, 0.9), length=550)) == []
    assert [(one.label, one.time_ms) for one in into.flush()] == [("yes", 400)]


def test_after_flush_and_reset_a_new_stream_begins() -> None:
    into = spotter()
    first = into.feed(STREAM)
    into.flush()
    assert into.feed(STREAM) == first
    into.reset()
    assert into.feed(STREAM) == first


def test_bad_sound_is_refused_and_the_stream_goes_on() -> None:
    into = spotter()
    bad = (np.full(5, np.nan), np.zeros((2, 5)), np.zeros(5, np.int32), np.zeros(5, np.uint8))
    for samples in bad:
        with pytest.raises(KwsError, match="samples: "):
            into.feed(samples)
    found = into.feed(STREAM[:700])
    for samples in bad:
        with pytest.raises(KwsError, match="samples: "):
            into.feed(samples)
    assert into.time_ms == 700
    assert found + into.feed(STREAM[700:]) == spotter().feed(STREAM)


def test_another_stride_than_the_settings_is_refused() -> None:
    with pytest.raises(KwsError, match="settings say 20, but the scorer gives scores every 30 ms; make them equal"):
        spotter(stride_ms=30)


def test_memory_is_constant() -> None:
    into = spotter()
    chunks = np.array_split(STREAM, 97)
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(8):
            for _ in range(3):
                for chunk in chunks:
                    into.feed(chunk)
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(sizes[2:]) < sizes[1] + 4096
    assert into.time_ms == 8 * 3 * 3000
