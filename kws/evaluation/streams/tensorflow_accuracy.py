"""TensorFlow's counts of detections against the ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from kws.streaming.events import Detection, SpokenWord

TOLERANCE_MS = 750  # the original tool's default


@dataclass(frozen=True)
class OriginalCounts:
    """The counts that TensorFlow's test_streaming_accuracy prints, for comparison with it.

    Args:
        words: words of the ground truth.
        matched: moments of the ground truth that some detection was compared with.
        correct: detections compared with a word of their label that none was compared with before.
        wrong: detections compared with another word, or with one that had its detection.
        false_positives: detections with no word inside the tolerance.
    """

    words: int
    matched: int
    correct: int
    wrong: int
    false_positives: int

    def to_dict(self) -> dict[str, int]:
        """Convert to JSON types."""
        return asdict(self)


def count_as_tensorflow(
    words: Sequence[SpokenWord], detections: Iterable[Detection], tolerance_ms: int = TOLERANCE_MS, up_to_ms: int | None = None
) -> OriginalCounts:
    """Count as TensorFlow's C++ tool: a detection is compared with the first word inside the tolerance, and no other.

    Hence a second detection counts as wrong, and where words are closer than the tolerance the second word's does as
    well. TensorFlow's Python tool counts the same, but for `matched`, where it counts detections: it can exceed the
    words. Words of the same time stay in the order they are given in (TensorFlow's sort leaves it open, beyond 16
    words).

    Args:
        words: in any order; `_unknown_` counts like a word.
        detections: in the order they were made; `_unknown_` counts like a word.
        tolerance_ms: a detection this far from a word, and no farther, is compared with it.
        up_to_ms: leave out words later than this plus the tolerance, as in a stream that is still running; None: take
            all.
    """
    ordered = sorted(words, key=lambda word: word.time_ms)
    if up_to_ms is not None:
        ordered = [word for word in ordered if word.time_ms <= up_to_ms + tolerance_ms]
    times = np.array([word.time_ms for word in ordered], dtype=np.int64)
    matched: set[int] = set()  # times, as in TensorFlow's tutorial: words of one time count once
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
