"""The confusion matrix and what follows from it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kws.evaluation.confusion import Confusion

NAMES = ("_silence_", "_unknown_", "yes", "no")
# Rows the truth: yes was called no twice, no never called yes; nothing was called _unknown_.
COUNTS = np.array([[5, 0, 0, 0], [1, 0, 0, 3], [0, 0, 6, 2], [0, 0, 0, 10]])
pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60)


@pytest.fixture
def confusion() -> Confusion:
    return Confusion(COUNTS, NAMES)


def test_counts_rows_of_truths_and_columns_of_predictions() -> None:
    confusion = Confusion.count([2, 2, 3, 0], [3, 2, 3, 0], NAMES)
    assert confusion.counts.tolist() == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]]
    assert confusion.names == NAMES


def test_hand_made_numbers(confusion: Confusion) -> None:
    assert confusion.total == 27
    assert confusion.accuracy == 21 / 27
    np.testing.assert_array_equal(confusion.recall, [1, 0, 6 / 8, 1])
    np.testing.assert_array_equal(confusion.precision, [5 / 6, math.nan, 1, 10 / 15])


def test_a_label_without_clips_has_no_recall() -> None:
    confusion = Confusion.count([2, 2], [2, 1], NAMES)
    np.testing.assert_array_equal(confusion.recall, [math.nan, math.nan, 0.5, math.nan])
    np.testing.assert_array_equal(confusion.precision, [math.nan, 0, 1, math.nan])


def test_nothing_counted_is_not_a_number() -> None:
    confusion = Confusion.count([], [], NAMES)
    assert confusion.total == 0
    assert math.isnan(confusion.accuracy)
    assert json.loads(json.dumps(confusion.to_dict(), allow_nan=False))["accuracy"] is None
    assert "nan" not in confusion.to_text()


@given(pairs)
def test_agrees_with_the_definition(answers: list[tuple[int, int]]) -> None:
    truths, predictions = np.array(answers, dtype=np.int64).reshape(-1, 2).T
    confusion = Confusion.count(truths, predictions, NAMES)
    assert confusion.total == len(answers)
    if answers:
        assert confusion.accuracy == pytest.approx(np.mean(truths == predictions), abs=1e-12)
    for label in range(4):
        for value, asked in ((confusion.recall[label], truths == label), (confusion.precision[label], predictions == label)):
            if asked.any():
                assert value == pytest.approx(np.mean((truths == predictions)[asked]), abs=1e-12)
            else:
                assert math.isnan(value)


@given(pairs)
def test_counts_of_parts_add_up(answers: list[tuple[int, int]]) -> None:
    truths, predictions = np.array(answers, dtype=np.int64).reshape(-1, 2).T
    middle = len(answers) // 2
    parts = [Confusion.count(truths[part], predictions[part], NAMES).counts for part in (slice(middle), slice(middle, None))]
    np.testing.assert_array_equal(sum(parts), Confusion.count(truths, predictions, NAMES).counts)


def test_text_has_truths_in_rows_and_their_recall_at_the_end(confusion: Confusion) -> None:
    lines = confusion.to_text().splitlines()
    assert lines[0].split() == [*NAMES, "recall"]
    assert [line.split() for line in lines[1:]] == [
        ["_silence_", "5", "0", "0", "0", "100.0%"],
        ["_unknown_", "1", "0", "0", "3", "0.0%"],
        ["yes", "0", "0", "6", "2", "75.0%"],
        ["no", "0", "0", "0", "10", "100.0%"],
        ["precision", "83.3%", "–", "100.0%", "66.7%"],
    ]


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=15), min_size=1, max_size=6, unique=True), st.integers(0, 99_999))
def test_text_columns_stand_under_their_names(words: list[str], count: int) -> None:
    counts = np.full((len(words), len(words)), count)
    lines = Confusion(counts, tuple(words)).to_text().splitlines()
    ends = [lines[0].index(f" {word} ") + 1 + len(word) for word in words]
    for row in lines[1:]:
        assert all(row[end - 1] != " " and row[end : end + 1] in (" ", "") for end in ends)


def test_dictionary_says_which_way_round_it_is(confusion: Confusion) -> None:
    content = json.loads(json.dumps(confusion.to_dict(), allow_nan=False))
    assert content["clips"] == 27
    assert content["accuracy"] == 21 / 27
    assert content["labels"]["yes"] == {"precision": 1.0, "recall": 0.75, "clips": 8}
    assert content["labels"]["_unknown_"] == {"precision": None, "recall": 0.0, "clips": 4}
    assert content["confusion_matrix"] == {
        "rows": "truth", "columns": "prediction", "names": list(NAMES), "counts": COUNTS.tolist(),
    }  # fmt: skip
