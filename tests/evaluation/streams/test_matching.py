"""One-to-one matching against every possible one."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from kws.evaluation.streams.matching import match_detections, match_times
from kws.streaming.events import Detection, SpokenWord

times = st.lists(st.integers(0, 60), max_size=6)
events = st.lists(st.tuples(st.sampled_from(["yes", "no"]), st.integers(0, 60)), max_size=5)


def best(first: Sequence[int], second: Sequence[int], tolerance: int) -> tuple[int, int]:
    """Pairs and minus their summed distance of the best of all matchings."""
    if not first:
        return 0, 0
    candidates = [best(first[1:], second, tolerance)]
    for index, time_ms in enumerate(second):
        distance = abs(first[0] - time_ms)
        if distance <= tolerance:
            count, total = best(first[1:], [*second[:index], *second[index + 1 :]], tolerance)
            candidates.append((count + 1, total - distance))
    return max(candidates)


def words_of(pairs: Sequence[tuple[str, int]]) -> list[SpokenWord]:
    return [SpokenWord(label, time_ms) for label, time_ms in pairs]


def detections_of(pairs: Sequence[tuple[str, int]]) -> list[Detection]:
    return [Detection(label, time_ms, 0.9) for label, time_ms in pairs]


@given(times, times, st.integers(0, 25))
def test_no_matching_has_more_pairs_or_as_many_nearer_ones(first: list[int], second: list[int], tolerance: int) -> None:
    pairs = match_times(first, second, tolerance)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    distances = [abs(first[row] - second[column]) for row, column in pairs]
    assert all(distance <= tolerance for distance in distances)
    assert (len(pairs), -sum(distances)) == best(first, second, tolerance)


@given(times, times, st.integers(0, 25), st.integers(-(10**9), 10**9))
def test_only_differences_of_time_matter(first: list[int], second: list[int], tolerance: int, shift: int) -> None:
    moved = match_times([value + shift for value in first], [value + shift for value in second], tolerance)
    assert moved == match_times(first, second, tolerance)


def test_the_tolerance_is_inside() -> None:
    assert match_times([100], [150], 50) == [(0, 0)]
    assert match_times([100], [151], 50) == []
    assert match_times([100], [49], 50) == []


def test_more_pairs_before_nearer_ones() -> None:
    # 100 is nearest to 90, but 90 is the only one that 60 can have.
    assert match_times([60, 100], [90, 130], 40) == [(0, 0), (1, 1)]


def test_nearer_ones_before_earlier_ones() -> None:
    assert match_times([0, 40], [40], 50) == [(1, 0)]
    assert match_times([40], [0, 40], 50) == [(0, 1)]


@given(events, events, st.integers(0, 25))
def test_everything_is_in_one_place_and_hits_are_as_many_as_can_be(
    said: list[tuple[str, int]], found: list[tuple[str, int]], tolerance: int
) -> None:
    matching = match_detections(words_of(said), detections_of(found), tolerance)
    words = [word for word, _ in matching.hits + matching.wrong] + list(matching.missed)
    detections = [detection for _, detection in matching.hits + matching.wrong] + list(matching.false_accepts)
    assert sorted((w.label, w.time_ms) for w in words) == sorted(said)
    assert sorted((d.label, d.time_ms) for d in detections) == sorted(found)
    assert all(word.label == detection.label for word, detection in matching.hits)
    assert all(word.label != detection.label for word, detection in matching.wrong)
    hits = sum(
        best([t for name, t in said if name == label], [t for name, t in found if name == label], tolerance)[0]
        for label in ("yes", "no")
    )
    assert len(matching.hits) == hits
    # Of what the hits leave, as many wrong pairs as can be.
    left = best(
        [w.time_ms for w in [*matching.missed, *(word for word, _ in matching.wrong)]],
        [d.time_ms for d in [*matching.false_accepts, *(detection for _, detection in matching.wrong)]],
        tolerance,
    )
    assert len(matching.wrong) == left[0]


def test_a_neighbour_keeps_its_word() -> None:
    # The original compares both detections with the first word: one correct, one wrong.
    matching = match_detections(words_of([("yes", 0), ("no", 400)]), detections_of([("yes", 50), ("no", 380)]), 750)
    assert [(word.label, found.time_ms) for word, found in matching.hits] == [("yes", 50), ("no", 380)]
    assert not matching.wrong + matching.missed + matching.false_accepts


def test_hits_may_cross() -> None:
    matching = match_detections(words_of([("yes", 0), ("no", 100)]), detections_of([("no", 10), ("yes", 90)]), 100)
    assert [(word.label, found.time_ms) for word, found in matching.hits] == [("yes", 90), ("no", 10)]


def test_a_second_detection_of_a_word_is_a_false_accept() -> None:
    matching = match_detections(words_of([("yes", 0)]), detections_of([("yes", 200), ("yes", 10), ("no", 20)]), 750)
    assert [found.time_ms for _, found in matching.hits] == [10]
    assert [(found.label, found.time_ms) for found in matching.false_accepts] == [("yes", 200), ("no", 20)]


def test_a_day_of_words_takes_no_time() -> None:
    said = list(range(0, 86_400_000, 3000))
    started = time.perf_counter()
    pairs = match_times(said, [value + 200 for value in said], 750)
    assert len(pairs) == len(said)
    assert time.perf_counter() - started < 20  # a table of all words times all detections takes minutes
