"""What becomes of unseen words, counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kws.data.corpus import Corpus
from kws.data.sampling import ClipList
from kws.data.sets.clip_set import ClipSet
from kws.data.sets.unseen_words import UnseenSet
from kws.evaluation.unseen_words import report_unseen

# The label that each clip is to get, at its first sample.
WORDS = ("tree", "bird", "tree", "bird", "tree", "tree")
LABELS = (1, 1, 2, 0, 1, 3)


def score(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.eye(4, dtype=np.float32)[np.rint(waveform[:, 0] * 32768).astype(int)]


@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_counts_by_word(batch_size: int) -> None:
    sound = np.repeat(np.array(LABELS, dtype=np.int16)[:, None], 3, axis=1)
    corpus = Corpus(Path("x"), tuple(f"{word}/{place}.wav" for place, word in enumerate(WORDS)), sound)
    clips = ClipSet(corpus, ClipList(np.arange(6), np.ones(6, np.int64)), np.zeros((0, 3), np.int16))
    seen: list[int] = []
    report = report_unseen(score, UnseenSet(clips, WORDS), batch_size, seen.append)
    assert sum(seen) == 6
    assert report.words == ("bird", "tree")
    assert report.counts.tolist() == [[2, 1, 0], [4, 2, 2]]
    assert json.loads(json.dumps(report.to_dict())) == {
        "unseen_unknown_recall": 0.5, "unseen_accepted": 2 / 6, "unseen_clips": 6,
        "unseen_words": {
            "bird": {"clips": 2, "unknown_recall": 0.5, "accepted": 0.0},
            "tree": {"clips": 4, "unknown_recall": 0.5, "accepted": 0.5},
        },
    }  # fmt: skip
    assert report.to_text() == (
        "unseen words: 50.00 % of 6 clips called unknown, 33.33 % taken for a wanted word (bird 50.0 % of 2 · tree 50.0 % of 4)"
    )
