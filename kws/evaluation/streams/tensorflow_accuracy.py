"""Count detections against the ground truth as TensorFlow's test_streaming_accuracy does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from kws.streaming.events import Detection, SpokenWord

TOLERANCE_MS = 750  # test_streaming_accuracy's default


@dataclass(frozen=True)
class OriginalCounts:
    """The counts that TensorFlow's test_streaming_accuracy prints, for comparison with it.

    Args:
        words: words in the ground truth.
        matched: times in the ground truth that a detection was compared with.
        correct: detections compared with a word of the same label that had no detection yet.
        wrong: detections compared with another word, or with one that already had a detection.
        false_positives: detections with no word within the tolerance.
    """

    words: int
    matched: int
    correct: int
    wrong: int
    false_positives: int

    def to_dict(self) -> dict[str, int]:
        """Return a dictionary for JSON."""
        return asdict(self)


def count_as_tensorflow(
    words: Sequence[SpokenWord], detections: Iterable[Detection], tolerance_ms: int = TOLERANCE_MS, up_to_ms: int | None = None
) -> OriginalCounts:
    """Count as TensorFlow's test_streaming_accuracy.cc: a detection is compared with the first word in tolerance only.

    Hence a second detection of a word counts as wrong, and so may the second of two words closer than the tolerance.
    TensorFlow's Python tool differs only in `matched`, where it counts detections and so can exceed the number of
    words. Words with the same time keep their given order (TensorFlow's sort leaves it open for more than 16 words).

    Args:
        words: in any order; `_unknown_` counts like a word.
        detections: in the order of detection; `_unknown_` counts like a word.
        tolerance_ms: largest distance of a detection from the word that it is compared with.
        up_to_ms: ignore words later than this plus the tolerance, as for a stream that is still running; None: use all.
    """
    ordered = sorted(words, key=lambda word: word.time_ms)
    if up_to_ms is not None:
        ordered = [word for word in ordered if word.time_ms <= up_to_ms + tolerance_ms]
    times = np.array([word.time_ms for word in ordered], dtype=np.int64)
    matched: set[int] = set()  # times, as in TensorFlow: words with the same time count once
    correct = wrong = false_positives = 0
    for detection in detections:
        first = int(np.searchsorted(times, detection.time_ms - tolerance_ms))
        if first == len(ordered) or ordered[first].time_ms > detection.time_ms + tolerance_ms:
            false_positives += 1
            continue
        word = ordered[first]
        if word.label == detection.label and word.time_ms not in matched:
            correct += 1
        else:
            wrong += 1
        matched.add(word.time_ms)
    return OriginalCounts(len(ordered), len(matched), correct, wrong, false_positives)
