"""The original's counts: its numbers, and the edges of its rules."""

from __future__ import annotations

import pytest
from tensorflow_numbers import counted_streams

from kws.evaluation.streams.tensorflow_accuracy import count_as_tensorflow
from kws.streaming.events import Detection, SpokenWord

# Case 10 of the reference, 21 words, has words of the same time out of order; std::sort left these the other way round.
SWAPPED_BY_STD_SORT = {(10, 6000), (10, 9000)}


def counts(
    said: list[tuple[str, int]], found: list[tuple[str, int]], tolerance_ms: int = 100, up_to_ms: int | None = None
) -> list[int]:
    words = [SpokenWord(label, time_ms) for label, time_ms in said]
    result = count_as_tensorflow(words, [Detection(label, time_ms, 0.9) for label, time_ms in found], tolerance_ms, up_to_ms)
    return list(result.to_dict().values())


def test_equals_the_original_on_all_its_runs() -> None:
    cases = counted_streams()
    assert sum(len(case["counts"]) for case in cases) == 120
    for case in cases:
        said = [tuple(word) for word in case["gt_parsed"]]
        for index in range(len(said) - 1):
            if said[index][1] == said[index + 1][1] and (case["case"], said[index][1]) in SWAPPED_BY_STD_SORT:
                said[index], said[index + 1] = said[index + 1], said[index]
        for tolerance_ms, expected in case["counts"].items():
            assert counts(said, case["found"], int(tolerance_ms)) == expected["cpp"], (case["case"], tolerance_ms)


def test_differs_from_the_originals_python_in_matched_alone() -> None:
    for case in counted_streams():
        for tolerance_ms, expected in case["counts"].items():
            # Python's sort is stable: no words need swapping.
            ours = counts([tuple(word) for word in case["gt_parsed"]], case["found"], int(tolerance_ms))
            words, matched, correct, wrong, false_positives = expected["python"]
            assert [ours[0], *ours[2:]] == [words, correct, wrong, false_positives]
            assert matched == correct + wrong >= ours[1]


def test_fields() -> None:
    result = count_as_tensorflow(
        [SpokenWord("yes", 0), SpokenWord("no", 1000)], [Detection("yes", 10, 0.9), Detection("up", 5000, 0.9)]
    )
    assert result.to_dict() == {"words": 2, "matched": 1, "correct": 1, "wrong": 0, "false_positives": 1}


@pytest.mark.parametrize(("time_ms", "inside"), [(899, False), (900, True), (1100, True), (1101, False)])
def test_the_tolerance_is_inside(time_ms: int, inside: bool) -> None:
    assert counts([("yes", 1000)], [("yes", time_ms)]) == ([1, 1, 1, 0, 0] if inside else [1, 0, 0, 0, 1])


def test_a_second_detection_is_wrong() -> None:
    assert counts([("yes", 1000)], [("yes", 990), ("yes", 1010)]) == [1, 1, 1, 1, 0]


def test_only_the_first_word_is_compared() -> None:
    assert counts([("yes", 1000), ("no", 1050)], [("yes", 1000), ("no", 1050)]) == [2, 1, 1, 1, 0]


def test_a_wrong_detection_spoils_its_word() -> None:
    assert counts([("yes", 1000)], [("no", 1000), ("yes", 1000)]) == [1, 1, 0, 2, 0]


def test_words_come_in_any_order() -> None:
    assert counts([("no", 5000), ("yes", 1000)], [("yes", 1000), ("no", 5000)]) == [2, 2, 2, 0, 0]


def test_of_a_running_stream_only_what_can_have_been_found() -> None:
    said = [("yes", 1000), ("no", 2000), ("up", 3000)]
    assert counts(said, [("yes", 1000)], 100, up_to_ms=1899) == [1, 1, 1, 0, 0]
    assert counts(said, [("yes", 1000)], 100, up_to_ms=1900) == [2, 1, 1, 0, 0]
    assert counts(said, [("yes", 1000), ("no", 2000)], 100, up_to_ms=1000) == [1, 1, 1, 0, 1]


def test_nothing_said_or_found() -> None:
    assert counts([], []) == [0, 0, 0, 0, 0]
    assert counts([], [("yes", 0)]) == [0, 0, 0, 0, 1]
