"""Which of a model's answers are looked at, and in which order."""

from __future__ import annotations

import numpy as np

from kws.evaluation.confusion import ConfusedPair, Confusion, pairs_to_text
from kws.evaluation.predictions import Predictions

NAMES = ("_silence_", "_unknown_", "yes", "no")
ANSWERS = Predictions(
    np.array(
        [
            [0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.6, 0.1], [0.0, 0.0, 0.9, 0.1], [0.1, 0.1, 0.5, 0.3],
            [0.0, 0.0, 0.05, 0.95], [0.0, 0.0, 0.9, 0.1], [0.0, 0.1, 0.2, 0.7],
        ],
        dtype=np.float32,
    ),
    np.array([0, 1, 2, 2, 2, 3, 3]),
    NAMES,
)  # fmt: skip


def test_wrong_answers_come_by_confidence() -> None:
    assert ANSWERS.wrong().tolist() == [4, 5, 1]
    assert ANSWERS.confusion.accuracy == 4 / 7


def test_doubtful_answers_are_right_and_of_every_label() -> None:
    assert ANSWERS.least_confident().tolist() == [0, 3, 6]
    assert ANSWERS.least_confident(2).tolist() == [0, 3, 2, 6]


def test_nothing_scored_is_nothing_wrong() -> None:
    nothing = Predictions(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), NAMES)
    assert nothing.wrong().size == nothing.least_confident().size == 0


def test_pairs_are_labels_taken_for_others() -> None:
    pairs = ANSWERS.confusion.pairs()
    # One clip each; of fewer clips it is a larger share.
    assert pairs == (
        ConfusedPair("_unknown_", "yes", 1, 1.0),
        ConfusedPair("no", "yes", 1, 0.5),
        ConfusedPair("yes", "no", 1, 1 / 3),
    )
    assert pairs_to_text(pairs).splitlines()[1].split() == ["no", "→", "yes", "1", "50.0%", "of", "no"]
    assert Confusion.count([1, 2, 2, 2], [2, 3, 3, 2], NAMES).pairs()[0] == ConfusedPair("yes", "no", 2, 2 / 3)
    assert pairs_to_text(()) == ""
